// Recognisable secrets, planted everywhere one is handed over; then everything that anybody can read is searched for them:
// the log, every answer, live events, metrics, errors with their causes and stacks, every table of the database and its
// files, what Postgres notes of statements and their parameters, and everything that rests in a vault.
// Long because what is planted, what is done with it and where it is looked for are one story.
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, open, readFile, readdir, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { connectors } from '@rowhouse/connectors'
import { startSandbox, startVault } from '@rowhouse/sandbox'
import type { CreatedAccount, Sandbox, SimulatedVault } from '@rowhouse/sandbox'
import { createSync } from '@rowhouse/sync'
import type { StoreOptions, Sync } from '@rowhouse/sync'
import { useSupabaseDatabase, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { createRowhouse } from 'rowhouse'
import type { Rowhouse } from 'rowhouse'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLog } from './log/log.ts'
import type { Log, ServerLogEvent } from './log/log.ts'
import { needles } from './test-needles.ts'
import { startTestServer } from './test-server.ts'
import type { Answer, TestServer } from './test-server.ts'

/** One for each run: the first ones in each store; the last shows what they prevent. */
const databases = {
  kept: useTestDatabase(),
  hashicorp: useTestDatabase(),
  supabase: useSupabaseDatabase({ vault: true }),
  told: useTestDatabase(),
}
type Run = keyof typeof databases
const soon = { timeout: 60_000, interval: 50 }
const planted = (name: string): string => `planted-${name.replaceAll(' ', '-')}-${randomBytes(12).toString('hex')}`

/** What nobody may find, by name. */
const secrets = new Map<string, string>()
const plant = (name: string, value = planted(name)): string => {
  secrets.set(name, value)
  return value
}

/** Between the engine and the simulated CRM: learns what passes, and repeats it in its errors as a bad provider would. */
interface Echo {
  readonly url: string
  /** What is refused, with its own secrets in the message: every request, or writes of records, each by itself. */
  refuse: 'nothing' | 'everything' | 'records'
  close(): Promise<void>
}

async function startEcho(target: string): Promise<Echo> {
  const state: Pick<Echo, 'refuse'> = { refuse: 'nothing' }
  const server: Server = createServer((request, response) => {
    const pass = async (): Promise<void> => {
      const chunks: Buffer[] = []
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
      const body = Buffer.concat(chunks)
      const isToken = (request.url ?? '').includes('/token')
      const form = isToken ? new URLSearchParams(body.toString()) : new URLSearchParams()
      for (const name of ['code', 'code_verifier', 'refresh_token', 'client_secret', 'client_assertion'])
        if (form.has(name)) plant(`${name} ${secrets.size}`, form.get(name) as string)
      const { authorization = '' } = request.headers
      const basic = /^Basic (.+)/.exec(authorization)?.[1]
      if (basic !== undefined) plant(`basic credentials ${secrets.size}`, basic)
      const isRecord = /batch\/(create|update)$/.test(request.url ?? '')
      if (state.refuse === 'everything' || (state.refuse === 'records' && isRecord)) {
        const detail = `Refused ${authorization} ${[...form.values()].join(' ')} ${body.toString()}`
        const category = isRecord ? 'VALIDATION_ERROR' : 'EXPIRED_AUTHENTICATION'
        response.writeHead(isToken || isRecord ? 400 : 401, { 'content-type': 'application/json' })
        // In HubSpot's words and in NetSuite's, of the API and of the token endpoint.
        response.end(
          JSON.stringify({
            status: 'error',
            message: detail,
            category,
            error: 'invalid_client',
            error_description: detail,
            'o:errorDetails': [{ detail, 'o:errorCode': 'INVALID_LOGIN' }],
          }),
        )
        return
      }
      const headers = new Headers()
      for (const [name, value] of Object.entries(request.headers))
        if (typeof value === 'string' && !['host', 'connection', 'content-length', 'transfer-encoding'].includes(name))
          headers.set(name, value)
      const answer = await fetch(target + (request.url ?? ''), {
        method: request.method ?? 'GET',
        headers,
        redirect: 'manual',
        ...(body.length > 0 && { body }),
      })
      const text = await answer.text()
      if (isToken && answer.ok)
        for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, unknown>))
          if (name.endsWith('_token') && typeof value === 'string') plant(`${name} ${secrets.size}`, value)
      for (const name of ['content-type', 'location', 'date']) {
        const value = answer.headers.get(name)
        if (value !== null) response.setHeader(name, value)
      }
      response.writeHead(answer.status)
      response.end(text)
    }
    pass().catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        ;(server as unknown as { closeAllConnections(): void }).closeAllConnections()
      }),
  })
}

const TABLES = `
create table companies (
  organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
  name text not null, domain text, industry text, employees integer, primary key (organization_id, id));
create table contacts (
  organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
  email text, first_name text, last_name text, phone text, title text, company_id uuid,
  primary key (organization_id, id), unique (organization_id, email),
  foreign key (organization_id, company_id) references companies (organization_id, id) on delete set null (company_id));
select rowhouse.protect('companies'); select rowhouse.protect('contacts');`

let sandbox: Sandbox
let vault: SimulatedVault
let echo: Echo
let folder: string
const opened: (() => Promise<void>)[] = []
const operatorKey = plant('operator key')
const encryptionKey = plant('encryption key')
const previousEncryptionKey = plant('previous encryption key')
const appSecret = plant('client secret of the product')

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 })
  vault = await startVault()
  vault.setPolicy('rowhouse', 'path "secret/*" { capabilities = ["create", "read", "update", "delete"] }')
  echo = await startEcho(sandbox.url)
  folder = await mkdtemp(join(tmpdir(), 'rowhouse-secrets-'))
  for (const [run, database] of Object.entries(databases)) {
    const { appUrl, controlUrl, migratorUrl, signingKey } = database()
    plant('signing key', signingKey)
    for (const [login, url] of Object.entries({ app: appUrl, control: controlUrl, migrator: migratorUrl }))
      plant(`password of ${login} of ${run}`, decodeURIComponent(new URL(url).password))
  }
})
afterAll(async () => {
  for (const close of opened.toReversed()) await close()
  await echo?.close()
  await vault?.close()
  await sandbox?.close()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

/** Everything that was written, answered or told, by where. */
interface Seen {
  readonly texts: Map<string, string[]>
  readonly events: ServerLogEvent[]
  readonly logFile: string
}

const note = (seen: Seen, where: string, text: string): void => {
  seen.texts.set(where, [...(seen.texts.get(where) ?? []), text])
}

/** The certificate's key of a machine at NetSuite, and what the simulation checks it with. */
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const machineKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const certificate = { id: 'certificate-1', publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
plant('private key', machineKey)
// However its lines are broken.
for (const [index, line] of machineKey.split('\n').slice(1, -2).entries())
  plant(`line ${index} of the private key`, line)

/** Where a run keeps credentials, and what lets it. */
async function storeOf(run: Run): Promise<StoreOptions> {
  if (run === 'supabase') {
    await withClient(databases.supabase().postgresUrl, (postgres) =>
      postgres.query(`grant usage on schema vault to rowhouse_owner;
        grant select, delete on vault.secrets, vault.decrypted_secrets to rowhouse_owner;
        grant execute on function vault.create_secret, vault.update_secret, vault._crypto_aead_det_decrypt to rowhouse_owner`),
    )
    return { store: 'supabase_vault' }
  }
  if (run !== 'hashicorp') return { store: 'database' }
  const { roleId, secretId } = vault.createRole('rowhouse', { policies: ['rowhouse'], ttlMs: 3_600_000 })
  plant('secret id of the vault', secretId)
  return { store: 'hashicorp_vault', hashicorp: { address: vault.url, login: { method: 'approle', roleId, secretId } } }
}

async function dump(run: Run): Promise<Map<string, string[]>> {
  return withClient(databases[run]().adminUrl, async (admin) => {
    const { rows: tables } = await admin.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
         and n.nspname !~ '^pg_toast'`,
    )
    const dumped = new Map<string, string[]>([['the vault', vault.engine('secret').everything()]])
    // What Supabase Vault shows in the clear to whoever may read its view.
    if (run === 'supabase') tables.push({ name: 'vault.decrypted_secrets' })
    for (const { name } of tables) {
      const { rows } = await admin.query<{ row: string }>(`select t::text as row from ${name} t`)
      dumped.set(
        `table ${name}`,
        rows.map(({ row }) => row),
      )
    }
    return dumped
  })
}

/** What Postgres noted of statements: now under way, counted, and in its log from the run's beginning on. */
async function notedByPostgres({ run, logFrom }: Running): Promise<Map<string, string[]>> {
  const { adminUrl, serverLog } = databases[run]()
  const noted = await withClient(adminUrl, async (admin) => {
    const read = async (sql: string): Promise<string[]> =>
      (await admin.query<{ text: string }>(sql)).rows.map(({ text }) => text)
    return new Map([
      ['pg_stat_activity', await read('select a::text as text from pg_stat_activity a')],
      ['pg_stat_statements', await read(`select s::text as text from ${await statementsOf(admin)} s`)],
    ])
  })
  if (serverLog !== undefined) noted.set('the log of Postgres', [await readFrom(serverLog, logFrom)])
  return noted
}

async function statementsOf(admin: Client): Promise<string> {
  const { rows } = await admin.query<{ name: string }>(
    `select quote_ident(nspname) || '.pg_stat_statements' as name
     from pg_extension e join pg_namespace n on n.oid = e.extnamespace where extname = 'pg_stat_statements'`,
  )
  return rows[0]?.name ?? ''
}

async function readFrom(file: string, offset: number): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const { buffer } = await handle.read(
      Buffer.alloc(Math.max(0, size - offset)),
      0,
      Math.max(0, size - offset),
      offset,
    )
    return buffer.toString()
  } finally {
    await handle.close()
  }
}

/** The files of the database as they lie on the disk: also what rows held before. */
async function filesOf(run: Run): Promise<Map<string, string[]>> {
  const folder = await withClient(databases[run]().adminUrl, async (admin) => {
    await admin.query('checkpoint')
    const { rows } = await admin.query<{ folder: string }>(
      `select current_setting('data_directory') || '/base/' || oid as folder from pg_database where datname = current_database()`,
    )
    return rows[0]?.folder ?? ''
  })
  const files = new Map<string, string[]>()
  for (const file of await readdir(folder))
    // Pages are half empty, and no secret has a zero in it.
    files.set(`file ${file}`, [(await readFile(join(folder, file))).toString('latin1').replaceAll(/\0{2,}/g, '\0')])
  return files
}

/** Each once: what has no special letter is the same in three of them. */
const formsOf = (secret: string): string[] => [
  ...new Set([
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('hex'),
  ]),
]

/** Where which secret was found. */
function search(texts: ReadonlyMap<string, readonly string[]>): string[] {
  const forms = [...secrets].flatMap(([name, secret]) => formsOf(secret).map((form) => [name, form] as const))
  const wanted = needles(forms)
  return [...texts].flatMap(([where, found]) =>
    [...new Set(found.flatMap((text) => [...wanted.in(text)]))].map((name) => `${name} in ${where}`),
  )
}

async function searchAll(running: Running): Promise<string[]> {
  const { run, seen } = running
  const log = await readFile(seen.logFile, 'utf8').catch(() => '')
  return search(
    new Map([
      ...seen.texts,
      ...(await notedByPostgres(running)),
      ...(await dump(run)),
      ...(await filesOf(run)),
      ['log', [log]],
      ['log events', seen.events.map((e) => JSON.stringify(e))],
    ]),
  )
}

interface Running {
  readonly run: Run
  readonly server: TestServer
  readonly rowhouse: Rowhouse
  readonly sync: Sync
  /** Where the log of Postgres ended before. */
  readonly logFrom: number
  readonly seen: Seen
  readonly call: (method: string, path: string, body?: unknown, bearer?: string) => Promise<Answer>
}

async function start(run: Run, redact?: (text: string) => string): Promise<Running> {
  const seen: Seen = { texts: new Map(), events: [], logFile: join(folder, `${run}.log`) }
  const database = databases[run]
  const logFrom = await noteStatements(database().adminUrl, database().serverLog)
  const written = createLog('debug', seen.logFile)
  const log: Log = (event) => {
    seen.events.push(event)
    written(event)
  }
  const rowhouse: Rowhouse = createRowhouse({ url: database().appUrl, signingKey: database().signingKey })
  opened.push(() => rowhouse.close())
  const sync = createSync({
    rowhouse,
    controlUrl: database().controlUrl,
    encryptionKey,
    previousEncryptionKey,
    credentialStore: await storeOf(run),
    connectors,
    shortestPollMs: 200,
    observe: (event) => log({ type: 'sync', event }),
    ...(redact && { redact }),
  })
  const server = await startTestServer(database(), {
    log,
    sync,
    worker: true,
    simulatedProviders: [sandbox.url, echo.url],
    config: { operatorKey, encryptionKey, previousEncryptionKey },
  })
  opened.push(() => server.stop())
  await withClient(database().migratorUrl, (migrator) => migrator.query(TABLES))
  return {
    run,
    server,
    rowhouse,
    sync,
    logFrom,
    seen,
    async call(method, path, body, bearer = operatorKey) {
      const answer = await server.call(method, path, { bearer, ...(body === undefined ? {} : { body }) })
      const cookies = answer.headers.getSetCookie().join(' ')
      note(seen, `${method} ${path.replaceAll(/[0-9a-f-]{36}/g, ':id')}`, `${answer.text} ${cookies}`)
      return answer
    },
  }
}

/** From now on Postgres notes every statement of the database with all its parameters. Returns where its log ends before. */
async function noteStatements(adminUrl: string, serverLog: string | undefined): Promise<number> {
  await withClient(adminUrl, async (admin) => {
    await admin.query('create schema observed; create extension if not exists pg_stat_statements schema observed')
    const { rows } = await admin.query<{ name: string }>('select quote_ident(current_database()) as name')
    for (const setting of [
      'log_min_duration_statement = 0',
      'log_parameter_max_length = -1',
      'log_parameter_max_length_on_error = -1',
      'log_error_verbosity = verbose',
    ])
      await admin.query(`alter database ${rows[0]?.name} set ${setting}`)
  })
  return serverLog === undefined ? 0 : (await stat(serverLog)).size
}

/** Live events, as a browser hears them, until `stop`. */
async function listen({ server, seen }: Running, organizationId: string): Promise<() => Promise<void>> {
  const abort = new AbortController()
  const response = await fetch(`${server.url}/v1/events?organizationId=${organizationId}`, {
    headers: { authorization: `Bearer ${operatorKey}` },
    signal: abort.signal,
  })
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
      note(seen, 'events', decoder.decode(chunk))
  })().catch(() => {})
  return async () => {
    abort.abort()
    await reading
  }
}

async function throughConsent(running: Running, path: string, owner: string, account: CreatedAccount): Promise<string> {
  const { server, call } = running
  const { connector } = account
  const begun = await call('POST', `${path}/authorize`, { connector, baseUrl: echo.url }, owner)
  expect(begun.body).toMatchObject({ url: expect.any(String) })
  const started = await server.call('GET', (begun.body.url as string).replace(server.url, ''), { bearer: owner })
  const cookie = started.headers
    .getSetCookie()
    .map((set) => set.split(';')[0])
    .join('; ')
  const asked = new URL(started.headers.get('location') ?? '')
  const answered = await fetch(asked.origin + asked.pathname, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({
      ...Object.fromEntries(asked.searchParams),
      account: account.id,
      decision: 'approve',
    }),
  })
  const back = answered.headers.get('location') ?? ''
  const ended = await server.call('GET', back.replace(server.url, ''), { bearer: owner, headers: { cookie } })
  note(running.seen, 'callback', `${ended.text} ${ended.headers.get('location')}`)
  return new URL(ended.headers.get('location') ?? '', server.url).searchParams.get('connected') ?? ''
}

/** Connects, refreshes, fails, hears webhooks and errs; everything that is answered is noted. */
async function everything(running: Running): Promise<void> {
  const { run: name, server, seen, call } = running
  const owner = await server.token(server.worlds.a.ownerId)
  const organization = `/v1/organizations/${server.worlds.a.organizationId}`
  const path = `${organization}/connections`
  const stopListening = await listen(running, server.worlds.a.organizationId)
  const apps = [{ clientId: `app-${name}`, clientSecret: appSecret }]
  const account = sandbox.createAccount({ connector: 'hubspot', name: `One ${name}`, apps })
  const [netsuite, attended] = ['Three', 'Four'].map((word) =>
    sandbox.createAccount({
      connector: 'netsuite',
      name: `${word} ${name}`,
      apps: [{ clientId: `netsuite-${name}`, clientSecret: appSecret, certificates: [certificate] }],
    }),
  ) as [CreatedAccount, CreatedAccount]
  const other = sandbox.createAccount({ connector: 'hubspot', name: `Two ${name}` })
  plant(`access token of ${name}`, other.accessToken)
  plant(`webhook secret of ${name}`, other.webhookSecret)
  for (const [connector, clientId] of [
    ['hubspot', `app-${name}`],
    ['netsuite', `netsuite-${name}`],
  ])
    await call('PUT', `/v1/connectors/${connector}/app`, { clientId, clientSecret: appSecret })
  const granted = await throughConsent(running, path, owner, account)
  expect(granted).toMatch(/^[0-9a-f-]{36}$/)
  const given = await call('POST', path, {
    connector: 'hubspot',
    accessToken: other.accessToken,
    refreshToken: plant(`refresh token of ${name}`),
    clientId: 'private',
    clientSecret: other.webhookSecret,
    baseUrl: echo.url,
  })
  expect(given.status).toBe(200)
  const id = given.body.id as string

  await fetch(`${sandbox.url}/_sandbox/chaos`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ account: account.id, revokeTokens: true }),
  })
  expect((await call('POST', `${path}/${granted}/test`)).status).toBe(200)

  const hook = async (secret: string): Promise<number> => {
    const rawBody = JSON.stringify([{ portalId: Number(other.id), subscriptionType: 'contact.creation', objectId: 1 }])
    const url = `${server.url}/webhooks/hubspot/${id}`
    const timestamp = String(Date.now())
    const signature = createHmac('sha256', secret).update(`POST${url}${rawBody}${timestamp}`).digest('base64')
    const answer = await server.call('POST', `/webhooks/hubspot/${id}`, {
      rawBody,
      headers: { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp },
    })
    note(seen, 'webhook', answer.text)
    return answer.status
  }
  expect(await hook('not the secret')).toBe(401)
  expect(await hook(other.webhookSecret)).toBeLessThan(300)

  await parkOne(running, id)
  const byConsent = await throughConsent(running, path, owner, attended)
  expect(byConsent).toMatch(/^[0-9a-f-]{36}$/)
  const byMachine = await connectMachine(running, path, netsuite)
  const all = [granted, id, byConsent, byMachine]

  echo.refuse = 'everything'
  for (const connection of all)
    expect((await call('POST', `${path}/${connection}/test`)).body.code).toBe('credentials_refused')
  await err(running, all)
  const bad = { connector: 'hubspot', accessToken: plant(`bad token of ${name}`), baseUrl: echo.url }
  expect((await call('POST', path, bad)).body.code).toBe('credentials_refused')
  await expect.poll(async () => (await call('GET', `${path}/${granted}`)).body.state as string, soon).toBe('paused')
  echo.refuse = 'nothing'
  for (const body of [
    { ...bad, accessToken: [bad.accessToken] },
    { ...bad, [plant(`unknown field of ${name}`)]: 1, connector: 'nowhere' },
    `{"accessToken": "${bad.accessToken}`,
  ])
    expect((await call('POST', path, body)).status).toBeGreaterThanOrEqual(400)
  await call('GET', '/v1/me', undefined, plant(`wrong operator key of ${name}`))
  for (const get of [
    path,
    `${path}/${id}`,
    `${organization}/activity`,
    `${organization}/dead-letters`,
    `${organization}/conflicts`,
    '/v1/connectors',
    '/v1/connectors/apps',
    '/openapi.json',
    '/metrics',
    '/readyz',
    '/v1/me',
  ])
    await call('GET', get)
  await stopListening()
}

/** A record that the CRM refuses in words which repeat what it was asked with: they are in a dead letter. */
async function parkOne({ rowhouse, server, sync }: Running, connectionId: string): Promise<void> {
  const { organizationId, ownerId } = server.worlds.a
  await expect.poll(async () => (await sync.connections.get(organizationId, connectionId)).state, soon).toBe('live')
  echo.refuse = 'records'
  await rowhouse
    .as({ organizationId, userId: ownerId })
    .query(`insert into contacts (email) values ('parked@x.example')`)
  const letters = async (): Promise<string[]> =>
    (await sync.deadLetters.list(organizationId, { userId: ownerId })).flatMap((letter) =>
      letter.connectionId === connectionId ? [letter.reason] : [],
    )
  await expect.poll(letters, soon).toEqual([expect.stringContaining('Refused')])
  echo.refuse = 'nothing'
}

/** By a machine's key, after an attempt with what token-based authentication has, which is not offered. */
async function connectMachine({ call, run }: Running, path: string, account: CreatedAccount): Promise<string> {
  const { consumerKey, consumerSecret, tokenId, tokenSecret } = account.tokenBased as NonNullable<
    CreatedAccount['tokenBased']
  >
  plant(`consumer secret of ${run}`, consumerSecret)
  plant(`token secret of ${run}`, tokenSecret)
  const baseUrl = `${echo.url}/${account.id}`
  const body = { connector: 'netsuite', baseUrl }
  const tokenBased = {
    accessToken: tokenSecret,
    refreshToken: tokenId,
    clientId: consumerKey,
    clientSecret: consumerSecret,
  }
  expect((await call('POST', path, { ...body, ...tokenBased })).body.code).toBe('credentials_refused')
  const refreshToken = `certificate:${certificate.id}@${account.id}`
  const machine = { accessToken: 'none', refreshToken, clientId: `netsuite-${run}`, clientSecret: machineKey }
  const connected = await call('POST', path, { ...body, ...machine })
  expect(connected.status).toBe(200)
  return connected.body.id as string
}

/** Errors as a process would print them that nothing caught: with causes, details and stacks. */
async function err({ run, seen, server, sync }: Running, ids: readonly string[]): Promise<void> {
  const { organizationId } = server.worlds.a
  const accessToken = plant(`token in an error of ${run}`)
  const refused = { organizationId, connector: 'hubspot', baseUrl: echo.url, accessToken, clientId: 'x' }
  const attempts = [
    ...ids.map((id) => sync.connections.test(organizationId, id)),
    sync.connections.create({ ...refused, clientSecret: appSecret, refreshToken: accessToken }),
    sync.connections.create({ ...refused, baseUrl: 'http://127.0.0.1:1' }),
    sync.connections.create({ ...refused, accessToken: `${accessToken}\n` }),
  ]
  for (const attempt of await Promise.allSettled(attempts)) {
    expect(attempt.status).toBe('rejected')
    const { reason } = attempt as PromiseRejectedResult
    note(seen, 'errors', inspect(reason, { depth: 12, showHidden: true }) + JSON.stringify(reason))
  }
}

describe('planted secrets', () => {
  it.each([
    ['kept', 'table rowhouse.sync_credentials'],
    ['hashicorp', 'the vault'],
    ['supabase', 'table vault.decrypted_secrets'],
  ] as const)(
    'are in no log, no answer, no error, no live event, no table, no file, no statement and no vault: %s',
    async (run, rests) => {
      const running = await start(run)
      await everything(running)
      // What was sealed did rest there.
      expect((await dump(run)).get(rests)?.join(' ')).toMatch(/v2\.[0-9a-f-]{36}\./)
      expect(running.seen.events.some((event) => event.type === 'sync' && event.event.type === 'state')).toBe(true)
      expect(secrets.size).toBeGreaterThan(15)
      expect(await searchAll(running)).toEqual([])
      await running.server.stop()
    },
  )

  it('would be in answers, if a provider’s text were passed on as it is', async () => {
    const running = await start('told', (text) => text)
    await everything(running)
    const hits = await searchAll(running)
    expect(hits).toContainEqual(expect.stringMatching(/^refresh token of told in POST/))
    expect(hits).toContainEqual(expect.stringMatching(/^bad token of told in POST/))
    expect(hits).toContainEqual(expect.stringMatching(/^token in an error of told in errors/))
    expect(hits).toContainEqual(expect.stringMatching(/^access token of told in table rowhouse_home.sync_dead_letters/))
    expect(hits).toContainEqual(expect.stringMatching(/^basic credentials \d+ in /))
    await running.server.stop()
  })

  it('would be found in a table, if they were not sealed', async () => {
    await withClient(databases.kept().adminUrl, (admin) =>
      admin.query('update rowhouse.sync_apps set key_id = null, client_secret = $1', [appSecret]),
    )
    expect(search(await dump('kept'))).toContain('client secret of the product in table rowhouse.sync_apps')
    expect(search(await filesOf('kept'))).toContainEqual(
      expect.stringMatching(/^client secret of the product in file \d+/),
    )
    const logFrom = 0
    const noted = search(await notedByPostgres({ run: 'kept', logFrom } as Running))
    expect(noted).toContain('client secret of the product in the log of Postgres')
  })
})
