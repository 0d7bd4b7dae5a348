// What every probe of a relation starts from: its name as SQL, a row of A and a row of B, and conditions that name them.
import type { Arena, Ownership } from '../arena.ts'
import { ident, literal, qualified } from '../quoting.ts'
import type { Column, Relation } from '../surface/relations.ts'
import { nameOf, primaryKey } from '../surface/relations.ts'
import type { Row, Witness } from '../witness.ts'
import type { Family, Probe } from './probe.ts'

const kinds = { r: 'table', p: 'table', v: 'view', m: 'materialized view', f: 'foreign table' } as const

/** As in findings: `table public.contacts`. */
export const objectOf = (relation: Relation): string => `${kinds[relation.kind]} ${nameOf(relation)}`

export interface Target {
  readonly relation: Relation
  /** Quoted and qualified. */
  readonly sql: string
  /** As in findings: `table public.contacts`. */
  readonly object: string
  readonly owner: Ownership | undefined
  readonly a: Row | undefined
  /** Exists in world 0 and, where anything does, not in world 1. */
  readonly b: Row | undefined
  readonly organizations: Arena['organizations']
  /** Probes of this relation. */
  readonly probe: (name: string, family: Family, sql: string, rest?: Partial<Probe>) => Probe
}

export function targetOf(relation: Relation, arena: Arena, witness: Witness): Target {
  const own = witness.planted.get(nameOf(relation))
  // A view that filters shows an administrator nothing: its rows are then those of what it reads, in its columns.
  const rows = (whose: 'a' | 'b'): Row | undefined =>
    own?.[whose][0] ?? (relation.kind === 'v' ? projected(relation, whose, witness) : undefined)
  const object = objectOf(relation)
  return {
    relation,
    sql: qualified(relation.schema, relation.name),
    object,
    owner: arena.owners.get(nameOf(relation)),
    a: rows('a'),
    b: rows('b'),
    organizations: arena.organizations,
    probe: (name, family, sql, rest = {}) => ({
      name,
      family,
      object,
      relation: nameOf(relation),
      sql,
      writes: family === 'write' || family === 'constraint' || family === 'privilege',
      ...rest,
    }),
  }
}

/** `id = 'x' and n = 1`: the row of these values, by its key or, without one, by all columns that can be compared. */
export function match(relation: Relation, row: Row): string {
  const key = primaryKey(relation)
  const columns =
    key.length > 0
      ? key
      : comparable(relation)
          .map(({ name }) => name)
          .filter((name) => name in row)
  return columns.map((column) => equals(column, row[column] ?? null)).join(' and ')
}

export const equals = (column: string, value: string | null): string =>
  value === null ? `${ident(column)} is null` : `${ident(column)} = ${literal(value)}`

/** Texts, numbers, ids; json, xml and geometry have no equality. */
export const comparable = (relation: Relation): Column[] =>
  relation.columns.filter(
    ({ type, category }) => 'SUNBDE'.includes(category) && !/^(json|xml|point|polygon)$/.test(type),
  )

/** Columns that a statement may give a value. */
export const writable = (relation: Relation): Column[] => relation.columns.filter(({ isComputed }) => !isComputed)

/** A column whose change breaks nothing: of text, in no key, no reference, not the organization. */
export function harmlessColumn(target: Target): Column | undefined {
  const free = freeColumns(target)
  return (
    free.find(({ category }) => category === 'S') ?? free.find(({ category }) => 'NBD'.includes(category)) ?? free[0]
  )
}

/** Columns in no key, no reference, and not the organization. */
export function freeColumns({ relation, owner }: Target): Column[] {
  const taken = new Set([
    ...relation.keys.flatMap(({ columns }) => columns),
    ...relation.references.flatMap(({ columns }) => columns),
    owner?.tenantColumn,
  ])
  return writable(relation).filter(({ name }) => !taken.has(name))
}

function projected(relation: Relation, whose: 'a' | 'b', witness: Witness): Row | undefined {
  for (const name of relation.reads) {
    const row = witness.planted.get(name)?.[whose][0]
    if (row === undefined) continue
    const columns = relation.columns.filter(({ name }) => name in row)
    if (columns.length > 0) return Object.fromEntries(columns.map(({ name }) => [name, row[name] ?? null]))
  }
  return undefined
}
