// Looks whether every planted reference leads somewhere.
import type { ClientBase } from 'pg'

import type { NotCovered } from '../../report/report.ts'
import { ident, literal, qualified } from '../quote.ts'
import { tableName } from './describe-tables.ts'
import type { Shapes, TableShape } from './describe-tables.ts'

/** Replica mode checks no foreign key, so they are checked here. */
export async function danglingReferences(
  client: ClientBase,
  tables: readonly TableShape[],
  shapes: Shapes,
): Promise<NotCovered[]> {
  const byOid = new Map(shapes.tables.map((table) => [table.oid, table]))
  const tests = tables.flatMap((table) =>
    table.references.flatMap((reference) => {
      const parent = byOid.get(reference.table)
      if (parent === undefined) return []
      const join = reference.columns
        .map((column, at) => `p.${ident(reference.targets[at] as string)} = c.${ident(column)}`)
        .join(' and ')
      const known = reference.columns.map((column) => `c.${ident(column)} is not null`).join(' and ')
      const sql = `select ${literal(`foreign key ${reference.name} on ${tableName(table)}`)} as broken where exists (select from ${qualified(table.schema, table.name)} c where ${known}
        and not exists (select from ${qualified(parent.schema, parent.name)} p where ${join}))`
      return [sql]
    }),
  )
  const broken: NotCovered[] = []
  for (let start = 0; start < tests.length; start += REFERENCES_A_QUERY) {
    const { rows } = await client.query<{ broken: string }>(
      tests.slice(start, start + REFERENCES_A_QUERY).join('\nunion all\n'),
    )
    broken.push(
      ...rows.map(({ broken }) => ({
        object: broken,
        probe: 'plant',
        reason: 'a planted row refers to none: references in a circle could not be met',
      })),
    )
  }
  return broken
}

const REFERENCES_A_QUERY = 100
