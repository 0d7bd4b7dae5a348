// A record as the API answers it: links, references with names, sublists as links or, when asked, in
// full. Must not change anything. https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545141500.html
import { textOf } from '../http/text.ts'
import { readField } from './company.ts'
import type { Company } from './company.ts'
import type { Line } from './lines.ts'
import { nameOf } from './records.ts'
import type { NetsuiteRecord } from './records.ts'
import type { Field, RecordType, Sublist } from './record-types.ts'
import type { Value } from './values.ts'

export type Rendered = Record<string, unknown>

export interface Look {
  readonly base: string
  readonly expandSubResources: boolean
  /** Field names asked for; all without. */
  readonly fields?: ReadonlySet<string> | undefined
}

export const self = (href: string): Rendered[] => [{ rel: 'self', href }]

export function urlOf(base: string, { type, id }: Pick<NetsuiteRecord, 'type' | 'id'>): string {
  return `${base}/record/v1/${type}/${id}`
}

export function renderRecord(company: Company, type: RecordType, record: NetsuiteRecord, look: Look): Rendered {
  const url = urlOf(look.base, record)
  const body: Rendered = { links: self(url) }
  const wanted = (name: string): boolean => look.fields === undefined || look.fields.has(name.toLowerCase())
  for (const field of type.fields) {
    const value = readField(record, field)
    // Fields without a value are left out.
    if (value !== null && wanted(field.name)) body[field.name] = renderValue(company, field, value, look.base)
  }
  for (const sublist of type.sublists) {
    if (!wanted(sublist.name)) continue
    body[sublist.name] = look.expandSubResources
      ? renderLines(company, sublist, record, look)
      : { links: self(`${url}/${sublist.name}`) }
  }
  return body
}

/** A sublist as a collection: lines in full, or links to them. */
export function renderLines(company: Company, sublist: Sublist, record: NetsuiteRecord, look: Look): Rendered {
  const lines = record.lines[sublist.name] ?? []
  const url = `${urlOf(look.base, record)}/${sublist.name}`
  return {
    links: self(url),
    ...(look.expandSubResources ? {} : { count: lines.length, hasMore: false, offset: 0 }),
    items: lines.map((line) =>
      look.expandSubResources
        ? renderLine(company, sublist, line, `${url}/${textOf(line[sublist.key])}`, look.base)
        : { links: self(`${url}/${textOf(line[sublist.key])}`) },
    ),
    totalResults: lines.length,
  }
}

export function renderLine(company: Company, sublist: Sublist, line: Line, url: string, base: string): Rendered {
  const body: Rendered = { links: self(url) }
  for (const field of sublist.fields) {
    const value = line[field.name] ?? null
    if (value !== null) body[field.name] = renderValue(company, field, value, base)
  }
  return body
}

/** The value with its name, where it is a reference or a choice. */
export function renderValue(company: Company, field: Field, value: Value, base: string): unknown {
  if (field.type === 'select') {
    return { id: value, refName: field.options?.find(({ id }) => id === value)?.refName ?? textOf(value) }
  }
  if (field.type !== 'reference') return value
  const target = company.records.get(field.referenceTo ?? '', textOf(value))
  return {
    links: self(`${base}/record/v1/${field.referenceTo ?? ''}/${textOf(value)}`),
    id: value,
    ...(target ? { refName: nameOf(target) } : {}),
    ...(typeof target?.values['externalId'] === 'string' ? { externalId: target.values['externalId'] } : {}),
  }
}
