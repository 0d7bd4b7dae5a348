// Judges one database, reached by a URL or through the transaction of somebody who is changing it: a rollout asks before
// it commits, so that a migration that opens a way between organizations is never done.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import { DatabaseError } from 'pg'
import type { ClientBase } from 'pg'
import { attackDatabase } from './attacks/attack-database.ts'
import type { AttackDatabaseOptions } from './attacks/attack-database.ts'
import type { AttackResult } from './attacks/options.ts'
import { attackRules } from './attacks/rules.ts'
import { connect } from './connect.ts'
import { bySeverity, findInTransaction, findStatically } from './findings/run.ts'
import { chooseRules, ruleOfCode } from './findings/rules.ts'
import type { Rule } from './findings/rules.ts'
import type { RunOptions, StaticResult } from './findings/run.ts'
import { applyBaseline } from './report/baseline.ts'
import type { Baseline } from './report/baseline.ts'
import { outcomeOf } from './report/outcome.ts'
import type { Finding, Severity, VerifyReport } from './report/report.ts'

export interface VerifyDatabaseOptions extends RunOptions {
  /** The least severity that makes the outcome `findings`. @default 'warning' */
  readonly failOn?: Severity
  readonly baseline?: Baseline
  /**
   * What was found before a change: it is set apart as `known` and decides nothing, since a change answers for what it
   * brings. @default nothing was
   */
  readonly before?: readonly Finding[]
  /**
   * Attacks the schema as well, in two scratch databases that hold no row of a user. Not with an open transaction:
   * nobody else sees what that has changed.
   * @default undefined: the rules over the catalogue only
   */
  readonly attack?: AttackDatabaseOptions
  /** @default the clock */
  readonly now?: () => Date
}

/**
 * Asks every rule of a database, Rowhouse installed or not, and changes nothing. With `attack`, its schema is copied
 * and attacked; where no copy can be made the rules have spoken all the same, and the rest is undecided.
 *
 * @param database its URL, as any login; or a client inside an open transaction, which is judged with what it has changed
 *   and not committed, and goes on afterwards as it was
 *
 * @example const { outcome, findings } = await verifyDatabase(process.env.DATABASE_URL, { failOn: 'error' })
 *
 * @example
 * await client.query('begin')
 * const before = (await verifyDatabase(client, { schemas: ['h_1'] })).findings
 * await client.query(migration)
 * const { outcome, findings } = await verifyDatabase(client, { schemas: ['h_1'], before, failOn: 'error' })
 * await client.query(outcome === 'findings' ? 'rollback' : 'commit')
 *
 * @throws RowhouseError database_unreachable, database_login_refused, postgres_too_old; invalid_option for what does not
 *   exist, for a client without a transaction, and for an attack through a client
 */
export async function verifyDatabase(
  database: string | ClientBase,
  options: VerifyDatabaseOptions = {},
): Promise<VerifyReport> {
  const now = options.now ?? (() => new Date())
  const started = now()
  const asked = typeof database === 'string' ? await askByUrl(database, options) : await askInside(database, options)
  const { model, rowhouse } = asked
  const attacked =
    options.attack === undefined || typeof database !== 'string'
      ? null
      : await attack(database, options.attack, options)
  const undecided = [...asked.undecided, ...(attacked?.undecided ?? [])]
  const today = started.toISOString().slice(0, 10)
  const chosen = chooseRules(options.rules)
  const judged = applyBaseline(
    [...asked.findings, ...(attacked?.findings ?? [])].toSorted(bySeverity),
    onlyOf(options.baseline, chosen, attacked),
    today,
  )
  const old = new Set((options.before ?? []).map(keyOf))
  const findings = judged.findings.filter((finding) => !old.has(keyOf(finding)))
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
    known: judged.findings.filter((finding) => old.has(keyOf(finding))),
    accepted: judged.accepted,
    warnings: judged.warnings,
    attack: attacked?.coverage ?? null,
    outcome: outcomeOf(findings, undecided, options.failOn ?? 'warning', attacked?.coverage),
    undecided,
  }
}

/** One that has become worse is another one. */
const keyOf = ({ severity, code, object }: Finding): string => `${severity} ${code} ${object}`

type Asked = StaticResult & { readonly rowhouse: number | null }

/** The connection is closed before an attack begins: that takes minutes, and needs it no more. */
async function askByUrl(url: string, options: VerifyDatabaseOptions): Promise<Asked> {
  const client = await connect(url)
  try {
    const result = await findStatically(client, options)
    return { ...result, rowhouse: await schemaVersionOf(client, result) }
  } finally {
    await client.end()
  }
}

/** Going back to the savepoint gives the transaction its settings again, and drops the locks that reading took. */
async function askInside(client: ClientBase, options: VerifyDatabaseOptions): Promise<Asked> {
  if (options.attack !== undefined)
    throw new RowhouseError('invalid_option', 'What is not committed cannot be attacked: it cannot be copied.', {
      hint: 'Give the URL of the database, once it is committed.',
    })
  try {
    await client.query('savepoint rowhouse_verify')
  } catch (cause) {
    if ((cause as { code?: string }).code !== '25P01') throw cause
    throw new RowhouseError('invalid_option', 'The client to verify through has no transaction open.', {
      cause,
      hint: 'Give the URL of the database, or begin a transaction first.',
    })
  }
  try {
    const again = async (): Promise<void> => void (await client.query('rollback to savepoint rowhouse_verify'))
    const result = await findInTransaction(client, options, again)
    return { ...result, rowhouse: await schemaVersionOf(client, result, again) }
  } finally {
    await client.query('rollback to savepoint rowhouse_verify; release savepoint rowhouse_verify')
  }
}

/** What keeps the worlds from being made decides nothing about the schema, so it is told beside what the rules found. */
async function attack(url: string, options: AttackDatabaseOptions, model: RunOptions): Promise<AttackResult> {
  const { schemas, tenantTable, tenantColumn, tenantDatabases, roles } = model
  const known = { schemas, tenantTable, tenantColumn, tenantDatabases, roles }
  try {
    return await attackDatabase(url, { ...options, clone: { ...known, ...options.clone } })
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
const onlyOf = (baseline: Baseline | undefined, chosen: readonly Rule[], attacked: AttackResult | null): Baseline => ({
  version: 1,
  accepted: (baseline?.accepted ?? []).filter(({ code, object }) =>
    attackCodes.has(code)
      ? isTried(attacked, code, object)
      : ruleOfCode(code) === undefined || chosen.some((rule) => rule.code === code),
  ),
})

/** The ways in are tried whatever was chosen: what is found there is there. */
const isTried = (attacked: AttackResult | null, code: string, object: string): boolean =>
  attacked !== null &&
  (attacked.coverage.part === undefined ||
    attacked.coverage.part.objects.includes(object) ||
    attacked.findings.some((finding) => finding.code === code && finding.object === object))

/** Null without Rowhouse, and where this login may not read it. */
async function schemaVersionOf(
  client: ClientBase,
  { model }: StaticResult,
  again: () => Promise<void> = async () => {},
): Promise<number | null> {
  if (!model.rowhouse) return null
  try {
    const { rows } = await client.query<{ version: number }>('select max(version) as version from rowhouse.migrations')
    return rows[0]?.version ?? null
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    await again()
    return null
  }
}
