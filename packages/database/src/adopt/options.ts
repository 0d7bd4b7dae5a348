// What adopt may be asked for, checked once before anything is looked at.
import { RowhouseError } from '@rowhouse/contracts'

export interface AdoptOptions {
  /** Tables to adopt, as SQL names them: `contacts`, `crm."Deals"`. */
  readonly tables: readonly string[]
  /**
   * By table, an expression over its row that gives the organization: `tenant_id`, or
   * `(select a.organization_id from accounts a where a.id = account_id)`.
   */
  readonly from?: Readonly<Record<string, string>>
  /**
   * By table, the column of a foreign key to a table that is adopted too, or protected already. @default the only
   * foreign key to such a table whose columns are not null
   */
  readonly parent?: Readonly<Record<string, string>>
  /** Rows that no expression finds an organization for go to this one. @default none: they stop the backfill */
  readonly orphansTo?: string
  /** Options of rowhouse.protect(), the last step. @default {} */
  readonly protect?: Readonly<Record<string, unknown>>
  /** Adopt tables of a publication: the subscribers have the column already. @default false */
  readonly published?: boolean
  /** Let triggers of the table fire in the backfill, where this login cannot hold them back. @default false */
  readonly fireTriggers?: boolean
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** @throws RowhouseError invalid_option */
export function checkOptions(options: AdoptOptions): void {
  const refuse = (message: string): RowhouseError => new RowhouseError('invalid_option', message)
  if (options.tables.length === 0) throw refuse('Name at least one table.')
  if (options.orphansTo !== undefined && !uuid.test(options.orphansTo))
    throw refuse(`orphans-to takes the id of an organization, not ${options.orphansTo}.`)
  for (const option of ['partitions', 'timestamps', 'own'])
    if (options.protect !== undefined && option in options.protect)
      throw refuse(
        `The option ${option} of protect reads or writes the whole table under a lock: not while it is adopted.`,
      )
  for (const given of ['from', 'parent'] as const)
    for (const table of Object.keys(options[given] ?? {}))
      if (!options.tables.includes(table)) throw refuse(`${given} names ${table}, which is not to be adopted.`)
  for (const table of options.tables)
    if (options.from?.[table] !== undefined && options.parent?.[table] !== undefined)
      throw refuse(`Give ${table} either from or parent, not both.`)
}
