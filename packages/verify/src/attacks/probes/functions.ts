// Functions and procedures, called with A's and B's ids, B's texts, and texts that break out of a literal. A function
// that runs as its owner sees all rows; what it answers must not depend on B's.
import { literal, qualified } from '../quoting.ts'
import type { Argument, CallableFunction } from '../surface/functions.ts'
import type { Row } from '../witness.ts'
import type { Probe } from './probe.ts'

/** Most calls of one function. */
const CALLS_MAX = 32
/** Rows of B that one function is baited with. */
const BAITS_MAX = 12
/** Relations that one function is asked for by name. */
const RELATIONS_MAX = 4

export interface Bait {
  readonly organizations: { readonly a: string; readonly b: string }
  /** Schemas that hold somebody's rows: an argument may name one. */
  readonly schemas: readonly string[]
  /** Rows of B, one a relation. */
  readonly rows: readonly { readonly relation: string; readonly row: Row }[]
}

const tenantName = /(org|organi[sz]ation|tenant|account|workspace|team|company|customer)/i
const breakouts = ["' or true --", "x') or true --", '%', "' union select null --"]

/** As in findings: `function public.f(uuid)`. */
export const objectOfFunction = ({ isProcedure, isAggregate, signature }: CallableFunction): string =>
  `${isProcedure ? 'procedure' : isAggregate ? 'aggregate' : 'function'} ${signature}`

export function functionProbes(fn: CallableFunction, bait: Bait): Probe[] {
  const object = objectOfFunction(fn)
  const verb = fn.isProcedure ? 'call' : fn.isAggregate ? 'select' : 'select * from'
  const seen = new Set<string>()
  const probes: Probe[] = []
  for (const { values, givesB } of argumentLists(fn.arguments, fn.source, bait)) {
    const given = values.join(', ')
    if (seen.has(given) || probes.length >= CALLS_MAX) continue
    seen.add(given)
    const call = `${qualified(fn.schema, fn.name)}(${given})`
    probes.push({
      name: `call ${probes.length + 1}`,
      family: 'function',
      object,
      callable: fn.oid,
      sql: `${verb} ${call}`,
      writes: true,
      givesB,
    })
  }
  return probes
}

interface Arguments {
  readonly values: readonly string[]
  /** Whether one of them is B's. */
  readonly givesB: boolean
}

/** Lists of literals, the likeliest to tell first. */
function* argumentLists(formal: readonly Argument[], source: string, bait: Bait): Generator<Arguments> {
  const cast = (argument: Argument, value: string | null): string => `${literal(value)}::${argument.type}`
  const fill = (choose: (argument: Argument) => string | null | undefined, ofB = false): Arguments => {
    const chosen = formal.map(choose)
    return {
      values: formal.map((argument, place) => cast(argument, chosen[place] ?? plainOf(argument, chosen[place]))),
      givesB: ofB && chosen.some((value) => typeof value === 'string' && value !== bait.organizations.a),
    }
  }
  const plainOf = (argument: Argument, chosen: null | undefined): string | null =>
    chosen === undefined ? plain(argument) : null
  const byName = (row: Row, argument: Argument): string | null | undefined => {
    const bare = argument.name.replace(/^(p|_|in|arg|v|target|the)_+/i, '').replace(/^_+|_+$/g, '')
    const column = Object.keys(row).find((name) => name === bare || name === argument.name)
    return column === undefined ? undefined : row[column]
  }
  const isTenants = ({ type, name }: Argument): boolean => /^uuid(\[\])?$/.test(type) || tenantName.test(name)
  const keys = keysIn(source)
  const ofOrganization =
    (organization: string) =>
    (argument: Argument): string | null | undefined =>
      isJson(argument)
        ? JSON.stringify(Object.fromEntries(keys.map((key) => [key, organization])))
        : isTenants(argument)
          ? fits(argument, organization)
          : undefined
  yield fill(ofOrganization(bait.organizations.b), true)
  if (formal.length === 0) return
  yield fill(ofOrganization(bait.organizations.a))
  if (formal.some(({ category }) => category === 'S')) {
    const names = bait.rows.slice(0, RELATIONS_MAX).map(({ relation }) => relation)
    for (const text of [...breakouts, ...names, ...bait.schemas])
      yield fill((argument) => (argument.category === 'S' ? text : undefined))
  }
  // What the function speaks of comes first.
  const { spokenOf = [], others = [] } = Object.groupBy(bait.rows, ({ relation }) =>
    source.includes(relation.slice(relation.indexOf('.') + 1)) ? 'spokenOf' : 'others',
  )
  for (const { row } of [...spokenOf, ...others].slice(0, BAITS_MAX)) {
    // The argument that is named like a column takes its value; other ids take the row's own id.
    const id =
      row['id'] ??
      Object.values(row).find(
        (value) => value !== null && /^[0-9a-f-]{36}$/.test(value) && value !== bait.organizations.b,
      )
    for (const organization of [bait.organizations.b, bait.organizations.a]) {
      yield fill((argument) => {
        if (isJson(argument))
          return JSON.stringify(
            Object.fromEntries(
              keys.map((key) => [key, row[key] ?? (tenantName.test(key) ? organization : id) ?? null]),
            ),
          )
        if (tenantName.test(argument.name)) return fits(argument, organization)
        return fits(
          argument,
          byName(row, argument) ?? (/^uuid(\[\])?$/.test(argument.type) || argument.category === 'N' ? id : undefined),
        )
      }, true)
    }
    const text = Object.values(row).find(
      (value) => value !== null && value.length > 3 && !/^[0-9a-f-]{36}$/.test(value),
    )
    if (text !== undefined && formal.some(({ category }) => category === 'S'))
      yield fill((argument) => (argument.category === 'S' ? text : fits(argument, id)), true)
  }
  yield fill(() => null)
}

const isJson = ({ type }: Argument): boolean => /^jsonb?$/.test(type)

/** What a body asks of an object that it is given: `p ->> 'workspace'`. */
const keysIn = (source: string): string[] => [
  ...new Set([...source.matchAll(/->>?\s*'([^']+)'/g)].map(([, key]) => key as string)),
]

/** The value, where the argument's type can take it; in an array alone. */
function fits({ type, category }: Argument, value: string | null | undefined): string | null | undefined {
  if (value === undefined || value === null) return undefined
  if (/^(uuid|text|character varying)\[\]$/.test(type))
    return type === 'uuid[]' && fits({ type: 'uuid', category: 'U', name: '' }, value) === undefined
      ? undefined
      : `{"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"}`
  if (type === 'uuid') return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? value : undefined
  if (category === 'N') return /^-?\d+$/.test(value) ? value : undefined
  return category === 'S' ? value : undefined
}

function plain({ type, category }: Argument): string | null {
  if (category === 'S') return 'x'
  if (category === 'N' && !/^reg|oid/.test(type)) return '1'
  if (category === 'B') return 'true'
  if (category === 'A') return '{}'
  if (/^jsonb?$/.test(type)) return '{}'
  if (type === 'date' || type.startsWith('timestamp')) return '2020-01-01'
  if (category === 'T') return '1 second'
  return null
}
