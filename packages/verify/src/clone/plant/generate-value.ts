// A value for any column, made from a number: the same number gives the same value, another number another one wherever
// the type has room. Values are texts as Postgres reads them, so that every type goes through one path.
import { createHash } from 'node:crypto'

import type { TypeShape } from './describe-tables.ts'

export interface ValueWish {
  /** The type's oid, resolved through `types`. */
  readonly type: string
  readonly typmod: number
  /** The column's name; what it promises decides the form of a text. */
  readonly label: string
  /** Whose it is and where, `A public.contacts`: goes into texts and ids, so that a leaked one names its place. */
  readonly place: string
  /** Tells values apart: unique a row. */
  readonly ordinal: number
}

const FIRST_DAY_MS = Date.UTC(2026, 0, 1)
/** What ends, ends long after what begins. */
const LAST_DAY_MS = Date.UTC(2099, 0, 1)
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NESTING_MAX = 8

/** Names of columns whose time lies ahead. */
const endsLater = /expir|ends?(_|$)|until|valid_to|due|finish|closes/i

/** @returns the text, or null for a type nothing is known about */
export function generateValue(wish: ValueWish, types: ReadonlyMap<string, TypeShape>, depth = 0): string | null {
  const type = types.get(wish.type)
  if (type === undefined || depth > NESTING_MAX) return null
  const inner = (oid: string, typmod = -1, label = wish.label, ordinal = wish.ordinal): string | null =>
    generateValue({ type: oid, typmod, label, ordinal, place: wish.place }, types, depth + 1)
  if (type.kind === 'd' && type.base !== null) return inner(type.base, type.typmod)
  if (type.labels !== null) return type.labels[wish.ordinal % type.labels.length] ?? null
  if (type.attributes !== null) {
    const parts = type.attributes.map(({ type: oid, typmod, name }) => inner(oid, typmod, name))
    return `(${parts.map((part) => (part === null ? '' : quoted(part))).join(',')})`
  }
  if (type.element !== null) {
    const element = inner(type.element, wish.typmod)
    return element === null ? '{}' : `{${quoted(element)}}`
  }
  if (type.subtype !== null) {
    // Ten apart, five wide: the ranges of two rows never overlap, which an exclusion constraint may ask.
    const low = inner(type.subtype, -1, wish.label, wish.ordinal * 10)
    const high = inner(type.subtype, -1, wish.label, wish.ordinal * 10 + 5)
    return low === null || high === null ? 'empty' : `[${quoted(low)},${quoted(high)})`
  }
  if (type.range !== null) return `{${inner(type.range) ?? ''}}`
  const text = baseValue(type.name, wish)
  return text === null ? null : fit(type.name, text, wish)
}

/** Escapes for array and composite literals, which both take double quotes and backslashes so. */
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`

/** `varchar(12)` has room for 12: the number is kept, the words are cut. */
function fit(type: string, text: string, { typmod, ordinal }: ValueWish): string {
  if (type !== 'varchar' && type !== 'bpchar') return text
  const lengthMax = typmod >= 4 ? typmod - 4 : type === 'bpchar' ? 1 : Infinity
  if (text.length <= lengthMax) return text
  const number = ordinal.toString(36)
  return number.length >= lengthMax ? number.slice(-lengthMax) : `${text.slice(0, lengthMax - number.length)}${number}`
}

function baseValue(type: string, { label, place, ordinal, typmod }: ValueWish): string | null {
  const hash = (): string => createHash('sha256').update(`${place}.${label}:${ordinal}`).digest('hex')
  const start = endsLater.test(label) ? LAST_DAY_MS : FIRST_DAY_MS
  const instant = new Date(start + ordinal * HOUR_MS).toISOString()
  switch (type) {
    case 'int2': case 'int4': case 'int8': case 'oid': case 'xid8': case 'xid': case 'cid': return String(ordinal)
    case 'float4': case 'float8': return `${ordinal}.5`
    case 'numeric': return numericOf(ordinal, typmod)
    case 'money': return `${ordinal}.25`
    case 'text': case 'varchar': case 'bpchar': case 'citext': case 'name': return textOf(label, place, ordinal)
    case 'char': return String.fromCodePoint(97 + (ordinal % 26))
    case 'bool': return ordinal % 2 === 0 ? 'false' : 'true'
    case 'uuid': return uuidOf(hash())
    case 'date': return new Date(start + ordinal * DAY_MS).toISOString().slice(0, 10)
    case 'timestamptz': case 'timestamp': return instant
    case 'time': case 'timetz': return `${String(ordinal % 24).padStart(2, '0')}:${String(ordinal % 60).padStart(2, '0')}:00+00`
    case 'interval': return `${ordinal} hours`
    case 'json': case 'jsonb': return JSON.stringify({ [label]: ordinal })
    case 'jsonpath': return `$."${ordinal}"`
    case 'bytea': return String.raw`\x${hash()}`
    case 'inet': return `10.${(ordinal >> 16) & 255}.${(ordinal >> 8) & 255}.${ordinal & 255}`
    case 'cidr': return `10.${(ordinal >> 8) & 255}.${ordinal & 255}.0/24`
    case 'macaddr': return `02:00:00:00:${hexByte(ordinal >> 8)}:${hexByte(ordinal)}`
    case 'macaddr8': return `02:00:00:00:00:00:${hexByte(ordinal >> 8)}:${hexByte(ordinal)}`
    case 'bit': return ordinal.toString(2).padStart(typmod, '0').slice(-Math.max(typmod, 1))
    case 'varbit': return ordinal.toString(2).slice(-(typmod > 0 ? typmod : 64))
    case 'tsvector': return `'${label.replaceAll(/\W/g, '')}${ordinal}':1`
    case 'tsquery': return `'word${ordinal}'`
    case 'xml': return `<row>${ordinal}</row>`
    case 'point': return `(${ordinal},${ordinal})`
    case 'line': return `{1,1,${ordinal}}`
    case 'lseg': case 'path': return `[(0,0),(${ordinal},1)]`
    case 'box': return `(${ordinal * 10 + 1},1),(${ordinal * 10},0)`
    case 'polygon': return `((0,0),(0,1),(${ordinal},1))`
    case 'circle': return `<(${ordinal * 10},0),1>`
    case 'pg_lsn': return `0/${ordinal.toString(16).toUpperCase()}`
    case 'pg_snapshot': case 'txid_snapshot': return `${ordinal}:${ordinal}:`
    case 'tid': return `(${ordinal},1)`
    case 'regclass': return 'pg_catalog.pg_class'
    case 'regtype': return 'text'
    case 'regrole': return 'postgres'
    case 'regnamespace': return 'pg_catalog'
    case 'ltree': return `row${ordinal}`
    case 'hstore': return `"row"=>"${ordinal}"`
    case 'vector': case 'halfvec': return `[${Array.from({ length: Math.max(typmod, 1) }, (_, at) => (at === 0 ? ordinal : 0)).join(',')}]`
    case 'geometry': case 'geography': return `POINT(${ordinal % 90} ${ordinal % 90})`
    default: return null
  }
} // prettier-ignore

const hexByte = (number: number): string => (number & 255).toString(16).padStart(2, '0')

/** Version 4, variant 1: a column may check for either. */
export const uuidOf = (hash: string): string =>
  `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`

function numericOf(ordinal: number, typmod: number): string {
  if (typmod < 4) return `${ordinal}.5`
  const precision = ((typmod - 4) >> 16) & 0xffff
  const scale = ((typmod - 4) & 0x7ff) > 1023 ? 0 : (typmod - 4) & 0x7ff
  const whole = precision - scale
  return whole <= 0 ? `0.${String(ordinal).padStart(scale, '0').slice(-scale)}` : String(ordinal % 10 ** whole)
}

/** What a name promises, so that most checks of form hold at the first try. */
function textOf(label: string, place: string, ordinal: number): string {
  if (/e_?mail/i.test(label)) return `person${ordinal}@example.com`
  if (/url|link|website|href|endpoint/i.test(label)) return `https://example.com/${ordinal}`
  if (/domain|host/i.test(label)) return `row${ordinal}.example.com`
  if (/phone|mobile/i.test(label)) return `+1555${String(1_000_000 + ordinal)}`
  if (/slug|subdomain|handle|username/i.test(label)) return `row-${ordinal}`
  if (/currency/i.test(label)) return 'EUR'
  if (/country/i.test(label)) return 'DE'
  if (/locale|language/i.test(label)) return 'en'
  if (/time_?zone/i.test(label)) return 'UTC'
  return `${label} of ${place} ${ordinal}`
}
