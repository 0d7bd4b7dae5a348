// The order in which tables are filled.
import { tableName } from './describe-tables.ts'
import type { Reference, TableShape } from './describe-tables.ts'
import type { Ownerships } from './ownership.ts'

/**
 * Organizations and people first, whom columns name without a reference too; then referenced tables before those that
 * refer to them. A circle is entered anywhere.
 */
export function parentsFirst(tables: readonly TableShape[], model: Ownerships): TableShape[] {
  const byOid = new Map(tables.map((table) => [table.oid, table]))
  const ordered: TableShape[] = []
  const seen = new Set<TableShape>()
  const visit = (table: TableShape): void => {
    if (seen.has(table)) return
    seen.add(table)
    // References that must be filled weigh more: where a circle has to be cut, it is cut at a nullable one.
    const must = (reference: Reference): number =>
      reference.columns.every((name) => table.columns.find((column) => column.name === name)?.notNull) ? 0 : 1
    for (const { table: to } of table.references.toSorted((a, b) => must(a) - must(b))) {
      const parent = byOid.get(to)
      if (parent !== undefined) visit(parent)
    }
    ordered.push(table)
  }
  const isFirst = (table: TableShape): number => [model.tenantTable, model.usersTable].indexOf(tableName(table))
  for (const table of tables.toSorted((a, b) => isFirst(b) - isFirst(a))) visit(table)
  return ordered
}
