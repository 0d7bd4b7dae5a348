// Where a row's organization comes from: an expression over the row, as the user wrote it or as a foreign key says it.
// Postgres itself parses it, as a view that is rolled back: so names are resolved once, by the user's search_path, and
// what runs later in triggers and batches is the qualified text.
import { DatabaseError } from 'pg'
import type { ClientBase, QueryConfig } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { adoptExpression } from '../generated/queries.ts'
import type { Column, Reference, Table } from './facts.ts'
import { quote } from './names.ts'

export interface Expression {
  /** Qualified; it knows the table by its bare name. Its value is a uuid or null. */
  readonly sql: string
  /** Columns of the table that it reads. */
  readonly columns: readonly string[]
  /** The column that it is, when it is nothing but one. */
  readonly column: Column | null
}

interface Analysis {
  readonly type: string
  readonly definition: string
  readonly columns: readonly string[]
  readonly volatile: readonly string[]
  readonly generated: readonly string[]
}

/**
 * Checks an expression of the user's against the table.
 *
 * @throws RowhouseError adopt_expression_invalid
 */
export async function analyseExpression(client: ClientBase, table: Table, text: string): Promise<Expression> {
  const analysis = await analyse(client, table, text)
  const refuse = (reason: string, hint: string): RowhouseError =>
    new RowhouseError('adopt_expression_invalid', `The expression ${text} of ${table.qualified} ${reason}.`, { hint })
  if (analysis.volatile.length > 0)
    throw refuse(
      `calls ${analysis.volatile.join(', ')}, which may answer differently each time`,
      'Use functions that are STABLE or IMMUTABLE: the same row must always have the same organization.',
    )
  if (analysis.generated.length > 0)
    throw refuse(
      `reads the generated column ${analysis.generated.join(', ')}, which has no value yet when a new row is filled`,
      'Write what the column is generated from.',
    )
  const match = /^\s*SELECT ([\s\S]*) AS organization_id\s+FROM [\s\S]*?;?$/.exec(analysis.definition)
  if (match?.[1] === undefined) throw refuse('could not be read back', 'Write it more simply.')
  return { sql: match[1], columns: analysis.columns, column: bareColumn(table, match[1], analysis.columns) }
}

async function analyse(client: ClientBase, table: Table, text: string): Promise<Analysis> {
  await client.query('begin')
  try {
    // Names are found as the user finds them, and in the table's own schema.
    await client.query('set local search_path to default')
    await client.query(
      "select pg_catalog.set_config('search_path', $1 || ', ' || current_setting('search_path'), true)",
      [quote(table.schema)],
    )
    // In the extended protocol a message is one statement: an expression cannot end this one and begin another.
    const extended: QueryConfig & { readonly queryMode: 'extended' } = {
      text: `create temp view rowhouse_adopt_expression as select (${text})::uuid as organization_id from ${table.qualified}`,
      queryMode: 'extended',
    }
    await client.query(extended)
    await client.query('set local search_path = pg_catalog')
    const { rows } = await client.query<Analysis>(adoptExpression, [table.oid])
    return rows[0] as Analysis
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause
    throw new RowhouseError(
      'adopt_expression_invalid',
      `The expression ${text} of ${table.qualified} is not valid: ${cause.message}.`,
      { cause },
    )
  } finally {
    await client.query('rollback')
  }
}

const bareColumn = (table: Table, sql: string, columns: readonly string[]): Column | null => {
  const [name] = columns
  if (name === undefined || columns.length !== 1) return null
  const bare = sql
    .replaceAll(/[()]/g, '')
    .replace(/::uuid$/, '')
    .replace(/::text$/, '')
  const plain = /^[a-z_][a-z0-9_]*$/.test(name) ? name : quote(name)
  const own = /^[a-z_][a-z0-9_]*$/.test(table.name) ? table.name : quote(table.name)
  if (bare !== plain && bare !== quote(name) && bare !== `${own}.${plain}`) return null
  return table.columns.find((column) => column.name === name) ?? null
}

/** A row belongs to whom its parent belongs to. */
export function parentExpression(table: Table, reference: Reference): Expression {
  const same = reference.columns.map(
    (column, index) =>
      `rowhouse_parent.${quote(reference.targetColumns[index] as string)} = ${quote(table.name)}.${quote(column)}`,
  )
  return {
    sql: `(select rowhouse_parent.organization_id from ${reference.targetName} rowhouse_parent where ${same.join(' and ')})`,
    columns: reference.columns,
    column: null,
  }
}
