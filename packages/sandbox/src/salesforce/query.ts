// The query resources: query, queryAll and their next pages. Owns paging and the shape of the answer;
// soql/ has the language.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm
import type { Cursor } from './cursors.ts'
import { SalesforceRefusal, malformedQuery } from './errors.ts'
import type { Answer, Route, Run } from './operation.ts'
import { isKept } from './read-field.ts'
import type { Organization } from './organization.ts'
import type { SalesforceRecord } from './records.ts'
import { renderResolved } from './render.ts'
import type { ObjectName } from './objects.ts'
import type { Query, Selected } from './soql/ast.ts'
import { compileCondition, resolvePath, sortRecords } from './soql/compile.ts'
import type { Resolved } from './soql/compile.ts'
import { parseQuery } from './soql/parse.ts'

export const queryPageMax = 2000
const queryPageMin = 200
/** FIELDS(ALL) and FIELDS(CUSTOM) need a limit, at most this. */
const fieldsLimitMax = 200

export const queryRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/query', run: (run) => start(run, false) },
  { method: 'GET', pattern: '/queryAll', run: (run) => start(run, true) },
  { method: 'GET', pattern: '/query/:locator', run: next },
  { method: 'GET', pattern: '/queryAll/:locator', run: next },
]

function start(run: Run, includeDeleted: boolean): Answer {
  const soql = run.operation.query.get('q')
  if (!soql) throw malformedQuery('A query string has to be specified')
  const { query, object, found, columns, aggregates } = select(run, soql, includeDeleted)
  if (aggregates.length > 0) return { status: 200, body: aggregate(run.organization, object, query, aggregates, found) }
  return page(run, { query, found, batchSize: batchSizeOf(run), expiresAt: 0 }, columns, 0)
}

/** Every row of a query as text, for bulk jobs. Throws what a query throws, and refuses aggregates. */
export function selectAll(
  run: Run,
  soql: string,
  includeDeleted: boolean,
): { object: ObjectName; header: string[]; rows: string[][] } {
  const { object, found, columns, aggregates } = select(run, soql, includeDeleted)
  if (aggregates.length > 0) {
    throw new SalesforceRefusal(400, 'FEATURENOTENABLED', 'Aggregate functions are not supported in bulk queries.')
  }
  const header = columns.map(({ relationships, field }) => [...relationships, field.name].join('.'))
  return { object, header, rows: found.map((record) => columns.map(({ read }) => String(read(record) ?? ''))) }
}

interface Selection {
  readonly query: Query
  readonly object: ObjectName
  readonly found: readonly SalesforceRecord[]
  readonly columns: readonly Resolved[]
  readonly aggregates: readonly Extract<Selected, { kind: 'aggregate' }>[]
}

function select(run: Run, soql: string, includeDeleted: boolean): Selection {
  const { organization, world } = run
  const query = parseQuery(soql)
  const object = fromOf(organization, query)
  const now = world.now()
  // Selecting is resolved before anything is read, so that a wrong field is refused on no rows too.
  const aggregates = query.selected.filter((selected) => selected.kind === 'aggregate')
  const columns = aggregates.length > 0 ? [] : resolveSelected(organization, object, query)
  const matches = query.where ? compileCondition(organization, object, query.where, now) : () => true
  const found: SalesforceRecord[] = []
  for (const record of organization.records.all(object)) {
    if (includeDeleted ? isKept(record, now) : record.deletedAt === undefined) if (matches(record)) found.push(record)
  }
  if (aggregates.length > 0) return { query, object, found, columns, aggregates }
  const end = query.limit === undefined ? undefined : query.offset + query.limit
  return {
    query,
    object,
    found: sortRecords(organization, object, query.orders, found).slice(query.offset, end),
    columns,
    aggregates,
  }
}

function next(run: Run): Answer {
  const { id, cursor, offset } = run.organization.cursors.find(run.path['locator'] ?? '')
  const columns = resolveSelected(run.organization, fromOf(run.organization, cursor.query), cursor.query)
  return page(run, cursor, columns, offset, id)
}

function page(run: Run, cursor: Cursor, columns: readonly Resolved[], offset: number, cursorId?: string): Answer {
  const { organization, operation } = run
  const end = offset + cursor.batchSize
  const records = cursor.found.slice(offset, end)
  const done = end >= cursor.found.length
  const id = done ? '' : (cursorId ?? organization.cursors.open(cursor.query, cursor.found, cursor.batchSize))
  return {
    status: 200,
    body: {
      totalSize: cursor.found.length,
      done,
      ...(done ? {} : { nextRecordsUrl: `/services/data/${operation.version}/query/${id}-${end}` }),
      records: records.map((record) => renderResolved(organization, record, columns, operation.version)),
    },
  }
}

function fromOf(organization: Organization, query: Query): ObjectName {
  const object = organization.schema.parse(query.from)
  if (object) return object
  const message = `sObject type '${query.from}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name.`
  throw new SalesforceRefusal(400, 'INVALID_TYPE', message)
}

function resolveSelected(organization: Organization, object: ObjectName, query: Query): Resolved[] {
  const resolved = query.selected.flatMap((selected) => {
    if (selected.kind === 'field') return [resolvePath(organization, object, selected.path)]
    if (selected.kind === 'aggregate') throw malformedQuery('Fields and functions cannot be mixed without GROUP BY.')
    return resolveGroup(organization, object, selected.group, query.limit)
  })
  const seen = new Set<string>()
  for (const { field, relationships } of resolved) {
    const name = [...relationships, field.name].join('.')
    if (seen.has(name)) throw malformedQuery(`duplicate field selected: ${name}`)
    seen.add(name)
  }
  return resolved
}

function resolveGroup(
  organization: Organization,
  object: ObjectName,
  group: 'ALL' | 'STANDARD' | 'CUSTOM',
  limit: number | undefined,
): Resolved[] {
  if (group !== 'STANDARD' && (limit === undefined || limit > fieldsLimitMax)) {
    throw malformedQuery(`The SOQL FIELDS function must have a LIMIT of at most ${fieldsLimitMax}`)
  }
  const fields = organization.schema
    .fields(object)
    .all()
    .filter(({ custom }) => group === 'ALL' || custom === (group === 'CUSTOM'))
  return fields.map(({ name }) => resolvePath(organization, object, name))
}

function aggregate(
  organization: Organization,
  object: ObjectName,
  query: Query,
  aggregates: readonly Extract<Selected, { kind: 'aggregate' }>[],
  found: readonly SalesforceRecord[],
): unknown {
  if (aggregates.length !== query.selected.length)
    throw malformedQuery('Fields and functions cannot be mixed without GROUP BY.')
  const [only] = aggregates
  if (aggregates.length === 1 && only!.path === undefined) {
    const total = Math.max(0, Math.min(found.length - query.offset, query.limit ?? Infinity))
    return { totalSize: total, done: true, records: [] }
  }
  const row: Record<string, unknown> = { attributes: { type: 'AggregateResult' } }
  for (const [index, { name, path, alias }] of aggregates.entries()) {
    const { read } = resolvePath(organization, object, path ?? 'Id')
    const values = found.map((record) => read(record)).filter((value) => value !== null)
    const ordered = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    row[alias ?? `expr${index}`] =
      name === 'COUNT' ? values.length : ((name === 'MIN' ? ordered[0] : ordered.at(-1)) ?? null)
  }
  return { totalSize: 1, done: true, records: [row] }
}

function batchSizeOf({ operation }: Run): number {
  const match = /batchSize=(\d+)/i.exec(operation.headers['sforce-query-options'] ?? '')
  return match ? Math.min(queryPageMax, Math.max(queryPageMin, Number(match[1]))) : queryPageMax
}
