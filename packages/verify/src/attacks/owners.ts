// Whose rows a view or a partition shows, where nobody said: it has the column that names the organization in a relation
// that it reads, or belongs to.
import type { Arena, Ownership } from './arena.ts'
import type { Relation } from './surface/relations.ts'
import { nameOf } from './surface/relations.ts'

/** Reading through views of views. */
const DEPTH_MAX = 8

export function inheritOwners(owners: Arena['owners'], relations: readonly Relation[]): ReadonlyMap<string, Ownership> {
  const all = new Map(owners)
  for (let depth = 0; depth < DEPTH_MAX; depth += 1) {
    const before = all.size
    for (const relation of relations) {
      if (all.has(nameOf(relation))) continue
      const inherited = [...relation.parents, ...relation.reads]
        .map((name) => all.get(name))
        .find(
          (owner) => owner?.tenantColumn !== null && relation.columns.some(({ name }) => name === owner?.tenantColumn),
        )
      if (inherited !== undefined) all.set(nameOf(relation), inherited)
    }
    if (all.size === before) break
  }
  return all
}
