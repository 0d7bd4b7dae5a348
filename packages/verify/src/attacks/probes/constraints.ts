// Constraints look past row security: a unique key, an exclusion or a foreign key answers whether a row of B is there.
import { ident, literal } from '../quoting.ts'
import type { Probe } from './probe.ts'
import { freshRow, insertOf } from './rows.ts'
import { match } from './target.ts'
import type { Target } from './target.ts'

export function constraintProbes(
  target: Target,
  rowOfB: (relation: string) => Readonly<Record<string, string | null>> | undefined,
): Probe[] {
  const { sql, relation, a, b, owner, probe } = target
  if (a === undefined || relation.kind === 'v' || relation.kind === 'm') return []
  const probes: Probe[] = []
  const tell = (name: string, text: string): void => {
    probes.push(probe(name, 'constraint', text))
  }
  const tenant = owner?.tenantColumn
  if (b !== undefined) {
    for (const { name, columns, isPlain } of relation.keys) {
      // The attacker writes as itself: the organization stays A's, all else of the key is B's.
      const theirs = Object.fromEntries(
        columns.filter((column) => column !== tenant).map((column) => [column, b[column] ?? null]),
      )
      const row = { ...freshRow(target, a, 2), ...theirs }
      tell(`insert against ${name}`, insertOf(target, row))
      tell(`on conflict do nothing against ${name}`, `${insertOf(target, row)} on conflict do nothing`)
      tell(`on conflict returning against ${name}`, `${insertOf(target, row)} on conflict do nothing returning 1`)
      const assigned = Object.entries(theirs).map(([column, value]) => `${ident(column)} = ${literal(value)}`)
      const own = match(relation, a)
      if (assigned.length > 0 && own !== '')
        tell(`update against ${name}`, `update ${sql} set ${assigned.join(', ')} where ${own}`)
      if (isPlain && columns.length > 0 && assigned.length > 0) {
        tell(
          `upsert against ${name}`,
          `${insertOf(target, row)} on conflict (${columns.map(ident).join(', ')}) do update set ${assigned[0] as string} returning *`,
        )
      }
    }
  }
  for (const { name, columns, target: referenced, targetColumns } of relation.references) {
    const theirs = rowOfB(referenced)
    if (theirs === undefined) continue
    const pairs = columns
      .map((column, place) => [column, theirs[targetColumns[place] as string] ?? null] as const)
      .filter(([column]) => column !== tenant)
    if (pairs.length === 0) continue
    tell(`insert referring by ${name}`, insertOf(target, { ...freshRow(target, a, 3), ...Object.fromEntries(pairs) }))
    const own = match(relation, a)
    if (own !== '')
      tell(
        `update referring by ${name}`,
        `update ${sql} set ${pairs.map(([column, value]) => `${ident(column)} = ${literal(value)}`).join(', ')} where ${own}`,
      )
  }
  return probes
}
