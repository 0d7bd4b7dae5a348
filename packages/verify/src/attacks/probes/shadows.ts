// Temporary tables with the names of real ones: whoever resolves an unqualified name while pg_temp comes first reads or
// writes what the attacker put there. PostgreSQL searches pg_temp first even when search_path does not name it.
import { ident, literal, qualified } from '../quoting.ts'
import type { CallableFunction, TriggerFunction } from '../surface/functions.ts'
import type { Relation } from '../surface/relations.ts'
import { nameOf } from '../surface/relations.ts'
import type { Row } from '../witness.ts'
import { functionProbes } from './functions.ts'
import type { Bait } from './functions.ts'
import type { Probe } from './probe.ts'

/** Tables shadowed at once. */
const SHADOWS_MAX = 12
const ROWS_MAX = 500

/** For each function that runs as its owner and names tables without a schema: the tables, shadowed, and a call. */
export function shadowProbes(fn: CallableFunction, relations: readonly Relation[], bait: Bait): Probe[] {
  if (!fn.isDefiner) return []
  const named = namedBare(fn, relations)
  if (named.length === 0) return []
  const shadows = named.map(
    ({ schema, name }) =>
      `create temporary table ${ident(name)} as table ${qualified(schema, name)} with no data; grant all on pg_temp.${ident(name)} to public`,
  )
  const empty = named.map(
    ({ name, columns }) =>
      `create temporary table ${ident(name)} (${columns.map((column) => `${ident(column.name)} ${column.type}`).join(', ')}); grant all on pg_temp.${ident(name)} to public`,
  )
  const calls = functionProbes(fn, bait)
  const probe = (call: Probe, name: string, tables: readonly string[], sql: string): Probe => ({
    ...call,
    name: `temporary table under ${call.name}${name}`,
    family: 'shadow',
    sql: `${tables.join('; ')}; ${sql}`,
    countsTemporary: true,
  })
  return [
    ...calls
      .slice(0, 2)
      .flatMap((call) => [probe(call, '', shadows, call.sql), probe(call, ', by columns', empty, call.sql)]),
    // One that raises where it finds nothing has looked all the same.
    ...calls.slice(0, 1).map((call) => {
      const body = `begin execute ${literal(call.sql)}; exception when others then null; end`
      return probe(call, ', whatever it raises', empty, `do ${literal(body)}`)
    }),
  ]
}

/** Relations that its text names without a schema. */
const namedBare = ({ source }: CallableFunction, relations: readonly Relation[]): Relation[] =>
  relations
    .filter(
      // The text is searched first: an expression for each of thousands of tables, for each function, takes minutes.
      ({ name, kind }) =>
        'rpv'.includes(kind) && source.includes(name) && new RegExp(`(^|[^.\\w"])"?${escape(name)}\\b`).test(source),
    )
    .slice(0, SHADOWS_MAX)

/** For each function that a policy asks and that looks for tables where the caller says: B's row in one of the caller's own. */
export function policyShadowProbes(
  fn: CallableFunction,
  relations: readonly Relation[],
  rowOfB: (relation: string) => Row | undefined,
): Probe[] {
  if (fn.isPinned || fn.guards.length === 0) return []
  const guarded = relations.filter((relation) => fn.guards.includes(nameOf(relation)))
  return namedBare(fn, relations).flatMap((relation) => {
    const row = rowOfB(nameOf(relation))
    if (row === undefined) return []
    const columns = relation.columns.map((column) => `${ident(column.name)} ${column.type}`).join(', ')
    const names = Object.keys(row)
    const own =
      `create temporary table ${ident(relation.name)} (${columns});` +
      ` insert into pg_temp.${ident(relation.name)} (${names.map(ident).join(', ')}) values (${names.map((name) => literal(row[name] ?? null)).join(', ')})`
    return guarded.map(({ schema, name }) => ({
      name: `temporary table under the policy of ${name}`,
      family: 'shadow' as const,
      object: `function ${fn.signature}`,
      sql: `${own}; select * from ${qualified(schema, name)} limit ${ROWS_MAX}`,
      writes: false,
    }))
  })
}

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)

/** A trigger function hung on a table of the attacker's, and a row of B written to it. */
export function triggerProbes(
  fn: TriggerFunction,
  relations: ReadonlyMap<string, Relation>,
  rowOfB: (relation: string) => Row | undefined,
): Probe[] {
  const object = `function ${fn.schema}.${fn.name}()`
  const uses =
    fn.uses.length > 0
      ? fn.uses
      : [...relations.keys()].slice(0, 1).map((relation) => ({ relation, arguments: [] as string[] }))
  const probes: Probe[] = []
  for (const { relation: name, arguments: given } of uses.slice(0, 3)) {
    const relation = relations.get(name)
    const row = rowOfB(name)
    if (relation === undefined || row === undefined) continue
    const columns = relation.columns.map((column) => `${ident(column.name)} ${column.type}`).join(', ')
    const names = Object.keys(row)
    for (const timing of ['before', 'after']) {
      probes.push({
        name: `trigger ${timing} insert of one’s own`,
        family: 'trigger',
        object,
        callable: fn.oid,
        sql:
          `create temporary table ${ident(relation.name)} (${columns});` +
          ` create trigger attacker ${timing} insert on pg_temp.${ident(relation.name)} for each row execute function ${qualified(fn.schema, fn.name)}(${given.map((value) => literal(value)).join(', ')});` +
          ` insert into pg_temp.${ident(relation.name)} (${names.map(ident).join(', ')}) values (${names.map((column) => literal(row[column] ?? null)).join(', ')})`,
        writes: true,
      })
    }
  }
  return probes
}
