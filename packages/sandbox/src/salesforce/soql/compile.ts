// A parsed query to functions over records: which match, in which order. Owns SOQL's meaning of every
// comparison (text without regard to case, null first, instants as numbers); must not page or render.
import { SalesforceRefusal, malformedQuery } from '../errors.ts'
import { toLongId } from '../ids.ts'
import type { Organization } from '../organization.ts'
import { readField, readInstant } from '../read-field.ts'
import type { SalesforceRecord } from '../records.ts'
import type { Field, ObjectName } from '../objects.ts'
import { parseInstant } from '../values.ts'
import type { Value } from '../values.ts'
import type { Comparison, Condition, Literal, Order } from './ast.ts'

export interface Resolved {
  readonly field: Field
  /** Relationship names on the way, as Salesforce writes them. */
  readonly relationships: readonly string[]
  readonly read: (record: SalesforceRecord) => Value
  /** What is compared: instants as numbers, text in lower case. */
  readonly key: (record: SalesforceRecord) => Comparable
}

export type Comparable = string | number | boolean | null

/** Relationships a path may cross. */
const hopsMax = 5

/** A dotted path from an object to a field. Throws INVALID_FIELD. */
export function resolvePath(organization: Organization, object: ObjectName, path: string): Resolved {
  const names = path.split('.')
  const own =
    names[0]!.toLowerCase() === object.toLowerCase() &&
    names.length > 1 &&
    !relationship(organization, object, names[0]!)
  if (own) names.shift()
  if (names.length - 1 > hopsMax) throw malformedQuery(`${path} crosses more than ${hopsMax} relationships.`)
  const hops: Field[] = []
  let at = object
  for (const name of names.slice(0, -1)) {
    const hop = relationship(organization, at, name)
    if (!hop) {
      const message = `Didn't understand relationship '${name}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name.`
      throw new SalesforceRefusal(400, 'INVALID_FIELD', message)
    }
    hops.push(hop)
    // Of several objects a reference may lead to, the first one names the fields.
    at = hop.referenceTo![0]!
  }
  const field = organization.schema.fields(at).required(names.at(-1)!)
  const read = (record: SalesforceRecord): Value => {
    const end = hops.length === 0 ? record : follow(organization, record, hops)
    return end ? readField(end, field) : null
  }
  // Instants of the record itself are numbers already: writing and parsing them was most of a poll's time.
  const key = (record: SalesforceRecord): Comparable => {
    const end = hops.length === 0 ? record : follow(organization, record, hops)
    return end ? (readInstant(end, field) ?? toKey(field, readField(end, field))) : null
  }
  return { field, relationships: hops.map((hop) => hop.relationshipName!), read, key }
}

function relationship(organization: Organization, object: ObjectName, name: string): Field | undefined {
  return organization.schema
    .fields(object)
    .all()
    .find((field) => field.relationshipName?.toLowerCase() === name.toLowerCase())
}

function follow(
  organization: Organization,
  record: SalesforceRecord,
  hops: readonly Field[],
): SalesforceRecord | undefined {
  let at: SalesforceRecord | undefined = record
  for (const hop of hops) {
    const id: Value = at ? readField(at, hop) : null
    at = id === null ? undefined : organization.records.find(hop.referenceTo!, String(id))
  }
  return at
}

export type Predicate = (record: SalesforceRecord) => boolean

export function compileCondition(
  organization: Organization,
  object: ObjectName,
  condition: Condition,
  now: number,
): Predicate {
  if (condition.kind === 'compare') return compileComparison(organization, object, condition, now)
  if (condition.kind === 'not') {
    const part = compileCondition(organization, object, condition.part, now)
    return (record) => !part(record)
  }
  const parts = condition.parts.map((part) => compileCondition(organization, object, part, now))
  return condition.kind === 'and'
    ? (record) => parts.every((part) => part(record))
    : (record) => parts.some((part) => part(record))
}

function compileComparison(
  organization: Organization,
  object: ObjectName,
  condition: Extract<Condition, { kind: 'compare' }>,
  now: number,
): Predicate {
  const { field, read, key } = resolvePath(organization, object, condition.path)
  const { comparison, values } = condition
  const first = values[0]!
  if (comparison === 'LIKE') {
    if (first.kind !== 'string') throw malformedQuery(`LIKE needs text for the field ${field.name}`)
    const pattern = likePattern(first.value)
    return (record) => pattern.test(String(read(record) ?? ''))
  }
  if (first.kind === 'days') return compileDays(first, comparison, key, now)
  const wanted = values.map((literal) => literalKey(field, literal))
  if (comparison === 'IN' || comparison === 'NOT IN') {
    const set = new Set(wanted)
    return (record) => set.has(key(record)) === (comparison === 'IN')
  }
  const bound = wanted[0]!
  if (bound === null && comparison !== '=' && comparison !== '!=')
    throw malformedQuery(`null can be compared with = and != only`)
  return (record) => holds(comparison, key(record), bound)
}

function holds(comparison: Comparison, value: Comparable, bound: Comparable): boolean {
  if (comparison === '=') return value === bound
  if (comparison === '!=') return value !== bound
  // What is null is neither less nor greater than anything.
  if (value === null || bound === null) return false
  if (comparison === '<') return value < bound
  if (comparison === '<=') return value <= bound
  return comparison === '>' ? value > bound : value >= bound
}

function compileDays(
  literal: Extract<Literal, { kind: 'days' }>,
  comparison: Comparison,
  key: (record: SalesforceRecord) => Comparable,
  now: number,
): Predicate {
  const today = Math.floor(now / 86_400_000)
  const from = (today + literal.from) * 86_400_000
  const to = (today + literal.to) * 86_400_000
  return (record) => {
    const value = key(record)
    if (typeof value !== 'number') return comparison === '!='
    if (comparison === '=') return value >= from && value < to
    if (comparison === '!=') return value < from || value >= to
    if (comparison === '<') return value < from
    if (comparison === '<=') return value < to
    return comparison === '>' ? value >= to : value >= from
  }
}

// Values and literals become the same kind of key, so that comparing is one line.
function toKey(field: Field, value: Value): Comparable {
  if (value === null) return null
  if (field.type === 'datetime') return parseInstant(String(value)) ?? null
  if (field.type === 'date') return Date.parse(String(value))
  if (field.type === 'id' || field.type === 'reference') return value
  return typeof value === 'string' ? value.toLowerCase() : value
}

function literalKey(field: Field, literal: Literal): Comparable {
  const refuse = (wanted: string): never => {
    const message = `value of filter criterion for field '${field.name}' must be of type ${wanted} and should not be enclosed in quotes`
    throw new SalesforceRefusal(400, 'INVALID_FIELD', message)
  }
  if (literal.kind === 'null') return null
  if (literal.kind === 'days') throw malformedQuery('A span of days stands alone, not in a list.')
  switch (field.type) {
    case 'datetime':
      return literal.kind === 'datetime' ? literal.value : refuse('dateTime')
    case 'date':
      return literal.kind === 'date' ? Date.parse(literal.value) : refuse('date')
    case 'boolean':
      return literal.kind === 'boolean' ? literal.value : refuse('boolean')
    case 'int':
    case 'double':
    case 'currency':
      return literal.kind === 'number' ? literal.value : refuse('double')
    case 'id':
    case 'reference':
      return literal.kind === 'string' ? idKey(literal.value) : refuse('reference')
    case 'string':
    case 'textarea':
    case 'email':
    case 'phone':
    case 'url':
    case 'picklist':
      break
  }
  if (literal.kind === 'string') return literal.value.replace(/\\([%_])/g, '$1').toLowerCase()
  throw new SalesforceRefusal(
    400,
    'INVALID_FIELD',
    `value of filter criterion for field '${field.name}' must be of type string and should be enclosed in quotes`,
  )
}

function idKey(text: string): string {
  const id = toLongId(text)
  if (id === undefined && text !== '')
    throw new SalesforceRefusal(400, 'INVALID_QUERY_FILTER_OPERATOR', `invalid ID field: ${text}`)
  return id ?? ''
}

function likePattern(text: string): RegExp {
  let source = ''
  for (const [part] of text.matchAll(/\\[%_]|[^]/g)) {
    if (part === '%') source += '[^]*'
    else if (part === '_') source += '[^]'
    else source += part.replace(/^\\([%_])$/, '$1').replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  }
  return new RegExp(`^${source}$`, 'i')
}

/** The records by the orders, then by id, so that an order is always total. Keys are made once a record. */
export function sortRecords(
  organization: Organization,
  object: ObjectName,
  orders: readonly Order[],
  records: readonly SalesforceRecord[],
): SalesforceRecord[] {
  const paths = orders.map(({ path }) => resolvePath(organization, object, path))
  const keyed = records.map((record) => ({ record, keys: paths.map(({ key }) => key(record)) }))
  keyed.sort((a, b) => {
    for (const [index, { descending, nullsLast }] of orders.entries()) {
      const [left, right] = [a.keys[index]!, b.keys[index]!]
      if (left === right) continue
      if (left === null) return nullsLast ? 1 : -1
      if (right === null) return nullsLast ? -1 : 1
      return left < right === descending ? 1 : -1
    }
    return a.record.id < b.record.id ? -1 : a.record.id > b.record.id ? 1 : 0
  })
  return keyed.map(({ record }) => record)
}
