// Registers a cluster: looks at it first, makes the database that its shared and schema homes are in, and seals the
// administrator's URL. Nothing is written down of a server that cannot be used.
import { X509Certificate } from 'node:crypto'
import { Client } from 'pg'
import type { ClientBase } from 'pg'
import { escapeIdentifier } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { checkVersion, connectionError, inTransaction, install } from '@rowhouse/database'

import type { FleetContext } from '../context.ts'
import type { MadeServer } from '../drivers/driver.ts'
import type { Home } from '../home.ts'
import { driverOf } from '../server-home.ts'
import { readCluster } from './cluster.ts'
import type { Cluster, Isolation } from './cluster.ts'
import { isLoopback, tlsOf } from './servers.ts'

/** Where the URL names none, or the one that every server has. */
const DATA_DATABASE = 'rowhouse_data'
const CONNECT_TIMEOUT_MS = 10_000
/** Beyond which Postgres cuts a name. */
const NAME_BYTES_MAX = 63
/** A server that takes connections and answers nothing would else hold up whoever looks after all of them. */
const QUERY_TIMEOUT_MS = 60_000

export interface NewCluster {
  readonly id: string
  readonly region: string
  /** @default postgres */
  readonly driver?: string | undefined
  /**
   * The administrator's: a superuser, or a login with CREATEROLE and CREATEDB. Its database, `rowhouse_data` where it names
   * none, is for shared and schema homes. Beyond loopback with `?sslmode=verify-full`. For another driver: what that takes.
   */
  readonly url: string
  /** PEM of a certificate authority of one's own. @default those that Node trusts */
  readonly tlsCa?: string | null | undefined
  readonly models?: readonly Isolation[] | undefined
  readonly organizationsMax?: number | null | undefined
  readonly schemasMax?: number | null | undefined
  readonly databasesMax?: number | null | undefined
  readonly connectionsMax?: number | null | undefined
  readonly spareSchemas?: number | undefined
  readonly spareDatabases?: number | undefined
  /** How long a home that was left is kept there. @default 7 */
  readonly retiredDays?: number | undefined
}

export interface ServerFacts {
  readonly version: number
  readonly versionText: string
  readonly systemIdentifier: string
}

/**
 * @throws RowhouseError cluster_exists, cluster_tls_required, cluster_login_too_weak, postgres_too_old,
 * database_unreachable, database_login_refused, encryption_key_missing, driver_unknown, invalid_option
 */
export async function addCluster(fleet: FleetContext, cluster: NewCluster): Promise<Cluster> {
  const driver = cluster.driver ?? 'postgres'
  const models = cluster.models ?? (driver === 'postgres' ? ['shared', 'schema', 'database'] : ['database'])
  if (driver !== 'postgres') return addDriver(fleet, { ...cluster, driver, models })
  const { url, tls } = readAdminUrl(cluster.url)
  const tlsCa = requireAuthority(cluster.tlsCa ?? null)
  const facts = await lookAt(url, { tls, tlsCa })
  await refuseKnown(fleet, cluster.id, facts.systemIdentifier)
  if (models.some((model) => model !== 'database')) await makeDataDatabase(fleet, url, { tls, tlsCa })
  return record(fleet, { ...cluster, driver, models, tlsCa }, url, tls, facts)
}

/** What the URL of an administrator says, with the database that homes are in. */
export function readAdminUrl(text: string): { readonly url: URL; readonly tls: Cluster['tls'] } {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === '') {
    throw new RowhouseError('invalid_option', 'url is not a URL: postgres://user:password@host:5432/database', {
      details: { option: 'url' },
    })
  }
  const sslmode = url.searchParams.get('sslmode')
  const loopback = isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
  if (!loopback && sslmode !== 'verify-full') {
    throw new RowhouseError(
      'cluster_tls_required',
      `${url.hostname} is not this machine, and the URL has ${sslmode === null ? 'no sslmode' : `sslmode=${sslmode}`}.`,
      { details: { host: url.hostname, sslmode } },
    )
  }
  url.search = ''
  if (url.pathname === '' || url.pathname === '/' || url.pathname === '/postgres') url.pathname = `/${DATA_DATABASE}`
  requireDataDatabase(url)
  return { url, tls: sslmode === 'verify-full' ? 'verify-full' : 'off' }
}

/** @throws RowhouseError invalid_option, before a server is asked with it */
export function requireAuthority(tlsCa: string | null): string | null {
  try {
    if (tlsCa !== null) void new X509Certificate(tlsCa)
    return tlsCa
  } catch (cause) {
    throw new RowhouseError('invalid_option', 'tlsCa is no certificate in PEM.', {
      details: { option: 'tlsCa' },
      cause,
    })
  }
}

/** What a template holds every database has that is made from it later, so that Rowhouse's schema belongs in none. */
function requireDataDatabase(url: URL): void {
  const name = decoded(url.pathname.slice(1))
  const isTemplate = name !== null && /^template[01]$/.test(name)
  const isLogin = decoded(url.username) !== null && decoded(url.password) !== null
  const isName = name !== null && !isTemplate && Buffer.byteLength(name) <= NAME_BYTES_MAX && !name.includes('\0')
  if (isName && isLogin) return
  throw new RowhouseError(
    'invalid_option',
    isTemplate
      ? `url names the database ${name}, which every new database is copied from: name another.`
      : 'url is not a URL: login, password or database are not well encoded, or the name is too long.',
    { details: { option: 'url' } },
  )
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** Connects to a server as its administrator and sees whether it can be used. */
export async function lookAt(
  url: URL,
  tls: Pick<Cluster, 'tls' | 'tlsCa'>,
  database = 'postgres',
): Promise<ServerFacts> {
  const { rows } = await withServer(url, tls, database, (client) =>
    client.query<ServerFacts & { able: boolean }>(
      `select current_setting('server_version_num')::int as version, current_setting('server_version') as "versionText",
              (select system_identifier::text from pg_control_system()) as "systemIdentifier",
              (select rolsuper or (rolcreaterole and rolcreatedb) from pg_roles where rolname = current_user) as able`,
    ),
  )
  const { able, ...facts } = rows[0] as ServerFacts & { able: boolean }
  checkVersion(facts.version, facts.versionText)
  if (!able) {
    throw new RowhouseError('cluster_login_too_weak', `The login ${url.username} makes neither roles nor databases.`)
  }
  return facts
}

export async function withServer<Result>(
  url: URL,
  tls: Pick<Cluster, 'tls' | 'tlsCa'>,
  database: string,
  use: (client: ClientBase) => Promise<Result>,
  queryTimeoutMs: number = QUERY_TIMEOUT_MS,
): Promise<Result> {
  const at = new URL(url)
  at.pathname = `/${encodeURIComponent(database)}`
  // What a URL says of encryption would count in place of `ssl`, and it cannot name an authority.
  at.search = ''
  const client = new Client({
    connectionString: at.href,
    ssl: tlsOf(tls, url.hostname.replace(/^\[|\]$/g, '')),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: queryTimeoutMs,
    application_name: 'rowhouse fleet',
  })
  // What breaks while nothing is asked would else end the process.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw connectionError(error, at.href)
  }
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** The same server under two names would be counted twice, and its homes be found in neither. */
async function refuseKnown(fleet: FleetContext, id: string, systemIdentifier: string): Promise<void> {
  const { rows } = await fleet.catalogue.query<{ id: string }>(
    `select c.id from rowhouse.clusters c
     where c.id = $1 or c.system_identifier = $2
       or (c.host is null and $2 = (select system_identifier::text from pg_control_system()))
     limit 1`,
    [id, systemIdentifier],
  )
  const [known] = rows
  if (known === undefined) return
  throw new RowhouseError(
    'cluster_exists',
    known.id === id ? `There is a cluster named ${id} already.` : `That server is the cluster ${known.id} already.`,
    { details: { cluster: known.id } },
  )
}

async function makeDataDatabase(fleet: FleetContext, url: URL, tls: Pick<Cluster, 'tls' | 'tlsCa'>): Promise<void> {
  const name = decodeURIComponent(url.pathname.slice(1))
  await withServer(url, tls, 'postgres', async (client) => {
    const { rowCount } = await client.query('select from pg_catalog.pg_database where datname = $1', [name])
    if (rowCount === 0) {
      await client.query(`create database ${escapeIdentifier(name)} template template0 allow_connections false`)
      await client.query(`revoke all on database ${escapeIdentifier(name)} from public`)
      await client.query(`alter database ${escapeIdentifier(name)} allow_connections true`)
    }
  })
  await install({
    adminUrl: url.href,
    signingKey: fleet.signingKey,
    ssl: tlsOf(tls, url.hostname.replace(/^\[|\]$/g, '')),
  })
}

async function addDriver(
  fleet: FleetContext,
  cluster: NewCluster & { readonly driver: string; readonly models: readonly Isolation[] },
): Promise<Cluster> {
  if (cluster.models.some((model) => model !== 'database')) {
    throw new RowhouseError(
      'invalid_option',
      `The driver ${cluster.driver} makes a server for each home: --models database.`,
      {
        details: { option: 'models' },
      },
    )
  }
  if (!URL.canParse(cluster.url)) {
    throw new RowhouseError('invalid_option', 'url is not a URL.', { details: { option: 'url' } })
  }
  await driverOf(fleet, { id: cluster.id, driver: cluster.driver }).check(cluster.url)
  await refuseKnown(fleet, cluster.id, '')
  return record(fleet, cluster, new URL(cluster.url), 'off', null)
}

async function record(
  fleet: FleetContext,
  cluster: NewCluster & { readonly driver: string; readonly models: readonly Isolation[] },
  url: URL,
  tls: Cluster['tls'],
  facts: ServerFacts | null,
): Promise<Cluster> {
  await inTransaction(fleet.catalogue, async (client) => {
    const sealed = await fleet.servers.seal(client, cluster.id, url.href)
    // What makes servers has no server of its own that anybody connects to; the name says so.
    const host = facts === null ? '127.0.0.1' : url.hostname.replace(/^\[|\]$/g, '')
    await client.query(
      `insert into rowhouse.clusters (id, region, driver, host, port, tls, tls_ca, models, organizations_max, schemas_max,
         databases_max, connections_max, spare_schemas, spare_databases, admin_sealed, key_id, server_version,
         system_identifier, retired_days, checked_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, coalesce($19, 7), now())`,
      [
        cluster.id,
        cluster.region,
        cluster.driver,
        host,
        facts === null ? 5432 : Number(url.port || 5432),
        tls,
        cluster.tlsCa ?? null,
        cluster.models,
        cluster.organizationsMax ?? null,
        cluster.schemasMax ?? null,
        cluster.databasesMax ?? null,
        cluster.connectionsMax ?? null,
        cluster.spareSchemas ?? 0,
        cluster.spareDatabases ?? 0,
        sealed.value,
        sealed.keyId,
        facts?.version ?? null,
        facts?.systemIdentifier ?? null,
        cluster.retiredDays ?? null,
      ],
    )
    if (cluster.models.includes('shared')) {
      await client.query(
        `insert into rowhouse.homes (cluster, database_name, isolation, state) values ($1, $2, 'shared', 'assigned')`,
        [cluster.id, decodeURIComponent(url.pathname.slice(1))],
      )
    }
  })
  return readCluster(fleet.catalogue, cluster.id)
}

/** A server that a driver made for one home, as a cluster: it takes nothing else. Returns its id. */
export async function addMadeServer(
  fleet: FleetContext,
  parent: Cluster,
  name: string,
  made: MadeServer,
): Promise<string> {
  const id = `${parent.id.slice(0, 40)}-${name}`
  const url = new URL(made.adminUrl)
  await inTransaction(fleet.catalogue, async (client) => {
    const sealed = await fleet.servers.seal(client, id, url.href)
    await client.query(
      `insert into rowhouse.clusters as c (id, region, driver, host, port, tls, tls_ca, models, databases_max, parent, status,
         admin_sealed, key_id)
       values ($1, $2, 'postgres', $3, $4, $5, $6, '{database}', 1, $7, 'draining', $8, $9)
       on conflict (id) do update set host = excluded.host, port = excluded.port, tls = excluded.tls, tls_ca = excluded.tls_ca,
         admin_sealed = excluded.admin_sealed, key_id = excluded.key_id, updated_at = now()`,
      [
        id,
        parent.region,
        url.hostname.replace(/^\[|\]$/g, ''),
        Number(url.port || 5432),
        made.tls,
        made.tlsCa,
        parent.id,
        sealed.value,
        sealed.keyId,
      ],
    )
  })
  return id
}

/** The home is on the parent's books again, until its row goes. */
export async function removeMadeServer(fleet: FleetContext, home: Home, parent: string): Promise<void> {
  await inTransaction(fleet.catalogue, async (client) => {
    await client.query('update rowhouse.homes set cluster = $2 where id = $1', [home.id, parent])
    await client.query('delete from rowhouse.clusters where id = $1 and parent = $2', [home.cluster, parent])
  })
}
