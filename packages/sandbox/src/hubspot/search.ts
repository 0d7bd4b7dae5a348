// The search endpoint: filter groups, sorting, paging. Owns the meaning of every operator and the
// documented limits; must not touch records.
// Operators and limits: https://developers.hubspot.com/docs/api-reference/search/guide
import { z } from 'zod'
import { invalid } from './errors.ts'
import type { PropertyCatalogue } from './property-catalogue.ts'
import type { PropertyDefinition } from './property-definitions.ts'
import { parseInstant } from './property-values.ts'
import type { HubspotRecord } from './records.ts'

export const searchPageMax = 200
export const searchResultsMax = 10_000
const groupsMax = 5
const filtersPerGroupMax = 6
const filtersMax = 18
const queryLengthMax = 3000
const valuesMax = 100

const filterSchema = z.object({
  propertyName: z.string(),
  operator: z.enum([
    'EQ',
    'NEQ',
    'LT',
    'LTE',
    'GT',
    'GTE',
    'BETWEEN',
    'IN',
    'NOT_IN',
    'HAS_PROPERTY',
    'NOT_HAS_PROPERTY',
    'CONTAINS_TOKEN',
    'NOT_CONTAINS_TOKEN',
  ]),
  value: z.coerce.string().optional(),
  highValue: z.coerce.string().optional(),
  values: z.array(z.coerce.string()).max(valuesMax).optional(),
})
type Filter = z.output<typeof filterSchema>

const sortSchema = z.union([
  z.string(),
  z.object({ propertyName: z.string(), direction: z.enum(['ASCENDING', 'DESCENDING']).default('ASCENDING') }),
])

export const searchSchema = z.object({
  query: z.string().max(queryLengthMax).nullish(),
  limit: z.coerce.number().int().min(0).max(searchPageMax).default(10),
  after: z.coerce.string().nullish(),
  sorts: z.array(sortSchema).max(1, 'Only one sort is allowed').default([]),
  properties: z.array(z.string()).default([]),
  filterGroups: z
    .array(z.object({ filters: z.array(filterSchema).max(filtersPerGroupMax) }))
    .max(groupsMax)
    .default([]),
})
export type SearchRequest = z.output<typeof searchSchema>

export interface SearchPage {
  readonly total: number
  readonly records: readonly HubspotRecord[]
  /** Offset of the next page, when there is one. */
  readonly next: number | undefined
}

/** Throws HubSpot's 400 for more than 10,000 results, unknown properties, and filters without values. */
export function search(
  visible: Iterable<HubspotRecord>,
  request: SearchRequest,
  catalogue: PropertyCatalogue,
): SearchPage {
  const offset = request.after ? Number(request.after) : 0
  if (!Number.isInteger(offset) || offset < 0) throw invalid(`Invalid value for "after": ${request.after ?? ''}`)
  if (offset + request.limit > searchResultsMax) {
    throw invalid(`The requested paging window is not valid: results beyond ${searchResultsMax} cannot be read.`)
  }
  if (request.filterGroups.flatMap((group) => group.filters).length > filtersMax) {
    throw invalid(`A search may have at most ${filtersMax} filters.`)
  }
  const groups = request.filterGroups.map((group) => group.filters.map((filter) => compileFilter(filter, catalogue)))
  const matchesQuery = compileQuery(request.query ?? '')
  const found: HubspotRecord[] = []
  for (const record of visible) {
    const matches = groups.length === 0 || groups.some((filters) => filters.every((matches) => matches(record)))
    if (matches && matchesQuery(record)) found.push(record)
  }
  const sorted = sortRecords(found, request.sorts[0], catalogue)
  const end = offset + request.limit
  return { total: sorted.length, records: sorted.slice(offset, end), next: end < sorted.length ? end : undefined }
}

type Predicate = (record: HubspotRecord) => boolean

function compileFilter(filter: Filter, catalogue: PropertyCatalogue): Predicate {
  const name = filter.propertyName.toLowerCase()
  const definition = catalogue.get(name)
  if (!definition)
    throw invalid(`There was a problem with the request: property ${filter.propertyName} does not exist.`)
  const key = comparableOf(definition)
  const own = (record: HubspotRecord): string | undefined => record.properties[name] || undefined
  const bound = (field: 'value' | 'highValue'): Comparable => {
    const text = given(filter, field)
    const comparable = key(text)
    if (Number.isNaN(comparable)) throw invalid(`${text} is not a value of the property ${name}.`)
    return comparable
  }
  const read = readerOf(definition)
  const compare = (accept: (order: number) => boolean): Predicate => {
    const wanted = bound('value')
    return (record) => {
      const present = read(record)
      return present !== undefined && accept(order(present, wanted))
    }
  }
  switch (filter.operator) {
    case 'EQ':
      return compare((order) => order === 0)
    case 'NEQ': {
      const unwanted = bound('value')
      return (record) => {
        const present = read(record)
        return present === undefined || order(present, unwanted) !== 0
      }
    }
    case 'LT':
      return compare((order) => order < 0)
    case 'LTE':
      return compare((order) => order <= 0)
    case 'GT':
      return compare((order) => order > 0)
    case 'GTE':
      return compare((order) => order >= 0)
    case 'BETWEEN': {
      const low = bound('value')
      const high = bound('highValue')
      return (record) => {
        const present = read(record)
        return present !== undefined && order(present, low) >= 0 && order(present, high) <= 0
      }
    }
    case 'IN':
    case 'NOT_IN': {
      if (!filter.values?.length) throw invalid(`The operator ${filter.operator} needs values.`)
      const wanted = new Set(filter.values.map((text) => key(text)))
      return (record) => {
        const present = read(record)
        return present !== undefined && wanted.has(present) === (filter.operator === 'IN')
      }
    }
    case 'HAS_PROPERTY':
      return (record) => own(record) !== undefined
    case 'NOT_HAS_PROPERTY':
      return (record) => own(record) === undefined
    case 'CONTAINS_TOKEN':
    case 'NOT_CONTAINS_TOKEN':
      break
  }
  const pattern = tokenPattern(given(filter, 'value'))
  const wanted = filter.operator === 'CONTAINS_TOKEN'
  return (record) => tokensOf(own(record) ?? '').some((token) => pattern.test(token)) === wanted
}

function given(filter: Filter, field: 'value' | 'highValue'): string {
  const value = filter[field]
  if (value === undefined) throw invalid(`The operator ${filter.operator} needs ${field}.`)
  return value
}

type Comparable = string | number

function order(a: Comparable, b: Comparable): number {
  return a < b ? -1 : a > b ? 1 : 0
}

// Numbers and instants compare as numbers, everything else without regard to case.
function comparableOf(definition: PropertyDefinition): (text: string) => Comparable {
  switch (definition.type) {
    case 'number':
      return (text) => (text === '' ? Number.NaN : Number(text))
    case 'date':
    case 'datetime':
      return (text) => parseInstant(text) ?? Number.NaN
    case 'string':
    case 'enumeration':
    case 'bool':
    case 'phone_number':
      break
  }
  return (text) => text.toLowerCase()
}

// The two instants every record has are numbers already: parsing their text was most of a poll's time.
function readerOf(definition: PropertyDefinition): (record: HubspotRecord) => Comparable | undefined {
  const { name } = definition
  if (name === 'createdate') return (record) => record.createdAt
  if (name === 'lastmodifieddate' || name === 'hs_lastmodifieddate') return (record) => record.updatedAt
  const key = comparableOf(definition)
  return (record) => {
    const value = record.properties[name]
    return value === undefined ? undefined : key(value)
  }
}

function tokensOf(text: string): string[] {
  const lower = text.toLowerCase()
  return [lower, ...lower.split(/[^\p{L}\p{N}]+/u)].filter((token) => token !== '')
}

// '*' stands for any characters, as in HubSpot's *@hubspot.com.
function tokenPattern(value: string): RegExp {
  const escaped = value
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(`^${escaped.join('.*')}$`, 'u')
}

const queried = ['firstname', 'lastname', 'email', 'phone', 'company', 'name', 'domain', 'website', 'hs_object_id']

function compileQuery(query: string): Predicate {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  return (record) => {
    if (words.length === 0) return true
    const text = queried
      .map((name) => record.properties[name] ?? '')
      .join(' ')
      .toLowerCase()
    return words.every((word) => text.includes(word))
  }
}

// The key of every record is made once: making it in the comparison was most of a search's time.
/** Oldest first, where nothing else is asked for: activities and custom objects name the date in their own way. */
function createdProperty(catalogue: PropertyCatalogue): string {
  return catalogue.get('createdate') ? 'createdate' : 'hs_createdate'
}

function sortRecords(
  records: readonly HubspotRecord[],
  sort: SearchRequest['sorts'][number] | undefined,
  catalogue: PropertyCatalogue,
): HubspotRecord[] {
  const text = typeof sort === 'string' ? sort : (sort?.propertyName ?? createdProperty(catalogue))
  const name = text.replace(/^-/, '').toLowerCase()
  const descending = typeof sort === 'object' ? sort.direction === 'DESCENDING' : text.startsWith('-')
  const definition = catalogue.get(name)
  if (!definition) throw invalid(`There was a problem with the request: property ${name} does not exist.`)
  const read = readerOf(definition)
  const sign = descending ? -1 : 1
  const keyed = records.map((record) => ({ record, id: Number(record.id), key: read(record) }))
  keyed.sort((a, b) => {
    // Records without the property come last, whatever the direction.
    if (a.key === undefined || b.key === undefined) {
      return Number(a.key === undefined) - Number(b.key === undefined) || a.id - b.id
    }
    return sign * order(a.key, b.key) || a.id - b.id
  })
  return keyed.map(({ record }) => record)
}
