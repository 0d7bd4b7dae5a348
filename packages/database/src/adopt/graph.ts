// The order of tables: a table before those that refer to it, because they are filled from it. And whether the graph is
// whole: a table cannot get its new key while one outside of it hangs on the old key.
import { RowhouseError } from '@rowhouse/contracts'
import type { Table } from './facts.ts'

/** @throws RowhouseError adopt_children_missing */
export function checkChildren(tables: readonly Table[]): void {
  const known = new Set(tables.map(({ oid }) => oid))
  const missing = new Set<string>()
  for (const table of tables)
    for (const child of table.referencedBy) if (!known.has(child.oid)) missing.add(child.table)
  if (missing.size === 0) return
  const names = [...tables.map(({ qualified }) => qualified), ...missing]
  throw new RowhouseError(
    'adopt_children_missing',
    `Foreign keys of ${[...missing].join(', ')} refer to ${tables.map(({ qualified }) => qualified).join(', ')}.`,
    {
      details: { missing: [...missing] },
      hint: `Adopt them together: rowhouse adopt ${names.map((name) => `'${name}'`).join(' ')}`,
    },
  )
}

/** Parents first; tables that refer to each other in a ring keep the order they were given in. */
export function orderTables(tables: readonly Table[]): Table[] {
  const ordered: Table[] = []
  const waiting = [...tables]
  while (waiting.length > 0) {
    const free = waiting.findIndex((table) =>
      table.references.every(({ target }) => target === table.oid || !waiting.some((other) => other.oid === target)),
    )
    ordered.push(...waiting.splice(Math.max(free, 0), 1))
  }
  return ordered
}
