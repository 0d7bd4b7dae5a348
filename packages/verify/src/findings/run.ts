// Runs the rules over one moment of the catalogue. Reads only: works on a standby, and for a login that owns nothing.
import { DatabaseError } from 'pg'
import type { ClientBase } from 'pg'
import { prelude, preludeDerived, preludeRowhouse } from '../generated/rules.ts'
import type { Finding, Severity } from '../report/report.ts'
import { measureTable } from './measure.ts'
import { readModel, readNoModel, undecidedBy } from '../model/model.ts'
import type { Model, ModelOptions } from '../model/model.ts'
import { rules as allRules, chooseRules, ruleOfCode } from './rules.ts'
import type { Rule } from './rules.ts'

export interface RunOptions extends ModelOptions {
  /** Ids, classes or codes; with a minus to leave out. @default all */
  readonly rules?: readonly string[]
  readonly onProgress?: (done: number, total: number) => void
}

export interface StaticResult {
  readonly model: Model
  readonly findings: readonly Finding[]
  /** Why it could not judge all of it. */
  readonly undecided: readonly string[]
}

/** A catalogue query that takes longer than this meets a database that is not well. */
const STATEMENT_TIMEOUT_MS = 60_000

/**
 * All findings of a database, in a read-only transaction of its own.
 *
 * @throws RowhouseError invalid_option for a role, schema, table, column or rule that does not exist
 */
export async function findStatically(client: ClientBase, options: RunOptions = {}): Promise<StaticResult> {
  await begin(client)
  try {
    return await findInTransaction(client, options, () => begin(client))
  } finally {
    await client.query('rollback')
  }
}

async function begin(client: ClientBase): Promise<void> {
  await client.query('rollback; begin isolation level repeatable read, read only')
}

/** The same inside the caller's transaction, with what it has changed; `again` begins anew after a rule has failed. */
export async function findInTransaction(
  client: ClientBase,
  options: RunOptions,
  again?: () => Promise<void>,
): Promise<StaticResult> {
  const chosen = chooseRules(options.rules)
  await prepare(client)
  let model: Model
  try {
    model = await readModel(client, options)
  } catch (error) {
    if (again === undefined || !(error instanceof DatabaseError)) throw error
    await again()
    const reason = `The catalogue could not be read, so no rule was asked: ${error.message} (${error.code})`
    return { model: await readNoModel(client), findings: [], undecided: [reason] }
  }
  const undecided = undecidedBy(model)
  const steps = [...stepsOf(chosen, model), ...(await ownStep(client, options, model))]
  const found = new Map<string, Finding>()
  for (const [done, { rule, sql, values }] of steps.entries()) {
    options.onProgress?.(done, steps.length)
    try {
      const { rows } = await client.query<Row>(sql, [...values])
      for (const row of rows) {
        const finding = await findingOf(client, rule.id, { code: rule.code, ...row }, model)
        const key = `${finding.code} ${finding.object}`
        if (!found.has(key)) found.set(key, finding)
      }
    } catch (error) {
      if (again === undefined || !(error instanceof DatabaseError)) throw error
      undecided.push(`${rule.id} ${rule.code} could not be asked: ${error.message} (${error.code})`)
      await again()
      await prepare(client)
    }
  }
  options.onProgress?.(steps.length, steps.length)
  return { model, findings: [...found.values()].toSorted(bySeverity), undecided }
}

interface Row {
  readonly code?: string
  readonly severity: Severity
  readonly kind: string
  readonly object: string
  readonly message: string
  readonly fix: string
  readonly measure?: number | null
}

interface Step {
  readonly rule: Pick<Rule, 'id' | 'code'>
  readonly sql: string
  readonly values: readonly unknown[]
}

/** Where Rowhouse is, what it made is judged first, by its own model; then everything by the model that was found. */
function stepsOf(chosen: readonly Rule[], model: Model): Step[] {
  // What no rule reads would be parsed again by each of them.
  const tables = model.tables.map(({ oid, att, root }) => ({ oid, att, root }))
  const values = [JSON.stringify({ ...model, tables })]
  const own = model.rowhouse ? chosen.filter(({ rowhouse }) => rowhouse) : []
  return [
    ...own.map((rule) => ({
      rule,
      sql: `${preludeRowhouse}${preludeDerived}select * from (\n${rule.sql}\n) r`,
      values: [],
    })),
    ...chosen
      .filter(({ anywhere }) => anywhere)
      .map((rule) => ({ rule, sql: `${prelude}${preludeDerived}select * from (\n${rule.sql}\n) r`, values })),
  ]
}

/** What only the database itself asks of what Rowhouse made: its guard, and homes. Its codes have no number of their own. */
const OWN = { id: 'V0090', code: 'guard_findings' } as const
const ownSql = `select f.code, f.severity, f.message, f.fix, f.object,
    case when f.code = 'guard_missing' then 'database' when f.code like 'home\\_login%' or f.code = 'home_search_path' then 'role'
      when f.code like 'home\\_%' then 'home' else 'table' end as kind
  from rowhouse.guard_findings() f where f.code <> all ($1)`

/** Asked where everything is, of logins that may: whoever migrates, and the control plane. */
async function ownStep(client: ClientBase, { rules, schemas }: RunOptions, { rowhouse }: Model): Promise<Step[]> {
  const isWhole = schemas === undefined && (rules ?? []).every((word) => word.startsWith('-'))
  if (!rowhouse || !isWhole) return []
  const { rows } = await client.query<{ may: boolean }>(
    `select has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute') as may
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = 'rowhouse' and p.proname = 'guard_findings'`,
  )
  if (rows[0]?.may !== true) return []
  return [{ rule: OWN, sql: ownSql, values: [allRules.map(({ code }) => code)] }]
}

/** Names come out with their schema when no schema is on the path. */
async function prepare(client: ClientBase): Promise<void> {
  await client.query(
    `select set_config('search_path', 'pg_catalog, pg_temp', true), set_config('statement_timeout', $1, true)`,
    [String(STATEMENT_TIMEOUT_MS)],
  )
}

async function findingOf(client: ClientBase, id: string, row: Row & { code: string }, model: Model): Promise<Finding> {
  const { code, severity, kind, object, message, fix, measure } = row
  const details = measure === undefined || measure === null ? null : await measureTable(client, measure, model)
  return {
    rule: ruleOfCode(code)?.id ?? id,
    code,
    severity,
    object: `${kind} ${object}`,
    // Postgres writes expressions back over several lines.
    message: message.replaceAll(/\s+/g, ' ').trim(),
    fix,
    source: 'static',
    ...(details !== null && { details }),
  }
}

const rank: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }

/** The worst first; then by rule and object, so that two runs of the same database read the same. */
export const bySeverity = (one: Finding, other: Finding): number =>
  rank[one.severity] - rank[other.severity] ||
  compare(one.rule, other.rule) ||
  compare(one.object, other.object) ||
  compare(one.message, other.message)

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
