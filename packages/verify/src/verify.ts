// One verification: connect, ask the rules, attack where that is asked for, set accepted findings apart, say what it
// comes to.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import { Client, DatabaseError } from 'pg'
import { attackDatabase } from './attacks/attack-database.ts'
import type { AttackDatabaseOptions } from './attacks/attack-database.ts'
import type { AttackResult } from './attacks/options.ts'
import { attackRules } from './attacks/rules.ts'
import { bySeverity, findStatically } from './findings/run.ts'
import { chooseRules, ruleOfCode } from './findings/rules.ts'
import type { Rule } from './findings/rules.ts'
import type { RunOptions, StaticResult } from './findings/run.ts'
import { applyBaseline } from './report/baseline.ts'
import type { Baseline } from './report/baseline.ts'
import { outcomeOf } from './report/outcome.ts'
import type { Severity, VerifyReport } from './report/report.ts'

export interface VerifyOptions extends RunOptions {
  /** The database under test, as any login; it is read only. */
  readonly url: string
  /** The least severity that makes the outcome `findings`. @default 'warning' */
  readonly failOn?: Severity
  readonly baseline?: Baseline
  /**
   * Attacks the schema as well, in two scratch databases that hold no row of a user.
   * @default undefined: the rules over the catalogue only
   */
  readonly attack?: AttackDatabaseOptions
  /** @default the clock */
  readonly now?: () => Date
}

const CONNECT_TIMEOUT_MS = 15_000
const APPLICATION_NAME = 'rowhouse verify'

/**
 * Asks every rule of a database, Rowhouse installed or not, and changes nothing. With `attack`, its schema is copied
 * and attacked; where no copy can be made the rules have spoken all the same, and the rest is undecided.
 *
 * @example const { outcome, findings } = await verify({ url: process.env.DATABASE_URL })
 * @example await verify({ url, attack: { attackSeconds: 120, clone: { scratch: 'same-server' } } })
 * @throws RowhouseError database_unreachable, database_login_refused, postgres_too_old, invalid_option
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const now = options.now ?? (() => new Date())
  const started = now()
  const { model, rowhouse, ...asked } = await askRules(options)
  const attacked = options.attack === undefined ? null : await attack(options.url, options.attack, options)
  const undecided = [...asked.undecided, ...(attacked?.undecided ?? [])]
  const today = started.toISOString().slice(0, 10)
  const chosen = chooseRules(options.rules)
  const { findings, accepted, warnings } = applyBaseline(
    [...asked.findings, ...(attacked?.findings ?? [])].toSorted(bySeverity),
    onlyOf(options.baseline, chosen, attacked !== null),
    today,
  )
  return {
    version: 1,
    startedAt: started.toISOString(),
    durationMs: now().getTime() - started.getTime(),
    database: {
      name: model.database,
      serverVersion: model.version,
      rowhouse,
      supabase: model.supabase,
      login: model.login,
    },
    examined: {
      rules: chosen.length,
      tables: model.tables.map(({ name }) => name),
      tenantTable: model.tenantTable,
      roles: model.roles.map(({ name }) => name),
      tenantSchemas: model.tenantSchemas.map(({ name }) => name),
    },
    findings,
    accepted,
    warnings,
    attack: attacked?.coverage ?? null,
    outcome: outcomeOf(findings, undecided, options.failOn ?? 'warning'),
    undecided,
  }
}

/** The connection is closed before an attack begins: that takes minutes, and needs it no more. */
async function askRules(options: VerifyOptions): Promise<StaticResult & { readonly rowhouse: number | null }> {
  const client = await connect(options.url)
  try {
    const result = await findStatically(client, options)
    return { ...result, rowhouse: result.model.rowhouse ? await schemaVersionOf(client) : null }
  } finally {
    await client.end()
  }
}

/** What keeps the worlds from being made decides nothing about the schema, so it is told beside what the rules found. */
async function attack(url: string, options: AttackDatabaseOptions, model: RunOptions): Promise<AttackResult> {
  const { tenantTable, tenantColumn, roles } = model
  try {
    return await attackDatabase(url, { ...options, clone: { tenantTable, tenantColumn, roles, ...options.clone } })
  } catch (error) {
    const isServers = isRowhouseError(error)
      ? error.code === 'scratch_unavailable' || error.code === 'database_unreachable'
      : error instanceof DatabaseError
    if (!isServers) throw error
    const reason = `${(error as Error).message}${isRowhouseError(error) ? ` ${error.hint}` : ''}`
    return {
      findings: [],
      coverage: {
        objects: 0,
        probes: 0,
        statements: 0,
        cells: 0,
        notCovered: [{ object: 'database', probe: 'all', reason }],
        limits: [],
      },
      undecided: [`Nothing was attacked: ${reason}`],
    }
  }
}

const attackCodes: ReadonlySet<string> = new Set(Object.values(attackRules).map(({ code }) => code))

/** An entry of a rule that was not asked, or of an attack that was not made, is neither found nor missing. */
const onlyOf = (baseline: Baseline | undefined, chosen: readonly Rule[], attacked: boolean): Baseline => ({
  version: 1,
  accepted: (baseline?.accepted ?? []).filter(({ code }) =>
    attackCodes.has(code) ? attacked : ruleOfCode(code) === undefined || chosen.some((rule) => rule.code === code),
  ),
})

async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: APPLICATION_NAME,
  })
  // A connection that breaks between two queries fails the next one; without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ number: string }>(`select current_setting('server_version_num') as number`)
    if (Number(rows[0]?.number) < 150_000) throw new RowhouseError('postgres_too_old')
    return client
  } catch (cause) {
    await client.end().catch(() => {})
    if (cause instanceof RowhouseError) throw cause
    const refused = (cause as { code?: string }).code?.startsWith('28') === true
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RowhouseError(refused ? 'database_login_refused' : 'database_unreachable', `Cannot connect: ${reason}`, {
      cause,
    })
  }
}

/** Null where this login may not read it. */
async function schemaVersionOf(client: Client): Promise<number | null> {
  try {
    const { rows } = await client.query<{ version: number }>('select max(version) as version from rowhouse.migrations')
    return rows[0]?.version ?? null
  } catch {
    return null
  }
}
