// What the catalogue says of the tables to adopt, read once before a plan is made. Looks, changes nothing.
import type { ClientBase } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { adoptFacts, adoptResolve } from '../generated/queries.ts'

export interface Column {
  readonly name: string
  readonly type: string
  readonly notNull: boolean
  readonly generated: boolean
  readonly default: string | null
}

/** A primary key or unique constraint. */
export interface Key {
  readonly name: string
  readonly isPrimary: boolean
  readonly columns: readonly string[]
  readonly index: string
  readonly deferrable: boolean
  readonly deferred: boolean
  readonly included: readonly string[]
  readonly nullsNotDistinct: boolean
  /** Views that lean on the key (`group by` it), which would go with it. */
  readonly views: readonly string[]
}

/** A unique index that is no constraint's. */
export interface UniqueIndex {
  readonly name: string
  readonly first: readonly string[]
  readonly definition: string
  /** The definition up to its first column. */
  readonly head: string
  /** The same from ` on` to the bracket. */
  readonly on: string
}

export interface Reference {
  readonly name: string
  readonly columns: readonly string[]
  readonly target: number
  readonly targetName: string
  readonly targetColumns: readonly string[]
  readonly targetIsProtected: boolean
  readonly isNotNull: boolean
  /** As pg_constraint has them: a no action, r restrict, c cascade, n set null, d set default. */
  readonly onDelete: string
  readonly onDeleteColumns: readonly string[]
  readonly onUpdate: string
  readonly match: string
  readonly deferrable: boolean
  readonly deferred: boolean
}

export interface Table {
  readonly oid: number
  readonly name: string
  readonly schema: string
  /** Schema and name, each quoted where SQL needs it. */
  readonly qualified: string
  readonly kind: string
  readonly persistence: string
  readonly inherits: boolean
  readonly owner: string
  readonly mayOwn: boolean
  /** As statistics estimate it. */
  readonly rows: number
  readonly pages: number
  readonly isProtected: boolean
  readonly rowSecurity: boolean
  readonly forced: boolean
  readonly identity: string
  readonly identityIndex: string | null
  readonly columns: readonly Column[]
  readonly keys: readonly Key[]
  readonly exclusions: readonly string[]
  /** Names that a new constraint or index may not have. */
  readonly takenNames: readonly string[]
  /** Validated foreign keys of organization_id to rowhouse.organizations. */
  readonly filledBy: readonly string[]
  readonly indexes: readonly UniqueIndex[]
  /** Columns of each index that covers the whole table; expressions are left out. */
  readonly indexed: readonly (readonly string[])[]
  readonly references: readonly Reference[]
  readonly referencedBy: readonly { readonly oid: number; readonly table: string }[]
  readonly policies: readonly { readonly name: string; readonly definition: string }[]
  /** Triggers of the user's that fire on any update. */
  readonly triggers: readonly string[]
  readonly publications: readonly string[]
}

/** The oids of the names, as search_path finds them. @throws RowhouseError adopt_not_a_table */
export async function resolveTables(client: ClientBase, names: readonly string[]): Promise<number[]> {
  await client.query('begin; set local search_path to default')
  let rows: { name: string; oid: string | null }[]
  try {
    ;({ rows } = await client.query<{ name: string; oid: string | null }>(adoptResolve, [names]))
  } finally {
    await client.query('rollback')
  }
  return rows.map(({ name, oid }) => {
    if (oid === null) throw new RowhouseError('adopt_not_a_table', `There is no table ${name}.`)
    return Number(oid)
  })
}

/** Facts in the order of the oids. The client's search_path is pg_catalog. */
export async function readFacts(client: ClientBase, oids: readonly number[]): Promise<Table[]> {
  const { rows } = await client.query<{ facts: Table }>(adoptFacts, [oids])
  return rows.map(({ facts }) => facts)
}
