// What writes leave elsewhere. Planting runs no trigger, so that a row is what the table says; but a trigger may copy what B
// writes to where A reads: an index of words, a counter, a feed. So each row in a table with triggers is taken out and written
// once more, with them and with its organization's settings, as that would have. A's too: what triggers write of everybody
// ("UPDATE") must not look like B's alone.
import type { ClientBase, QueryResult } from 'pg'

import type { NotCovered } from '../../report/report.ts'
import { ident, literal, qualified } from '../quote.ts'
import { tableName } from './describe-tables.ts'
import type { Shapes, TableShape } from './describe-tables.ts'
import type { Row } from './insert-row.ts'
import { organizationOf } from './pass.ts'
import type { Pass } from './pass.ts'
import type { Planted } from './plant-worlds.ts'

/** Copying sets both for its session; a trigger may sleep or loop. */
const AS_USUAL = 'set local row_security = on; set local search_path to default; set local statement_timeout = 2000'
const WITH_TRIGGERS = 'set local session_replication_role = origin'
const WITHOUT_TRIGGERS = 'set local session_replication_role = replica'

/** Rowhouse's own are left out: what they write is attacked by its own trials, and wants a seal. */
const triggersSql = `
  select distinct n.nspname || '.' || c.relname as name
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_class c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_proc p on p.oid = t.tgfoid
  where not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgtype & 28 > 0
    and p.pronamespace is distinct from to_regnamespace('rowhouse')`

const asText = { getTypeParser: () => (value: string | Buffer) => String(value) }

export interface ReplayOptions {
  readonly shapes: Shapes
  readonly planted: Planted
  /** What a request of this organization begins with. */
  readonly enter: readonly string[]
}

/**
 * Outside of a transaction, as a superuser. Rows that triggers change are afterwards what they made of them.
 *
 * @returns tables whose triggers refused a row as it was planted
 */
export async function replayTriggers(
  client: ClientBase,
  pass: Extract<Pass, 'A' | 'B1' | 'B2'>,
  { shapes, planted, enter }: ReplayOptions,
): Promise<NotCovered[]> {
  const { rows } = await client.query<{ name: string }>(triggersSql)
  const named = new Set(rows.map(({ name }) => name))
  const notCovered: NotCovered[] = []
  for (const table of shapes.tables.filter((candidate) => named.has(tableName(candidate)))) {
    const name = tableName(table)
    const isReferred = shapes.tables.some(({ references }) => references.some(({ table: to }) => to === table.oid))
    let reason = ''
    for (const row of planted.rows(name, pass)) {
      try {
        const statements = ['begin', AS_USUAL, ...enter, 'set local role none', ...writingAgain(table, row, isReferred)]
        // One message; by SET CONSTRAINTS what waits for the end has been asked before it.
        const results = (await client.query({
          text: statements.join('; '),
          types: asText,
        })) as unknown as readonly QueryResult<Row>[]
        const written = results.find(({ command }) => command === 'INSERT')?.rows[0]
        if (written === undefined) throw new Error('they leave it out')
        await client.query('commit')
        Object.assign(row, written)
      } catch (error) {
        await client.query('rollback')
        reason ||= (error as Error).message
      }
    }
    if (reason !== '')
      notCovered.push({
        object: `table ${name}`,
        probe: 'what its triggers write elsewhere',
        reason: `a row of ${organizationOf(pass)} was not written with its triggers: ${reason}`,
      })
  }
  return notCovered
}

/** A row that others refer to goes without triggers, which would take those along. */
function writingAgain(table: TableShape, row: Row, isReferred: boolean): string[] {
  const target = qualified(table.schema, table.name)
  const key = table.uniques.find(({ primary }) => primary)?.columns ?? table.columns.map(({ name }) => name)
  const its = key.map((name) => `${ident(name)}::text is not distinct from ${valueOf(row, name)}`).join(' and ')
  const columns = table.columns.filter(({ generated, name }) => !generated && name in row)
  const other = columns.find(({ name, identity }) => !key.includes(name) && identity !== 'a')
  return [
    isReferred ? WITHOUT_TRIGGERS : WITH_TRIGGERS,
    `delete from ${target} where ${its}`,
    WITH_TRIGGERS,
    `insert into ${target} (${columns.map(({ name }) => ident(name)).join(', ')}) overriding system value values (${columns.map(({ name }) => valueOf(row, name)).join(', ')}) returning *`,
    ...(other === undefined ? [] : [`update ${target} set ${ident(other.name)} = ${ident(other.name)} where ${its}`]),
    'set constraints all immediate',
  ]
}

const valueOf = (row: Row, column: string): string => {
  const value = row[column] ?? null
  return value === null ? 'null' : literal(value)
}
