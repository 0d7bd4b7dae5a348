// The composition root: opens everything in order, and when one thing cannot be opened closes what is
// open already. Nothing else in the server constructs a pool, an engine or a listener.
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { connectors } from '@rowhouse/connectors'
import { RowhouseError } from '@rowhouse/contracts'
import { loginUrl } from '@rowhouse/database'
import { keepDatabases, openFleet, supabaseDriver } from '@rowhouse/fleet'
import type { DatabaseKeeper, DatabaseKeeperOptions, Fleet, ServerDriver } from '@rowhouse/fleet'
import { createSync } from '@rowhouse/sync'
import { createRowhouse } from 'rowhouse'
import type { Rowhouse } from 'rowhouse'
import { createFailureLimit } from './auth/failure-limit.ts'
import { openCatalogue } from './catalogue/catalogue.ts'
import { openCopies } from './catalogue/copies.ts'
import type { Copies } from './catalogue/copies.ts'
import { keepLogMonths } from './catalogue/log-months.ts'
import { keepLogProven } from './catalogue/log-proof.ts'
import type { ProofKeeper } from './catalogue/log-proof.ts'
import type { Catalogue } from './catalogue/catalogue.ts'
import type { ServerConfig } from './config/config.ts'
import { openConsole } from './console/files.ts'
import type { Services } from './context.ts'
import { EventHub } from './events/hub.ts'
import { createVerifier } from './findings/verifier.ts'
import type { Verifier } from './findings/verifier.ts'
import { keepFleet } from './fleet/keep-fleet.ts'
import { createApp } from './http/app.ts'
import { readTrustedProxies } from './http/client-address.ts'
import type { Guards } from './http/pipeline.ts'
import { checkReady } from './http/ready.ts'
import { createLog, describeFleetEvent, failedEvent } from './log/log.ts'
import type { Log } from './log/log.ts'
import { keepMeasures } from './measures/keep-measures.ts'
import { createMetrics } from './metrics/metrics.ts'
import { readWhole } from './organizations/handlers.ts'
import { createRolloutRunner } from './rollouts/runner.ts'
import type { RolloutRunner } from './rollouts/runner.ts'
import { createSessionCookies } from './session/cookies.ts'
import { createSignIn } from './session/sign-in.ts'
import type { Sync } from './sync.ts'

const drainMs = 10_000
const idleCheckMs = 20
const headersMs = 20_000
const requestMs = 60_000
/**
 * How long a connection rests before it is closed: longer than proxies keep theirs, which is a minute by default at most of
 * them. Who closes first may do so while the next request is on its way, and what came of that request nobody knows.
 */
const keepAliveMs = 65_000

export interface ServerOptions {
  /** Folder of the built console. @default null: the API alone */
  readonly console?: string | null
  /** Runs the sync worker in this process too. @default false: `startWorker` does, in its own */
  readonly worker?: boolean
  /** @default one over the configured database */
  readonly sync?: Sync
  /** @default one over the configured database; a given one is not closed */
  readonly rowhouse?: Rowhouse
  /** What makes servers for homes, besides databases on a cluster. @default a Supabase project for each home */
  readonly drivers?: readonly ServerDriver[]
  /** Origins of simulated CRMs that persons may connect, besides the providers' own. @default none */
  readonly simulatedProviders?: readonly string[]
  /** @default JSON lines on stderr */
  readonly log?: Log
  /** Epoch milliseconds. @default Date.now */
  readonly now?: () => number
  /** How often databases outside the catalogue are looked after. @default as keepDatabases() */
  readonly databases?: Pick<DatabaseKeeperOptions, 'everyMs' | 'againMs'>
}

export interface RunningServer {
  /** Where it listens: http://host:port */
  readonly url: string
  readonly port: number
  /** Lets running requests finish for 10 s, ends streams, closes the database. May be called twice. */
  stop(): Promise<void>
}

/**
 * Starts the API and, given its folder, the console.
 *
 * @throws RowhouseError port_in_use, those of `Rowhouse.connect` and, with an issuer, of `Rowhouse.checkIssuer`
 * @example
 * const server = await startServer(readServerConfig(), { console: consoleDir, worker: true })
 */
export function startServer(config: ServerConfig, options: ServerOptions = {}): Promise<RunningServer> {
  return startGuarded(config, options, undefined)
}

/** As startServer; a test may switch guards off to see what they hold. Not exported by the package. */
export async function startGuarded(
  config: ServerConfig,
  options: ServerOptions,
  guards: Guards | undefined,
): Promise<RunningServer> {
  const { log = createLog(), now = Date.now } = options
  const trusted = readTrustedProxies(config.trustedProxies)
  const consoleFiles = await openConsole(options.console ?? null)
  const opened = openParts(config, options, log)
  let publicUrl = config.publicUrl
  const url = (): string => publicUrl ?? `http://${hostOf(config.host)}:${config.port}`
  try {
    await opened.rowhouse.connect()
    await checkReady(opened.catalogue)
    if (config.issuer !== null) await opened.rowhouse.checkIssuer()
    const { proof, databases } = opened.keepUp()
    const services: Services = {
      config,
      publicUrl: url,
      ...opened,
      cookies: createSessionCookies({ ...config, publicUrl: url, now }),
      signIn: config.issuer === null ? null : createSignIn(config.issuer),
      failures: createFailureLimit(now),
      simulatedProviders: options.simulatedProviders ?? [],
      log,
      now,
    }
    const hub = new EventHub({
      ...opened,
      readOrganization: (id) => readWhole(services, id),
      onError: (error) => log(failedEvent('events', error)),
    })
    const metrics = createMetrics(opened.catalogue, opened.rowhouse, () => hub.size, proof.counts, databases.counts)
    const app = createApp({ services, hub, metrics, console: consoleFiles, trusted, ...(guards && { guards }) })
    const listening = await listen(config, getRequestListener(app.fetch))
    const address = `http://${hostOf(config.host)}:${listening.port}`
    publicUrl ??= address
    if (options.worker === true) opened.startWork()
    log({ type: 'started', url: address, worker: options.worker === true })
    let stopped: Promise<void> | null = null
    const stop = async (): Promise<void> => {
      log({ type: 'stopping' })
      hub.close()
      await listening.close()
      await opened.close()
      log({ type: 'stopped' })
    }
    return { url: address, port: listening.port, stop: () => (stopped ??= stop()) }
  } catch (error) {
    await opened.close()
    throw error
  }
}

/**
 * Runs the sync worker for all organizations, without any HTTP.
 *
 * @throws RowhouseError database_unreachable, schema_outdated, schema_newer
 */
export async function startWorker(
  config: ServerConfig,
  options: Pick<ServerOptions, 'sync' | 'rowhouse' | 'log' | 'drivers' | 'databases'> = {},
): Promise<{ stop(): Promise<void> }> {
  const log = options.log ?? createLog()
  const opened = openParts(config, options, log)
  try {
    await opened.rowhouse.connect()
    await checkReady(opened.catalogue)
    opened.keepUp()
    opened.startWork()
    return { stop: () => opened.close() }
  } catch (error) {
    await opened.close()
    throw error
  }
}

interface Parts {
  readonly catalogue: Catalogue
  readonly copies: Copies
  readonly rowhouse: Rowhouse
  readonly sync: Sync
  readonly verifier: Verifier
  readonly fleet: Fleet
  readonly rollouts: RolloutRunner
  /** Begins a worker's part: the engine's lanes and the fleet's homes. */
  startWork(): void
  /** Begins to make the log's months and seals in every database, and to carry copies, once the catalogue is known to answer. */
  keepUp(): { readonly proof: ProofKeeper; readonly databases: DatabaseKeeper }
  close(): Promise<void>
}

function openParts(config: ServerConfig, options: ServerOptions, log: Log): Parts {
  const { signingKey, encryptionKey, previousEncryptionKey, credentialStore, issuer } = config
  const controlUrl = loginUrl(config.url, 'rowhouse_control', signingKey)
  const rowhouse =
    options.rowhouse ??
    createRowhouse({
      url: loginUrl(config.url, 'rowhouse_app', signingKey),
      signingKey,
      ...(issuer === null
        ? {}
        : {
            issuer: {
              issuer: issuer.issuer,
              ...(issuer.jwksUrl === null ? {} : { jwksUrl: issuer.jwksUrl }),
              ...(issuer.audience === null ? {} : { audience: issuer.audience }),
            },
          }),
    })
  const catalogue = openCatalogue(controlUrl, (error) => log(failedEvent('catalogue', error)))
  const copies = openCopies(catalogue, config.url, signingKey)
  const sync =
    options.sync ??
    createSync({
      rowhouse,
      controlUrl,
      encryptionKey,
      previousEncryptionKey,
      credentialStore,
      connectors,
      observe: (event) => log({ type: 'sync', event }),
    })
  const fleet = openFleet({
    catalogueUrl: config.url,
    signingKey,
    encryptionKey,
    previousEncryptionKey,
    drivers: options.drivers ?? [supabaseDriver()],
    observe: (event) => log({ type: 'fleet', event: describeFleetEvent(event) }),
  })
  const verifier = createVerifier({
    catalogue,
    url: controlUrl,
    onError: (error) => log(failedEvent('findings', error)),
  })
  const rollouts = createRolloutRunner({
    catalogueUrl: loginUrl(config.url, 'rowhouse_migrator', signingKey),
    folder: config.migrations ?? null,
    onEnd: (error) => log(failedEvent('rollout', error)),
  })
  const keepers: { stop(): Promise<void> }[] = [verifier, rollouts]
  const keepUp: Parts['keepUp'] = () => {
    const databases = keepDatabases({
      catalogue: { query: async (text, values) => ({ rows: await catalogue.query(text, values) }) },
      catalogueUrl: config.url,
      signingKey,
      onError: (where, error) => log(failedEvent(where, error)),
      ...options.databases,
    })
    const proof = keepLogProven(catalogue, signingKey, (where, error) => log(failedEvent(where, error)))
    keepers.push(
      keepLogMonths(catalogue, (error) => log(failedEvent('change log', error))),
      proof,
      databases,
      copies.keep((error) => log(failedEvent('copies', error))),
      keepMeasures(
        catalogue,
        (change) => log({ type: 'alert', ...change }),
        (error) => log(failedEvent('measures', error)),
      ),
    )
    return { proof, databases }
  }
  const startWork = (): void => {
    sync.worker.start()
    keepers.push(keepFleet(fleet, (error) => log(failedEvent('fleet', error))))
  }
  let closed: Promise<void> | null = null
  const close = async (): Promise<void> => {
    for (const keeper of keepers) await keeper.stop()
    await fleet.close()
    await sync.worker.stop()
    await sync.close()
    await catalogue.close()
    if (options.rowhouse === undefined) await rowhouse.close()
  }
  return {
    catalogue,
    copies,
    rowhouse,
    sync,
    verifier,
    fleet,
    rollouts,
    startWork,
    keepUp,
    close: () => (closed ??= close()),
  }
}

function hostOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

async function listen(
  config: Pick<ServerConfig, 'host' | 'port'>,
  handle: ReturnType<typeof getRequestListener>,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer({
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: 32 * 1024,
  })
  server.on('request', (request, response) => {
    void handle(request, response)
  })
  server.on('clientError', (_error, socket: Socket) => refuseMalformed(socket))
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new RowhouseError('port_in_use', `Port ${config.port} is taken.`, {
              details: { port: config.port },
              cause: error,
            })
          : error,
      )
    })
    server.listen(config.port, config.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        const force = setTimeout(() => server.closeAllConnections(), drainMs)
        // A connection that is kept alive becomes idle when its last answer is out, and could ask again.
        const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs)
        server.close(() => {
          clearTimeout(force)
          clearInterval(idle)
          resolve()
        })
      }),
  }
}

/** What is not HTTP never reaches the app; it gets the same error shape. */
function refuseMalformed(socket: Socket): void {
  if (!socket.writable) return
  const body = JSON.stringify({
    code: 'validation_failed',
    message: 'The request is not valid HTTP.',
    requestId: crypto.randomUUID(),
  })
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
