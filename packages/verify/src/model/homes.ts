// The two homes that stand for A's and B's where each organization has a schema, and the others, which are like them.
import type { Model } from './model.ts'

export interface Homes {
  readonly a: string
  readonly b: string
}

/** As Rowhouse calls a home that is a schema. */
const ownName = /^h_[0-9a-f]{16}$/

/** Of the schemas that are one for each tenant, the first two by name among those that are the most alike. */
export function homesOf({ rowhouse, tenantSchemas }: Model): (Homes & { readonly others: readonly string[] }) | null {
  const own = rowhouse ? tenantSchemas.filter(({ name }) => ownName.test(name)) : []
  const sorted = (own.length > 1 ? own : tenantSchemas).toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const [alike = []] = [...Map.groupBy(sorted, ({ shape }) => shape).values()].toSorted(
    (one, other) => other.length - one.length,
  )
  const [a, b] = (alike.length > 1 ? alike : sorted).map(({ name }) => name)
  if (a === undefined || b === undefined) return null
  return { a, b, others: sorted.map(({ name }) => name).filter((name) => name !== a && name !== b) }
}
