// What happens to children when their parent's record goes: their rows and what was agreed on follow, in the transaction
// that takes the parent. Otherwise a foreign key would empty the child's column, which would look like an edit of this
// side, and empty the CRM's as well.
import type { Transaction } from 'rowhouse'
import { referenceField } from '../plan/link.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { OURS, quoteName } from './rows.ts'

export interface ParentMove {
  /** Row of the parent that goes, and of the one that takes its children; null: none does. */
  readonly fromLocal: string
  readonly toLocal: string | null
  readonly fromRemote: string
  readonly toRemote: string | null
}

/** Moves the children of every object that has this one as a parent. */
export async function moveChildren(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  objects: readonly MappedObject[],
  parent: string,
  moves: readonly ParentMove[],
): Promise<void> {
  if (moves.length === 0) return
  for (const child of objects)
    for (const { column, parent: of, reference } of child.references)
      if (of === parent) await moveThose(tx, connectionId, child, column, referenceField(reference), moves)
}

async function moveThose(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  { object, schema, table }: MappedObject,
  column: string,
  field: string,
  moves: readonly ParentMove[],
): Promise<void> {
  const rows = `${quoteName(schema)}.${quoteName(table)}`
  const name = quoteName(column)
  // First what was agreed on, while the rows still say whose children they are.
  await tx.query(
    `update rowhouse_home.sync_links l
     set base = l.base || jsonb_build_object($4::text, p."toRemote")
     from jsonb_to_recordset($1::jsonb) as p("fromLocal" uuid, "fromRemote" text, "toRemote" text), ${rows} t
     where ${OURS} and t.${name} = p."fromLocal" and l.connection_id = $2 and l.object = $3 and l.local_id = t.id::text
       and l.base ->> $4 = p."fromRemote"`,
    [JSON.stringify(moves), connectionId, object, field],
  )
  await tx.query(
    `update ${rows} t set ${name} = p."toLocal"
     from jsonb_to_recordset($1::jsonb) as p("fromLocal" uuid, "toLocal" uuid)
     where ${OURS} and t.${name} = p."fromLocal" and p."toLocal" is not null and p."toLocal" <> p."fromLocal"`,
    [JSON.stringify(moves)],
  )
}
