// Reads and writes the organization's own rows, a page at a time, in the canonical text of fields. All SQL
// with names from a mapping is made here; names go through one quoting function, values are parameters.
import type { FieldValues } from '@rowhouse/connectors'
import type { Transaction } from 'rowhouse'
import type { MappedObject } from '../mapping/mapping.ts'

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * Of this organization, in every statement and in so many words: where a table's policy was switched off by hand, a row of
 * another organization is still neither matched nor sent nor written.
 */
export const OURS = 't.organization_id = (select rowhouse.organization_id())'

const tableOf = (mapped: MappedObject): string => `${quoteName(mapped.schema)}.${quoteName(mapped.table)}`

function readExpression(column: string, type: string): string {
  const name = `t.${quoteName(column)}`
  // Whatever the session's zone and DateStyle. An infinite one has no such form: as the word, the CRM refuses it;
  // as null, it would clear the CRM's value.
  const form = formats[type]
  if (form === undefined) return `nullif(${name}::text, '')`
  const moment = type === 'date' ? name : `${name} at time zone 'UTC'`
  return `case when isfinite(${name}) then to_char(${moment}, '${form}') else ${name}::text end`
}

const formats: Readonly<Record<string, string>> = {
  date: 'YYYY-MM-DD',
  'timestamp with time zone': 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"',
}

export interface LocalRow {
  readonly id: string
  /** By field; an empty text reads as null, as CRMs know no difference. */
  readonly fields: FieldValues
  /** By reference: the parent's id here. */
  readonly parents: Readonly<Record<string, string | null>>
}

function selectList(mapped: MappedObject): string {
  return [
    't.id::text as id',
    ...mapped.fields.map(({ column, type }, index) => `${readExpression(column, type)} as f${index}`),
    ...mapped.references.map(({ column }, index) => `t.${quoteName(column)}::text as r${index}`),
  ].join(', ')
}

type RawRow = Readonly<Record<string, string | null>>

function toRow(mapped: MappedObject, raw: RawRow): LocalRow {
  return {
    id: raw['id'] ?? '',
    fields: Object.fromEntries(mapped.fields.map(({ field }, index) => [field, raw[`f${index}`] ?? null])),
    parents: Object.fromEntries(mapped.references.map(({ reference }, index) => [reference, raw[`r${index}`] ?? null])),
  }
}

/** The rows with these ids, locked until the transaction ends, in one order so that pages cannot deadlock. */
export async function lockRows(
  tx: Transaction,
  mapped: MappedObject,
  ids: readonly string[],
): Promise<Map<string, LocalRow>> {
  if (ids.length === 0) return new Map()
  const { rows } = await tx.query<RawRow>(
    `select ${selectList(mapped)} from ${tableOf(mapped)} t where ${OURS} and t.id = any ($1::uuid[])
     order by t.id for update`,
    [ids],
  )
  return new Map(rows.map((raw) => [raw['id'] ?? '', toRow(mapped, raw)]))
}

/** Rows without a link whose column has one of the values: value → id. The first id wins a tie. */
export async function matchRows(
  tx: Transaction,
  mapped: MappedObject,
  connectionId: string,
  column: string,
  values: readonly string[],
): Promise<Map<string, string>> {
  if (values.length === 0) return new Map()
  const name = `t.${quoteName(column)}`
  const { rows } = await tx.query<{ id: string; value: string }>(
    `select t.id::text as id, ${name}::text as value from ${tableOf(mapped)} t
     where ${OURS} and ${name} = any ($1)
       and not exists (
         select from rowhouse_home.sync_links l
         where l.connection_id = $2 and l.object = $3 and l.local_id = t.id::text and l.remote_id is not null
       )
     order by t.id desc`,
    [values, connectionId, mapped.object],
  )
  return new Map(rows.map(({ id, value }) => [value.toLowerCase(), id]))
}

export interface RowWrite {
  readonly id: string
  /** By field name or '@reference'; of a reference the parent's id here. */
  readonly values: FieldValues
}

const columnsOf = (mapped: MappedObject): { column: string; key: string; type: string }[] => [
  ...mapped.fields.map(({ column, field, type }) => ({ column, key: field, type })),
  ...mapped.references.map(({ column, reference, type }) => ({ column, key: `@${reference}`, type })),
]

const json = (writes: readonly RowWrite[]): string => JSON.stringify(writes)

/** Inserts a page of rows with one statement. Whose they are is the column's default: a strict table lets nobody name it. */
export async function insertRows(tx: Transaction, mapped: MappedObject, writes: readonly RowWrite[]): Promise<void> {
  if (writes.length === 0) return
  const columns = columnsOf(mapped)
  await tx.query(
    `insert into ${tableOf(mapped)} (id, ${columns.map(({ column }) => quoteName(column)).join(', ')})
     select p.id, ${columns.map(({ type }, index) => `(p."values" ->> $${index + 2})::${type}`).join(', ')}
     from jsonb_to_recordset($1::jsonb) as p(id uuid, "values" jsonb)`,
    [json(writes), ...columns.map(({ key }) => key)],
  )
}

/** Updates a page of rows with one statement; each row keeps the columns its write does not name. */
export async function updateRows(tx: Transaction, mapped: MappedObject, writes: readonly RowWrite[]): Promise<void> {
  if (writes.length === 0) return
  const named = new Set(writes.flatMap(({ values }) => Object.keys(values)))
  const columns = columnsOf(mapped).filter(({ key }) => named.has(key))
  await tx.query(
    `update ${tableOf(mapped)} t
     set ${columns
       .map(
         ({ column, type }, index) =>
           `${quoteName(column)} = case when p."values" ? $${index + 2} then (p."values" ->> $${index + 2})::${type} else t.${quoteName(column)} end`,
       )
       .join(', ')}
     from jsonb_to_recordset($1::jsonb) as p(id uuid, "values" jsonb)
     where ${OURS} and t.id = p.id`,
    [json(writes), ...columns.map(({ key }) => key)],
  )
}

export async function deleteRows(tx: Transaction, mapped: MappedObject, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx.query(`delete from ${tableOf(mapped)} t where ${OURS} and t.id = any ($1::uuid[])`, [ids])
}

/** Rows that no link knows: what the CRM gets once the backfill has matched what it had. */
export async function markUnlinkedRows(tx: Transaction, mapped: MappedObject, connectionId: string): Promise<void> {
  await tx.query(
    `insert into rowhouse_home.sync_marks (connection_id, direction, object, record_id)
     select $1, 'outbound', $2, t.id::text from ${tableOf(mapped)} t
     where ${OURS} and not exists (
       select from rowhouse_home.sync_links l
       where l.connection_id = $1 and l.object = $2 and l.local_id = t.id::text
     )
     on conflict do nothing`,
    [connectionId, mapped.object],
  )
}
