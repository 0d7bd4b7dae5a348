// The tables of SuiteQL over the company's records: a column per field, lines as rows of their own, what
// was deleted. Owns the names that differ from REST's; must not know the language.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_158618465377.html
import { textOf } from '../../http/text.ts'
import { readField, readInstant } from '../company.ts'
import type { Company } from '../company.ts'
import { nameOf } from '../records.ts'
import type { DeletedRecord, NetsuiteRecord } from '../records.ts'
import type { Field, RecordType } from '../record-types.ts'
import type { Line } from '../lines.ts'
import { Wall } from './wall.ts'

export type SqlValue = string | number | null | Wall

/** A row is whatever the table's columns read. */
export type Row = unknown

export interface Column {
  readonly name: string
  readonly read: (row: Row) => SqlValue
  /** What BUILTIN.DF shows instead of an id. */
  readonly display?: (row: Row) => SqlValue
}

export interface Table {
  readonly name: string
  readonly columns: ReadonlyMap<string, Column>
  rows(): Iterable<Row>
}

interface LineRow {
  readonly record: NetsuiteRecord
  readonly line: Line
}

/** The table of this name, if the company has it. */
export function findTable(company: Company, name: string): Table | undefined {
  if (name === 'deletedrecord') return deletedTable(company)
  if (name === 'transactionline') return lineTable(company)
  if (name === 'entity') return entityTable(company)
  const types = company.schema.all().filter(({ table }) => table === name)
  return types.length === 0 ? undefined : recordTable(company, name, types)
}

function recordTable(company: Company, name: string, types: readonly RecordType[]): Table {
  const columns = new Map<string, Column>()
  for (const type of types) {
    for (const field of type.fields) {
      if (field.type === 'object') continue
      const column = fieldColumn(company, field)
      columns.set(column.name, column)
    }
  }
  const extra = (column: Column): void => void columns.set(column.name, column)
  if (name === 'transaction') {
    extra({ name: 'type', read: () => 'SalesOrd', display: () => 'Sales Order' })
    extra({ name: 'recordtype', read: () => 'salesorder' })
    extra({ name: 'foreigntotal', read: (row) => readNumber(row, 'total') })
    extra({ name: 'trandisplayname', read: (row) => `Sales Order #${nameOf(row as NetsuiteRecord)}` })
  }
  return {
    name,
    columns,
    *rows() {
      for (const type of types) yield* company.records.all(type.name)
    },
  }
}

function fieldColumn(company: Company, field: Field): Column {
  const base = { name: field.name.toLowerCase() }
  const value = (row: Row): unknown => readField(row as NetsuiteRecord, field)
  switch (field.type) {
    case 'boolean':
      return { ...base, read: (row) => (value(row) === true ? 'T' : 'F') }
    case 'date':
      return {
        ...base,
        read: (row) => (value(row) === null ? null : new Wall(Date.parse(`${textOf(value(row))}T00:00:00Z`))),
      }
    case 'datetime':
      return {
        ...base,
        read: (row) => {
          const instant = readInstant(row as NetsuiteRecord, field) ?? Date.parse(textOf(value(row)))
          return Number.isNaN(instant) ? null : new Wall(company.zone.toWall(instant))
        },
      }
    case 'reference':
      return {
        ...base,
        read: (row) => toId(value(row)),
        display: (row) => {
          const target = company.records.get(field.referenceTo ?? '', textOf(value(row)))
          return target ? nameOf(target) : null
        },
      }
    case 'select':
      return {
        ...base,
        read: (row) => toId(value(row)),
        display: (row) => field.options?.find(({ id }) => id === value(row))?.refName ?? null,
      }
    case 'integer':
    case 'number':
      return { ...base, read: (row) => value(row) as number | null }
    case 'string':
    case 'object':
      break
  }
  if (field.name === 'id') return { ...base, read: (row) => toId((row as NetsuiteRecord).id) }
  return { ...base, read: (row) => value(row) as string | null }
}

function lineTable(company: Company): Table {
  const type = company.schema.required('salesOrder')
  const sublist = type.sublists.find(({ name }) => name === 'item')!
  const columns = new Map<string, Column>()
  const add = (name: string, read: (row: LineRow) => SqlValue): void =>
    void columns.set(name, { name, read: (row) => read(row as LineRow) })
  add('transaction', ({ record }) => toId(record.id))
  add('id', ({ line }) => Number(line['line']))
  add('linesequencenumber', ({ line }) => Number(line['line']))
  add('mainline', () => 'F')
  add('taxline', () => 'F')
  add('memo', ({ line }) => (line['description'] ?? null) as SqlValue)
  // What is sold leaves the stock and the account: quantities and amounts are negative in this table.
  const negated = (value: unknown): SqlValue => (typeof value === 'number' ? 0 - value : null)
  for (const field of sublist.fields) {
    if (field.name === 'line') continue
    add(field.name.toLowerCase(), ({ line }) => {
      const value = line[field.name] ?? null
      if (field.type === 'boolean') return value === true ? 'T' : 'F'
      if (field.name === 'quantity' || field.name === 'amount') return negated(value)
      return field.type === 'reference' || field.type === 'select' ? toId(value) : (value as SqlValue)
    })
  }
  const item = columns.get('item')!
  columns.set('item', {
    ...item,
    display: (row) => {
      const target = company.records.get('inventoryItem', textOf((row as LineRow).line['item']))
      return target ? nameOf(target) : null
    },
  })
  add('foreignamount', ({ line }) => negated(line['amount']))
  return {
    name: 'transactionline',
    columns,
    *rows() {
      for (const record of company.records.all('salesOrder'))
        for (const line of record.lines['item'] ?? []) yield { record, line }
    },
  }
}

function entityTable(company: Company): Table {
  const types = company.schema.all().filter(({ kind }) => kind === 'entity')
  const common = types[0]!.fields.filter(({ name }) =>
    types.every(({ fields }) => fields.some((field) => field.name === name)),
  )
  const columns = new Map(common.map((field) => fieldColumn(company, field)).map((column) => [column.name, column]))
  const titles = new Map(types.map(({ name, title }) => [name, title]))
  columns.set('type', { name: 'type', read: (row) => titles.get((row as NetsuiteRecord).type) ?? null })
  return {
    name: 'entity',
    columns,
    *rows() {
      for (const { name } of types) yield* company.records.all(name)
    },
  }
}

function deletedTable(company: Company): Table {
  const columns = new Map<string, Column>()
  const add = (name: string, read: (row: DeletedRecord) => SqlValue): void =>
    void columns.set(name, { name, read: (row) => read(row as DeletedRecord) })
  add('recordid', ({ id }) => toId(id))
  add('recordtypeid', ({ type }) => type.toLowerCase())
  add('type', ({ type }) => type.toLowerCase())
  add('name', ({ name }) => name)
  add('deleteddate', ({ deletedAt }) => new Wall(company.zone.toWall(deletedAt)))
  add('deletedby', ({ deletedBy }) => toId(deletedBy))
  add('context', ({ context }) => context)
  add('scriptid', ({ type }) => type.toLowerCase())
  add('iscustomrecord', ({ type }) => (type.startsWith('customrecord') ? 'T' : 'F'))
  add('iscustomlist', () => 'F')
  add('istransaction', ({ type }) => (company.schema.get(type)?.kind === 'transaction' ? 'T' : 'F'))
  return { name: 'deletedrecord', columns, rows: () => company.records.deleted() }
}

function readNumber(row: Row, name: string): number | null {
  const value = (row as NetsuiteRecord).values[name]
  return typeof value === 'number' ? value : null
}

// Ids are numbers to SuiteQL wherever they can be: they compare and sort as such.
function toId(value: unknown): SqlValue {
  if (value === null || value === undefined) return null
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : textOf(value)
}
