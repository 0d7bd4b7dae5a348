// The record resources: lists with filters, create, read, change, upsert by external id, delete, lines of
// sublists, and turning a customer into an order. Owns status codes and headers; records.ts has the rules.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545141500.html
import { textOf } from '../http/text.ts'
import { NetsuiteRefusal, invalidParameter, noSuchRecord, noSuchResource } from './errors.ts'
import { parseFilter } from './filter.ts'
import { bodyOf, collectionType, singularType, typeOf } from './route.ts'
import type { Answer } from './operation.ts'
import type { Route, Run } from './route.ts'
import { envelope, resultsMax, spanOf } from './page.ts'
import type { NetsuiteRecord } from './records.ts'
import type { RecordType, Sublist } from './record-types.ts'
import { renderLine, renderLines, renderRecord, self, urlOf } from './render.ts'
import type { Look } from './render.ts'

export const recordRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/record/v1/:type', run: list },
  { method: 'POST', pattern: '/record/v1/:type', run: create },
  { method: 'GET', pattern: '/record/v1/:type/:id', run: read },
  { method: 'PATCH', pattern: '/record/v1/:type/:id', run: update },
  { method: 'PUT', pattern: '/record/v1/:type/:id', run: upsert },
  { method: 'DELETE', pattern: '/record/v1/:type/:id', run: remove },
  { method: 'POST', pattern: '/record/v1/:type/:id/!transform/:target', run: transform },
  { method: 'GET', pattern: '/record/v1/:type/:id/:sublist', run: readSublist },
  { method: 'GET', pattern: '/record/v1/:type/:id/:sublist/:line', run: readLine },
]

function list(run: Run): Answer {
  const type = typeOf(run)
  const span = spanOf(run)
  const text = run.query.get('q')
  const matches = text === null || text === '' ? () => true : parseFilter(run.company, type, text)
  const found: NetsuiteRecord[] = []
  let total = 0
  for (const record of run.company.records.all(type.name)) {
    if (total === resultsMax) break
    if (!matches(record)) continue
    if (total >= span.offset && total < span.offset + span.limit) found.push(record)
    total++
  }
  const items = found.map((record) => ({ links: self(urlOf(run.base, record)), id: record.id }))
  return { status: 200, body: envelope(run, span, items, total), headers: { 'content-type': collectionType } }
}

function create(run: Run): Answer {
  const type = typeOf(run)
  const record = run.company.records.create(type, bodyOf(run.operation), run.author)
  return done(run, record)
}

function read(run: Run): Answer {
  const type = typeOf(run)
  const record = run.company.records.required(type, run.path['id'] ?? '')
  return singular(renderRecord(run.company, type, record, lookOf(run)))
}

function update(run: Run): Answer {
  const type = typeOf(run)
  const record = run.company.records.required(type, run.path['id'] ?? '')
  run.company.records.update(type, record, bodyOf(run.operation), run.author, replacedOf(run, type))
  return done(run, record)
}

function upsert(run: Run): Answer {
  const { record } = upsertRecord(run, typeOf(run), run.path['id'] ?? '', bodyOf(run.operation))
  return done(run, record)
}

/** Creates or changes by `eid:…`; a plain id changes only. */
export function upsertRecord(
  run: Run,
  type: RecordType,
  id: string,
  input: Record<string, unknown>,
): { record: NetsuiteRecord; created: boolean } {
  const { records } = run.company
  const known = id.startsWith('eid:') ? records.byExternalId(type.name, id.slice(4)) : records.required(type, id)
  const replaced = replacedOf(run, type)
  if (known) return { record: records.update(type, known, input, run.author, replaced), created: false }
  return { record: records.create(type, { ...input, externalId: id.slice(4) }, run.author), created: true }
}

function remove(run: Run): Answer {
  const type = typeOf(run)
  run.company.records.delete(type, run.company.records.required(type, run.path['id'] ?? ''), run.author)
  return { status: 204, written: 1 }
}

function transform(run: Run): Answer {
  const type = typeOf(run)
  const target = run.company.schema.get(run.path['target'] ?? '')
  const source = run.company.records.required(type, run.path['id'] ?? '')
  if (type.name !== 'customer' || target?.name !== 'salesOrder') throw noSuchResource(run.operation.path)
  const input = { ...bodyOf(run.operation), entity: { id: source.id } }
  return done(run, run.company.records.create(target, input, run.author))
}

function readSublist(run: Run): Answer {
  const { record, sublist } = sublistOf(run)
  return {
    status: 200,
    body: renderLines(run.company, sublist, record, lookOf(run)),
    headers: { 'content-type': collectionType },
  }
}

function readLine(run: Run): Answer {
  const { record, sublist } = sublistOf(run)
  const key = run.path['line'] ?? ''
  const line = (record.lines[sublist.name] ?? []).find((candidate) => textOf(candidate[sublist.key]) === key)
  if (!line) throw noSuchRecord()
  const url = `${urlOf(run.base, record)}/${sublist.name}/${key}`
  return singular(renderLine(run.company, sublist, line, url, run.base))
}

function sublistOf(run: Run): { record: NetsuiteRecord; sublist: Sublist } {
  const type = typeOf(run)
  const record = run.company.records.required(type, run.path['id'] ?? '')
  const sublist = type.sublists.find(({ name }) => name.toLowerCase() === run.path['sublist']?.toLowerCase())
  if (!sublist) throw noSuchResource(run.operation.path)
  return { record, sublist }
}

function lookOf(run: Run): Look {
  const fields = run.query.get('fields')
  return {
    base: run.base,
    expandSubResources: run.query.get('expandSubResources') === 'true',
    fields: fields === null ? undefined : new Set(fields.split(',').map((name) => name.trim().toLowerCase())),
  }
}

function replacedOf(run: Run, type: RecordType): ReadonlySet<string> {
  const names = (run.query.get('replace') ?? '').split(',').filter((name) => name !== '')
  return new Set(
    names.map((name) => {
      const sublist = type.sublists.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase())
      if (!sublist)
        throw invalidParameter('replace', `Invalid query parameter value. ${name} is not a sublist of ${type.name}.`)
      return sublist.name
    }),
  )
}

function singular(body: Record<string, unknown>): Answer {
  return { status: 200, body, headers: { 'content-type': singularType } }
}

function done(run: Run, record: NetsuiteRecord): Answer {
  return { status: 204, headers: { location: urlOf(run.base, record) }, written: 1 }
}

/** Writes need JSON; what names another type is refused, what names none is read. */
export function checkContentType(operation: Run['operation']): void {
  const type = operation.headers['content-type']
  if (type === undefined || /^application\/([\w.+-]*\+)?json\b/i.test(type)) return
  throw new NetsuiteRefusal(415, 'INVALID_HEADER', `Invalid Content-Type header: ${type.slice(0, 80)}`, [
    'header',
    'Content-Type',
  ])
}
