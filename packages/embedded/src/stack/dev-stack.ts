// The whole product in one process tree: Postgres, simulated CRMs, an identity provider, the API with the
// console and a worker, and the demo's organizations. The composition root of development; the parts know
// nothing of it.
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { buildConsole, consoleDir } from '@rowhouse/console'
import { RowhouseError } from '@rowhouse/contracts'
import { createLog, startServer } from '@rowhouse/server'
import { createRowhouse } from 'rowhouse'
import { runEdits } from '../demo/edits.ts'
import { demoPeople } from '../demo/people.ts'
import { startIssuer } from '../issuer/issuer.ts'
import { claimFolder } from '../postgres/claim.ts'
import { dataVersion, versionMismatch } from '../postgres/folder.ts'
import { nameAdministrator } from './administrator.ts'
import { ensureConnections } from './connections.ts'
import type { ConnectedOrganization } from './connections.ts'
import { openCrms } from './crms.ts'
import { openDatabase } from './database.ts'
import type { StackDatabase } from './database.ts'
import { checkKeys, openKeys } from './keys.ts'
import type { StackKeys } from './keys.ts'
import { ensureOrganizations } from './organizations.ts'
import { freePort, listenOnce, openPorts } from './ports.ts'

export interface DevStackOptions {
  /** Where data, keys and logs are kept; made when missing. */
  readonly folder: string
  /** Port of the API and the console on 127.0.0.1; 0 takes a free one. */
  readonly port: number
  /** Whether edits stream on both sides. */
  readonly edits: boolean
  /** `ROWHOUSE_URL` and the keys are read from it. */
  readonly environment: NodeJS.ProcessEnv
  /** The folder of tenant migrations that operators may roll out from the console. @default none */
  readonly migrations?: string | null
  /** One line for people. */
  readonly log: (line: string) => void
  /** Writes the server's own JSON lines to `rowhouse.log` in the folder. @default false: to standard error */
  readonly logFile?: boolean
}

/** What `rowhouse dev --json` prints. */
export interface ReadyLine {
  readonly api: string
  readonly console: string
  /** The tenant login: row-level security holds it. */
  readonly databaseUrl: string
  /** The login that migrates. */
  readonly ownerUrl: string
  readonly signingKey: string
  readonly operatorKey: string
  readonly organizations: readonly {
    readonly id: string
    readonly slug: string
    readonly isolation: string
    readonly ownerId: string
    readonly connection: {
      readonly id: string
      readonly connector: string
      readonly account: string
      readonly sandboxUrl: string
      /** A person's token at the CRM, for the vendor's own client. */
      readonly accessToken: string
    }
  }[]
}

export interface DevStack {
  readonly ready: ReadyLine
  stop(): Promise<void>
}

/** Of the embedded Postgres. */
const POSTGRES_MAJOR = 18
const AUDIENCE = 'rowhouse'
const EDITS_SEED = 7

/**
 * Starts everything, or nothing: a failure stops what had started.
 *
 * @throws RowhouseError already_running, port_in_use, *_key_too_short, those of `startPostgres` and of `install`
 */
export async function startDevStack(options: DevStackOptions): Promise<DevStack> {
  checkKeys(options.environment)
  await checkPort(options.port)
  const folder = resolve(options.folder)
  await checkFolder(folder)
  await mkdir(folder, { recursive: true })
  const claim = await claimFolder(folder, 'Rowhouse')
  const stops: (() => unknown)[] = [() => claim.release()]
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) await end()
  }
  try {
    const ready = await start(folder, options, (end) => stops.push(end))
    await claim.publish(ready.api)
    return { ready, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * A data directory of Postgres itself is no place for a stack.
 *
 * @throws RowhouseError data_version_mismatch, data_directory_foreign
 */
async function checkFolder(folder: string): Promise<void> {
  if (!existsSync(join(folder, 'PG_VERSION'))) return
  const found = await dataVersion(folder)
  if (found !== undefined && found !== POSTGRES_MAJOR) throw versionMismatch(folder, found, POSTGRES_MAJOR)
  throw new RowhouseError('data_directory_foreign', `${folder} is the data directory of another Postgres.`, {
    details: { folder },
  })
}

async function start(
  folder: string,
  options: DevStackOptions,
  onStop: (end: () => unknown) => void,
): Promise<ReadyLine> {
  const { log, environment } = options
  const keys = await openKeys(folder, environment)
  const port = options.port === 0 ? await freePort() : options.port
  const api = `http://127.0.0.1:${port}`

  const building = buildConsole({ log })
  // Whoever awaits it first reports its failure; until then it must not be an unhandled one.
  building.catch(() => {})
  const database = await openDatabase({
    folder,
    signingKey: keys.signingKey,
    databaseUrl: environment['ROWHOUSE_URL'],
    log,
  })
  onStop(() => database.stop())
  // After Postgres listens: a port that is free now could otherwise be the one it takes, and be kept by both.
  const ports = await openPorts(folder)
  const crms = await openCrms({
    folder,
    port: ports.sandbox,
    redirectUri: (connector) => `${api}/oauth/${connector}/callback`,
    log,
  })
  onStop(() => crms.close())
  const loading = crms.load()
  loading.catch(() => {})
  const organizations = await ensureOrganizations(database.controlUrl)
  const issuer = await startIssuer({
    port: ports.issuer,
    users: demoPeople,
    clients: [
      { clientId: 'rowhouse-console', redirectUris: [`${api}/v1/session/callback`], postLogoutRedirectUris: [api] },
    ],
    keysFile: join(folder, 'issuer-keys.json'),
    audience: AUDIENCE,
  })
  onStop(() => issuer.close())
  await building
  const server = await startServer(
    serverConfig({ database, keys, port, api, issuer, migrations: options.migrations ?? null }),
    {
      console: consoleDir,
      worker: true,
      ...(options.logFile === true && { log: createLog('info', join(folder, 'rowhouse.log')) }),
      simulatedProviders: [new URL(crms.url).origin],
    },
  )
  onStop(() => server.stop())
  await nameAdministrator({ apiUrl: api, operatorKey: keys.operatorKey, adminUrl: database.adminUrl, log })
  await loading
  const connected = await ensureConnections({
    apiUrl: api,
    operatorKey: keys.operatorKey,
    controlUrl: database.controlUrl,
    sandboxUrl: crms.url,
    organizations,
    accounts: crms.accounts,
    spare: crms.spare,
  })
  if (options.edits) onStop(startEdits(database, keys, connected, log))

  const ready = makeReadyLine({ api, database, keys, connected })
  const readyFile = join(folder, 'ready.json')
  await writeFile(readyFile, `${JSON.stringify(ready, null, 2)}\n`, { mode: 0o600 })
  onStop(() => rm(readyFile, { force: true }))
  return ready
}

function serverConfig(parts: {
  readonly database: StackDatabase
  readonly keys: StackKeys
  readonly port: number
  readonly api: string
  readonly issuer: { readonly issuer: string; readonly jwksUrl: string }
  readonly migrations: string | null
}): Parameters<typeof startServer>[0] {
  return {
    url: parts.database.appUrl,
    ...parts.keys,
    port: parts.port,
    host: '127.0.0.1',
    publicUrl: parts.api,
    issuer: {
      issuer: parts.issuer.issuer,
      jwksUrl: parts.issuer.jwksUrl,
      audience: AUDIENCE,
      clientId: 'rowhouse-console',
      clientSecret: null,
    },
    trustedProxies: [],
    migrations: parts.migrations,
  }
}

/** Starts the stream of edits; the function that is returned ends it. */
function startEdits(
  database: StackDatabase,
  keys: StackKeys,
  connected: readonly ConnectedOrganization[],
  log: (line: string) => void,
): () => Promise<void> {
  const rowhouse = createRowhouse({ url: database.appUrl, signingKey: keys.signingKey })
  const ending = new AbortController()
  const running = runEdits({
    organizations: connected.map(({ organization, account }) => {
      const acting = rowhouse.as({ organizationId: organization.id, userId: organization.owner.id })
      return {
        slug: organization.slug,
        contacts: account.records.contacts,
        crm: account.crm,
        query: (text, values) => acting.query(text, [...values]),
      }
    }),
    seed: EDITS_SEED,
    signal: ending.signal,
    onError: (slug, error) =>
      log(`an edit in ${slug} failed: ${error instanceof Error ? error.message : String(error)}`),
  })
  return async () => {
    ending.abort()
    await running
    await rowhouse.close()
  }
}

function makeReadyLine(parts: {
  readonly api: string
  readonly database: StackDatabase
  readonly keys: StackKeys
  readonly connected: readonly ConnectedOrganization[]
}): ReadyLine {
  return {
    api: parts.api,
    console: parts.api,
    databaseUrl: parts.database.appUrl,
    ownerUrl: parts.database.migratorUrl,
    signingKey: parts.keys.signingKey,
    operatorKey: parts.keys.operatorKey,
    organizations: parts.connected.map(({ organization, account, connectionId }) => ({
      id: organization.id,
      slug: organization.slug,
      isolation: organization.isolation,
      ownerId: organization.owner.id,
      connection: {
        id: connectionId,
        connector: account.connector,
        account: account.account,
        sandboxUrl: account.url,
        accessToken: account.personToken,
      },
    })),
  }
}

/** Refuses a taken port before anything is made. @throws RowhouseError port_in_use */
async function checkPort(port: number): Promise<void> {
  if (port !== 0 && (await listenOnce(port)) === null)
    throw new RowhouseError('port_in_use', `Port ${port} is taken by another program.`, { details: { port } })
}
