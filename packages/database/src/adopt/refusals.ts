// What cannot be adopted, said before anything is changed.
import { RowhouseError } from '@rowhouse/contracts'
import type { AdoptOptions } from './options.ts'
import type { Table } from './facts.ts'

/**
 * @throws RowhouseError adopt_not_a_table, adopt_key_unsupported, adopt_column_taken, adopt_published, adopt_already_protected,
 *   login_lacks_privilege
 */
export function checkTable(table: Table, options: AdoptOptions): void {
  checkKind(table)
  checkColumn(table)
  checkKeys(table)
  if (table.publications.length > 0 && options.published !== true)
    throw new RowhouseError(
      'adopt_published',
      `The table ${table.qualified} is in the publication ${table.publications.join(', ')}.`,
      {
        details: { publications: table.publications },
        hint: 'Subscribers stop at a column that they lack: alter table … add column organization_id uuid there first, then adopt with --published.',
      },
    )
}

function checkKind(table: Table): void {
  const refuse = (reason: string, hint: string): RowhouseError =>
    new RowhouseError('adopt_not_a_table', `${table.qualified} ${reason}.`, { hint })
  if (['rowhouse', 'rowhouse_home', 'pg_catalog', 'information_schema'].includes(table.schema))
    throw refuse('belongs to a schema that is not for tenants', 'Name a table of the application.')
  if (table.kind === 'p' || table.inherits)
    throw refuse(
      'is partitioned, a partition, or inherits',
      'Postgres swaps no key of a partitioned table online: make a protected table beside it, copy, and rename.',
    )
  if (table.kind !== 'r') throw refuse('is not a table', 'Name the table itself.')
  if (table.persistence === 't') throw refuse('is a temporary table', 'Name a permanent table.')
  if (table.isProtected)
    throw new RowhouseError('adopt_already_protected', `The table ${table.qualified} is protected already.`)
  if (!table.mayOwn)
    throw new RowhouseError(
      'login_lacks_privilege',
      `The table ${table.qualified} belongs to ${table.owner}, and this login may not act as that role.`,
      { hint: `grant "${table.owner}" to current_user, or connect as ${table.owner} or a superuser.` },
    )
}

function checkColumn(table: Table): void {
  const column = table.columns.find(({ name }) => name === 'organization_id')
  if (column === undefined) return
  if (column.type !== 'uuid' || column.generated)
    throw new RowhouseError(
      'adopt_column_taken',
      `${table.qualified} has a column organization_id of type ${column.type}${column.generated ? ', generated' : ''}.`,
      {
        hint: `Rename it, and name it in --from: alter table ${table.qualified} rename column organization_id to old_organization_id`,
      },
    )
}

function checkKeys(table: Table): void {
  const refuse = (reason: string, hint: string): RowhouseError =>
    new RowhouseError('adopt_key_unsupported', `${table.qualified} ${reason}.`, { hint })
  if (!table.keys.some(({ isPrimary }) => isPrimary))
    throw refuse(
      'has no primary key',
      'Give it one first. Of a column that is unique already: create unique index concurrently …; alter table … add primary key using index …',
    )
  if (table.exclusions.length > 0)
    throw refuse(
      `has the exclusion constraint ${table.exclusions.join(', ')} without organization_id`,
      'Postgres cannot make one online: drop it, adopt, and add it with organization_id with = (extension btree_gist).',
    )
  for (const key of table.keys)
    if (key.views.length > 0 && key.columns[0] !== 'organization_id')
      throw refuse(
        `has the views ${key.views.join(', ')}, which lean on its key ${key.name}`,
        'Name every column in their GROUP BY, so that they no longer need the key.',
      )
  for (const { name, definition, head } of table.indexes)
    if (!definition.startsWith(head))
      throw refuse(
        `has the unique index ${name}, whose definition could not be read`,
        'Drop it, and make it again afterwards.',
      )
  for (const { name, columns, onUpdate, match } of table.references)
    if (['n', 'd'].includes(onUpdate) || (match === 'f' && columns.length > 1))
      throw refuse(
        `has the foreign key ${name}, whose ON UPDATE or MATCH FULL would null organization_id`,
        'Make it ON UPDATE NO ACTION and MATCH SIMPLE.',
      )
}
