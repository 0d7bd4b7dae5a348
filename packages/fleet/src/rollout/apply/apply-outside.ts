// One statement that runs outside of transactions, and what an interrupted one left behind.
// https://www.postgresql.org/docs/18/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY: a failed build leaves an invalid
// index, which costs every write and serves no query.
import { escapeIdentifier } from 'pg'
import type { ClientBase } from 'pg'
import type { Statement } from '../migration/prepare.ts'

export async function runOutside(client: ClientBase, schemaName: string, { outside, text }: Statement): Promise<void> {
  if (outside?.kind === 'create_index') {
    // The guard speaks when the index is there already, committed by itself.
    if (outside.unique !== null) {
      const { table, firstColumn } = outside.unique
      await client.query('select rowhouse.check_unique_index($1, $2, $3)', [schemaName, table, firstColumn])
    }
    const state = await indexState(client, schemaName, outside.index)
    if (state === 'valid') return
    if (state === 'invalid') await dropIndex(client, outside.index)
  }
  if (outside?.kind === 'drop_index') {
    for (const index of outside.indexes) {
      if ((await indexState(client, schemaName, index)) !== null) await dropIndex(client, index)
    }
    return
  }
  if (outside?.kind === 'reindex') await dropLeftovers(client, schemaName, outside.relation)
  await client.query(text)
}

async function indexState(client: ClientBase, schemaName: string, index: string): Promise<'valid' | 'invalid' | null> {
  const { rows } = await client.query<{ valid: boolean }>(
    `select i.indisvalid and i.indisready as valid from pg_index i join pg_class c on c.oid = i.indexrelid
     join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
    [schemaName, index],
  )
  const [found] = rows
  return found === undefined ? null : found.valid ? 'valid' : 'invalid'
}

const dropIndex = (client: ClientBase, index: string): Promise<unknown> =>
  client.query(`drop index concurrently if exists ${escapeIdentifier(index)}`)

/** REINDEX CONCURRENTLY builds `<index>_ccnew` beside the index, with a number where that name is taken. */
async function dropLeftovers(client: ClientBase, schemaName: string, relation: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
     join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and not i.indisvalid and c.relname ~ '_ccnew\\d*$'
       and (t.relname = $2 or c.relname ~ ('^' || $2 || '_ccnew'))`,
    [schemaName, relation],
  )
  for (const { name } of rows) await dropIndex(client, name)
}
