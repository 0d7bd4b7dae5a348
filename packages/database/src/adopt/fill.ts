// How organization_id gets into the rows: into new ones by a trigger while the application writes without it, into old
// ones by the backfill, and then proven, so that NOT NULL needs no scan under its lock.
import { RowhouseError } from '@rowhouse/contracts'
import type { ClientBase } from 'pg'
import { escapeLiteral } from 'pg'
import { analyseExpression, parentExpression } from './expression.ts'
import type { Expression } from './expression.ts'
import type { AdoptOptions } from './options.ts'
import { quote } from './names.ts'
import { statement } from './step.ts'
import type { Statement, Step } from './step.ts'
import type { Table } from './facts.ts'

export interface Source {
  /** Null where the column is there and full: nothing is filled. */
  readonly expression: Expression | null
  /** The old column that always equals organization_id, and stays. */
  readonly mirror: string | null
}

const FILLED = 'rowhouse_organization_filled'
/** The name that protect() gives it. */
const EXISTS = 'rowhouse_organization_exists'
const MIRRORED = 'rowhouse_mirrors_organization'
const triggers = ['~rowhouse_fill_insert', '~rowhouse_fill_update'] as const

const organizationColumn = (table: Table): Table['columns'][number] | undefined =>
  table.columns.find(({ name }) => name === 'organization_id')

/** @throws RowhouseError adopt_source_missing, adopt_expression_invalid */
export async function chooseSource(
  client: ClientBase,
  table: Table,
  given: string,
  adopted: ReadonlySet<number>,
  options: AdoptOptions,
): Promise<Source> {
  const text = options.from?.[given]
  if (text !== undefined) {
    const expression = await analyseExpression(client, table, text)
    const mirror = expression.column
    const canMirror = mirror !== null && !mirror.generated && mirror.name !== 'organization_id'
    return { expression, mirror: canMirror ? mirror.name : null }
  }
  const references = table.references.filter(
    ({ target, targetIsProtected }) => (adopted.has(target) && target !== table.oid) || targetIsProtected,
  )
  const parent = options.parent?.[given]
  if (parent !== undefined) {
    const reference = references.find(({ columns }) => columns.includes(parent))
    if (reference !== undefined) return { expression: parentExpression(table, reference), mirror: null }
    throw new RowhouseError(
      'adopt_source_missing',
      `The column ${parent} of ${table.qualified} refers to no table that is adopted too, or protected.`,
    )
  }
  if (organizationColumn(table) !== undefined) return { expression: null, mirror: null }
  const sure = references.filter(({ isNotNull }) => isNotNull)
  const [only] = sure
  if (only !== undefined && sure.length === 1) return { expression: parentExpression(table, only), mirror: null }
  throw new RowhouseError(
    'adopt_source_missing',
    `Nothing says whose the rows of ${table.qualified} are${sure.length > 1 ? `: ${sure.map(({ name }) => name).join(' or ')}` : ''}.`,
    { details: { candidates: references.map(({ columns }) => columns.join(', ')) } },
  )
}

const functionName = (table: Table): string => `rowhouse_adopt.${quote(`fill_${table.oid}`)}`

/** The column, and the trigger that fills it from now on. */
export function addColumn(table: Table): Step[] {
  if (organizationColumn(table) !== undefined) return []
  return [
    {
      table: table.qualified,
      name: 'add organization_id',
      mode: 'short',
      statements: [
        statement.exclusive(`alter table ${table.qualified} add column organization_id uuid`, table.qualified),
      ],
      undo: [`alter table ${table.qualified} drop column if exists organization_id`],
    },
  ]
}

export function fillNewRows(table: Table, { expression, mirror }: Source): Step[] {
  if (expression === null) return []
  const type = table.columns.find(({ name }) => name === mirror)?.type
  const body = `
#variable_conflict use_column
begin
  new.organization_id := coalesce((select (${expression.sql}) from (select new.*) as ${quote(table.name)}), new.organization_id, rowhouse.organization_id());${
    mirror === null
      ? ''
      : `\n  new.${quote(mirror)} := coalesce(new.${quote(mirror)}, new.organization_id::${type ?? 'uuid'});`
  }
  return new;
end`
  const trigger = (name: string, event: string, condition: string): Statement[] => [
    statement.noWrites(
      `create trigger ${quote(name)} before ${event} on ${table.qualified} for each row when (${condition}) execute function ${functionName(table)}()`,
      table.qualified,
    ),
    statement.noWrites(`alter table ${table.qualified} enable always trigger ${quote(name)}`, table.qualified),
  ]
  return [
    {
      table: table.qualified,
      name: 'fill new rows',
      mode: 'short',
      statements: [
        statement.none(
          `create function ${functionName(table)}() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = off as ${escapeLiteral(body)}`,
        ),
        statement.none(`revoke all on function ${functionName(table)}() from public`),
        ...trigger(
          triggers[0],
          'insert',
          `new.organization_id is null${mirror === null ? '' : ` or new.${quote(mirror)} is null`}`,
        ),
        // The backfill sets organization_id itself, and is not to pay for this.
        ...trigger(triggers[1], 'update', 'new.organization_id is not distinct from old.organization_id'),
      ],
      undo: dropFill(table).map(({ sql }) => sql),
    },
  ]
}

const dropFill = (table: Table): Statement[] => [
  ...triggers.map((name) =>
    statement.exclusive(`drop trigger if exists ${quote(name)} on ${table.qualified}`, table.qualified),
  ),
  statement.none(`drop function if exists ${functionName(table)}()`),
]

/** One transaction a batch; the statements shown are the shape of each. */
export function backfillRows(table: Table, { expression }: Source, orphansTo: string | null): Step[] {
  if (organizationColumn(table)?.notNull === true && expression === null) return []
  const key = table.keys.find(({ isPrimary }) => isPrimary)
  const shape =
    expression === null
      ? `select count(*) from ${table.qualified} where organization_id is null`
      : `update ${table.qualified} set organization_id = (${expression.sql}) where ctid between … and … and organization_id is null`
  return [
    {
      table: table.qualified,
      name: 'backfill',
      mode: 'backfill',
      statements: [statement.rows(shape, table.qualified)],
      undo: [],
      backfill: {
        oid: table.oid,
        alias: table.name,
        expression: expression?.sql ?? null,
        keyColumns: key?.columns ?? [],
        orphansTo,
      },
    },
  ]
}

const check = (table: Table, name: string, condition: string): Step[] => [
  {
    table: table.qualified,
    name: `check ${name}`,
    mode: 'short',
    statements: [
      statement.exclusive(
        `alter table ${table.qualified} add constraint ${quote(name)} ${condition} not valid`,
        table.qualified,
      ),
    ],
    undo: [`alter table ${table.qualified} drop constraint if exists ${quote(name)}`],
  },
  {
    table: table.qualified,
    name: `validate ${name}`,
    mode: 'long',
    statements: [statement.scan(`alter table ${table.qualified} validate constraint ${quote(name)}`, table.qualified)],
    undo: [],
  },
]

/** NOT NULL, proven by a check first; the reference to organizations; the old column's equality. */
export function proveRows(table: Table, { mirror }: Source): Step[] {
  const steps: Step[] = []
  const alter = (clause: string): Statement =>
    statement.exclusive(`alter table ${table.qualified} ${clause}`, table.qualified)
  if (organizationColumn(table)?.notNull !== true)
    steps.push(...check(table, FILLED, 'check (organization_id is not null)'), {
      table: table.qualified,
      name: 'organization_id is not null',
      mode: 'short',
      statements: [alter('alter column organization_id set not null'), alter(`drop constraint ${quote(FILLED)}`)],
      undo: [`alter table ${table.qualified} alter column organization_id drop not null`],
    })
  if (table.filledBy.length === 0) {
    steps.push(
      {
        table: table.qualified,
        name: `reference ${EXISTS}`,
        mode: 'short',
        statements: [
          statement.noWrites(
            `alter table ${table.qualified} add constraint ${EXISTS} foreign key (organization_id) references rowhouse.organizations (id) not valid`,
            `${table.qualified} and rowhouse.organizations`,
          ),
        ],
        undo: [
          // In the order in which a sealed transaction comes to them.
          'lock table rowhouse.organizations in access exclusive mode',
          `alter table ${table.qualified} drop constraint if exists ${EXISTS}`,
        ],
      },
      {
        table: table.qualified,
        name: `validate ${EXISTS}`,
        mode: 'long',
        statements: [statement.scan(`alter table ${table.qualified} validate constraint ${EXISTS}`, table.qualified)],
        undo: [],
      },
    )
  }
  if (mirror !== null) steps.push(...check(table, MIRRORED, `check (${quote(mirror)}::uuid = organization_id)`))
  return steps
}

/** From now on the seal says whose a new row is, whichever of the two columns the application names. */
export function handOver(table: Table, { expression, mirror }: Source): Statement[] {
  const type = table.columns.find(({ name }) => name === mirror)?.type
  return [
    ...(expression === null ? [] : dropFill(table)),
    ...(mirror === null
      ? []
      : [
          statement.exclusive(
            `alter table ${table.qualified} alter column ${quote(mirror)} set default ${type === 'uuid' ? 'rowhouse.organization_id()' : `(rowhouse.organization_id())::${type}`}`,
            table.qualified,
          ),
        ]),
  ]
}
