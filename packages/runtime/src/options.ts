// What createRowhouse takes: every option is checked once, resolved once and frozen.
// Nothing else in the runtime reads the environment or decides a default.
import { RowhouseError } from '@rowhouse/contracts'
import { checkMasterKey } from '@rowhouse/database'

export interface PoolOptions {
  /** Most connections open at once to one database server, over all logins and databases on it. @default 10 */
  readonly max?: number
  /** Connections to a server that stay open when they are idle. @default 0 */
  readonly min?: number
  /**
   * Most connections that one organization holds at once on a server: what it asks beyond waits, and the others' does
   * not. Its plan may say less. @default four fifths of max
   */
  readonly organizationMax?: number
  /** How long a query waits for a free connection before `pool_exhausted`. @default 10_000 */
  readonly acquireTimeoutMs?: number
  /** Most queries waiting for a connection; one more is refused at once, so that a stall cannot eat memory. @default 10_000 */
  readonly waitingMax?: number
  /**
   * Most queries of one organization waiting for a connection; one more is refused at once with `too_many_waiting`, which says
   * how long those who wait have waited. @default 1_000, or waitingMax where that is less
   */
  readonly organizationWaitingMax?: number
  /** A connection idle for this long is closed; 0 keeps it open. @default 30_000 */
  readonly idleTimeoutMs?: number
  /** How long opening a connection may take. @default 10_000 */
  readonly connectTimeoutMs?: number
  /**
   * Longest a statement may run (Postgres' statement_timeout); 0 leaves it to the server. Poolers refuse this
   * startup parameter unless told otherwise, so it is off where prepared statements are.
   * @default 30_000, or 0 when preparedStatements is false
   */
  readonly statementTimeoutMs?: number
  /** How long close() waits for running queries before it breaks their connections. @default 10_000 */
  readonly closeTimeoutMs?: number
}

export interface PlacementOptions {
  /** How often the catalogue is asked which placements changed, while there are any to remember. @default 1_000 */
  readonly pollMs?: number
  /**
   * How long the last known placement of an organization goes on while the catalogue does not answer. Also the longest
   * that somebody who was removed could go on in such a home, and only if its copy was not told. @default 900_000
   */
  readonly staleMaxMs?: number
  /**
   * How long the catalogue may take to answer where somebody lives and what changed. A connection whose other end is gone
   * without a word is closed then, and another one asked. @default 5_000
   */
  readonly answerMs?: number
  /**
   * Warm homes, of each cluster and model, that a connection is opened to before an organization moves in: its first query
   * then waits for no login. Only in a process that serves homes of their own, and where `pool.max` leaves room. @default 0
   */
  readonly standby?: number
  /** How long a query waits for a home whose copy of the catalogue is older than the catalogue. @default 5_000 */
  readonly copyWaitMs?: number
  /** Most placements remembered; only organizations with a home of their own need one. @default 10_000 */
  readonly rememberedMax?: number
}

export interface MeasureOptions {
  /**
   * How often what this process counted of its statements (time, rows, bytes and errors, by organization and shape, never a
   * value) is carried to the catalogue; also what a process that is killed loses. 0 counts nothing. @default 15_000
   */
  readonly flushMs?: number
}

export interface IssuerOptions {
  /** The `iss` of accepted tokens, e.g. https://PROJECT.supabase.co/auth/v1. @default ROWHOUSE_ISSUER */
  readonly issuer?: string
  /** Where the issuer's public keys are. @default ROWHOUSE_JWKS_URL, or <issuer>/.well-known/jwks.json */
  readonly jwksUrl?: string
  /** The `aud` a token must name; Supabase's is "authenticated". @default ROWHOUSE_AUDIENCE, or "authenticated" */
  readonly audience?: string
  /**
   * The shared secret of a project that still signs its tokens with HS256 (Supabase: the legacy JWT secret), at least 32
   * characters. With it the published keys are not believed, and without it no HS256 token is: a token cannot choose.
   * Who holds it can make any token, so prefer asymmetric keys.
   * @default ROWHOUSE_JWT_SECRET, or none
   */
  readonly jwtSecret?: string
}

export interface RowhouseOptions {
  /** The catalogue database, with the login rowhouse_app: postgres://rowhouse_app:…@host/db. @default ROWHOUSE_URL */
  readonly url?: string
  /** The master key the database was installed with, ≥ 32 characters. @default ROWHOUSE_SIGNING_KEY */
  readonly signingKey?: string
  readonly pool?: PoolOptions
  /** How organizations with homes of their own are found. */
  readonly placement?: PlacementOptions
  /** What is counted of each organization's statements. */
  readonly measures?: MeasureOptions
  /**
   * Whether statements are parsed once per connection and kept under a name. Faster; set it to false behind a
   * transaction pooler that does not carry named statements (PgBouncer before 1.21, or with max_prepared_statements = 0).
   * @default true
   */
  readonly preparedStatements?: boolean
  /**
   * Settings that hold the id of the organization in every transaction, for an application whose own SQL reads
   * `current_setting('app.current_tenant_id')`. Not what isolates: that is the policy. Each costs some microseconds a
   * transaction; an application that was not written so needs none.
   * @default []
   */
  readonly settings?: readonly string[]
  /** Whose tokens `authenticate` accepts. */
  readonly issuer?: IssuerOptions
  /** The clock, in epoch milliseconds. @default Date.now */
  readonly now?: () => number
}

export type ResolvedPool = Readonly<Required<PoolOptions>>
export type ResolvedPlacement = Readonly<Required<PlacementOptions>>

export type ResolvedMeasures = Readonly<Required<MeasureOptions>>

export interface ResolvedOptions {
  readonly url: string
  readonly signingKey: string
  readonly pool: ResolvedPool
  readonly placement: ResolvedPlacement
  readonly measures: ResolvedMeasures
  readonly preparedStatements: boolean
  readonly issuer: {
    readonly issuer: string
    readonly jwksUrl: string
    readonly audience: string
    readonly secret: string | null
  } | null
  readonly settings: readonly string[]
  readonly now: () => number
}

/** Shorter ones can be guessed from one token. */
const SECRET_LENGTH_MIN = 32

/** Timers of Node hold 31 bits; a day is more than any of these waits should be. */
const TIMEOUT_MS_MAX = 86_400_000

/** A window is a minute; what is carried later than that would be seen too late. */
const FLUSH_MS_MAX = 60_000

function integer(name: string, value: number | undefined, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RowhouseError(
      'invalid_option',
      `${name} is ${String(value)}; it takes a whole number from ${min} to ${max}.`,
      {
        details: { option: name },
      },
    )
  }
  return value
}

function resolvePool(pool: PoolOptions, preparedStatements: boolean): ResolvedPool {
  const ms = (name: keyof PoolOptions, fallback: number, min: number): number =>
    integer(`pool.${name}`, pool[name], fallback, min, TIMEOUT_MS_MAX)
  const max = integer('pool.max', pool.max, 10, 1, 1000)
  const waitingMax = integer('pool.waitingMax', pool.waitingMax, 10_000, 0, 1_000_000)
  return Object.freeze({
    max,
    min: integer('pool.min', pool.min, 0, 0, max),
    organizationMax: integer('pool.organizationMax', pool.organizationMax, Math.ceil(max * 0.8), 1, 1000),
    waitingMax,
    organizationWaitingMax: integer(
      'pool.organizationWaitingMax',
      pool.organizationWaitingMax,
      Math.min(1_000, waitingMax),
      0,
      1_000_000,
    ),
    acquireTimeoutMs: ms('acquireTimeoutMs', 10_000, 1),
    idleTimeoutMs: ms('idleTimeoutMs', 30_000, 0),
    connectTimeoutMs: ms('connectTimeoutMs', 10_000, 1),
    statementTimeoutMs: ms('statementTimeoutMs', preparedStatements ? 30_000 : 0, 0),
    closeTimeoutMs: ms('closeTimeoutMs', 10_000, 0),
  })
}

function resolvePlacement(placement: PlacementOptions): ResolvedPlacement {
  const ms = (name: keyof PlacementOptions, fallback: number, min: number): number =>
    integer(`placement.${name}`, placement[name], fallback, min, TIMEOUT_MS_MAX)
  return Object.freeze({
    pollMs: ms('pollMs', 1_000, 10),
    staleMaxMs: ms('staleMaxMs', 900_000, 0),
    answerMs: ms('answerMs', 5_000, 1),
    standby: integer('placement.standby', placement.standby, 0, 0, 16),
    copyWaitMs: ms('copyWaitMs', 5_000, 0),
    rememberedMax: integer('placement.rememberedMax', placement.rememberedMax, 10_000, 1, 1_000_000),
  })
}

function resolveMeasures({ flushMs }: MeasureOptions): ResolvedMeasures {
  return Object.freeze({ flushMs: integer('measures.flushMs', flushMs, 15_000, 0, FLUSH_MS_MAX) })
}

function httpUrl(name: string, value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw new RowhouseError('invalid_option', `${name} is not an http or https URL.`, { details: { option: name } })
  }
  return value
}

function resolveIssuer(options: IssuerOptions, env: NodeJS.ProcessEnv): ResolvedOptions['issuer'] {
  const issuer = options.issuer ?? env['ROWHOUSE_ISSUER']
  if (issuer === undefined || issuer === '') return null
  const jwksUrl = options.jwksUrl ?? env['ROWHOUSE_JWKS_URL'] ?? `${issuer.replace(/\/+$/, '')}/.well-known/jwks.json`
  return Object.freeze({
    issuer: httpUrl('issuer.issuer', issuer),
    jwksUrl: httpUrl('issuer.jwksUrl', jwksUrl),
    audience: options.audience ?? env['ROWHOUSE_AUDIENCE'] ?? 'authenticated',
    secret: sharedSecret(options.jwtSecret ?? env['ROWHOUSE_JWT_SECRET']),
  })
}

function sharedSecret(value: string | undefined): string | null {
  if (value === undefined || value === '') return null
  if (value.length >= SECRET_LENGTH_MIN) return value
  throw new RowhouseError('invalid_option', `issuer.jwtSecret is shorter than ${SECRET_LENGTH_MIN} characters.`, {
    details: { option: 'issuer.jwtSecret' },
  })
}

/** As rowhouse.enter_with_settings() takes them, so that a mistake is said at the start. */
function settingNames(names: readonly string[]): readonly string[] {
  for (const name of names)
    if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+$/.test(name) || /^(rowhouse|request|pgrst)\./.test(name))
      throw new RowhouseError('setting_name_invalid', `${name} cannot be a setting that holds the organization.`)
  return Object.freeze([...names])
}

function postgresUrl(value: string | undefined): string {
  if (value === undefined || value === '') throw new RowhouseError('url_missing')
  if (!URL.canParse(value) || !/^postgres(ql)?:$/.test(new URL(value).protocol)) {
    throw new RowhouseError('invalid_option', 'url is not a postgres:// URL.', { details: { option: 'url' } })
  }
  return value
}

/** @throws RowhouseError url_missing, signing_key_missing, signing_key_too_short, invalid_option */
export function resolveOptions(options: RowhouseOptions, env: NodeJS.ProcessEnv = process.env): ResolvedOptions {
  const url = postgresUrl(options.url ?? env['ROWHOUSE_URL'])
  const signingKey = checkMasterKey(options.signingKey ?? env['ROWHOUSE_SIGNING_KEY'])
  const preparedStatements = options.preparedStatements ?? true
  return Object.freeze({
    url,
    signingKey,
    pool: resolvePool(options.pool ?? {}, preparedStatements),
    placement: resolvePlacement(options.placement ?? {}),
    measures: resolveMeasures(options.measures ?? {}),
    preparedStatements,
    settings: settingNames(options.settings ?? []),
    issuer: resolveIssuer(options.issuer ?? {}, env),
    now: options.now ?? Date.now,
  })
}
