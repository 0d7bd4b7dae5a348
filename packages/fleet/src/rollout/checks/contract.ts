// Expand, then contract: old and new code run side by side while a rollout goes through the fleet, so a migration only adds;
// what is no longer used goes in a later one. And no statement may hold a table for as long as reading or rewriting it
// takes. https://www.postgresql.org/docs/18/sql-altertable.html says what each form locks, scans and rewrites.
// Long because each dangerous statement is one entry, with its explanation and the safe way.
import type { Node } from '../migration/parser.ts'
import { everyNode, kindsOf, namesOf, nodeAt, nodesOf, stringAt } from '../migration/tree.ts'
import type { CheckedStatement, Found, Made } from './context.ts'

/** STABLE or IMMUTABLE: the value is computed once, and the table is not rewritten. */
const SAME_FOR_ALL_ROWS = new Set(
  `now transaction_timestamp statement_timestamp current_setting organization_id user_id lower upper to_jsonb
  jsonb_build_object jsonb_build_array json_build_object make_interval make_date array_fill`.split(/\s+/),
)
const SERIAL = new Set(['serial', 'bigserial', 'smallserial', 'serial2', 'serial4', 'serial8'])

export function findContractions({ kind, node }: CheckedStatement, made: Made): Found[] {
  switch (kind) {
    case 'AlterTableStmt':
      return alterations(node, made)
    case 'DropStmt':
      return drops(node, made)
    case 'RenameStmt':
      return renames(node, made)
    case 'IndexStmt':
      return indexes(node, made)
    case 'ReindexStmt':
      return isConcurrent(node)
        ? []
        : [
            blocks(
              'index_without_concurrently',
              'REINDEX holds writers of the table.',
              'Write reindex index concurrently …',
              relationName(node),
            ),
          ]
    case 'AlterDomainStmt':
      // O is SET NOT NULL, C is ADD CONSTRAINT: both read every table that has a column of the domain.
      return stringAt(node, 'subtype') === 'O' ||
        (stringAt(node, 'subtype') === 'C' && nodeAt(nodeAt(node, 'def'), 'Constraint')['skip_validation'] !== true)
        ? [addConstraint('the domain', null)]
        : []
    case 'AlterEnumStmt':
      return stringAt(node, 'oldVal') === '' ? [] : [rename(`the value ${stringAt(node, 'oldVal')}`)]
    case 'LockStmt':
      return [
        {
          check: 'lock_table',
          at: -1,
          message: 'LOCK TABLE stops the organization for as long as the migration runs.',
          instead: 'Leave it out: each statement takes the lock it needs.',
        },
      ]
    case 'VacuumStmt':
      return kindsOf(node['options']).some(([, option]) => stringAt(option, 'defname') === 'full')
        ? [blocks('rewrite_table', 'VACUUM FULL rewrites the table and lets nobody read it.', 'Leave FULL out.', null)]
        : []
    default:
      return []
  }
}

const relationName = (node: Node): string => stringAt(nodeAt(node, 'relation'), 'relname')

/** A statement that reads or rewrites a table while others wait: it matters where the table is large. */
const blocks = (check: Found['check'], message: string, instead: string, table: string | null): Found => ({
  check,
  at: -1,
  message,
  instead,
  ...(table !== null && table !== '' && { onlyIfLarge: table }),
})

const isConcurrent = (node: Node): boolean =>
  kindsOf(node['params']).some(([, option]) => stringAt(option, 'defname') === 'concurrently')

function alterations(node: Node, made: Made): Found[] {
  const table = relationName(node)
  const type = stringAt(node, 'objtype')
  if (made.relations.has(table)) return []
  const commands = kindsOf(node['cmds']).map(([, command]) => command)
  // How large an index or a materialized view is, nobody asks.
  if (type === 'OBJECT_INDEX' || type === 'OBJECT_MATVIEW') {
    return commands.some((command) => REWRITES.has(stringAt(command, 'subtype'))) ? [rewrite(table, null)] : []
  }
  if (!['OBJECT_TABLE', 'OBJECT_TYPE'].includes(type)) return []
  return commands.flatMap((command) => alteration(table, command, made))
}

const REWRITES = new Set(['AT_SetLogged', 'AT_SetUnLogged', 'AT_SetTableSpace', 'AT_SetAccessMethod'])

const rewrite = (relation: string, large: string | null): Found =>
  blocks(
    'rewrite_table',
    `${relation} is rewritten while nobody may read it.`,
    'Do it home by home, outside of a rollout.',
    large,
  )

function alteration(table: string, command: Node, made: Made): Found[] {
  const subtype = stringAt(command, 'subtype')
  if (REWRITES.has(subtype)) return [rewrite(table, table)]
  const column = stringAt(command, 'name')
  const [[, definition] = ['', {} as Node]] = kindsOf([command['def']])
  switch (subtype) {
    case 'AT_AddColumn':
      return addColumn(table, definition)
    case 'AT_DropColumn':
      return [
        {
          check: 'drop_column',
          at: -1,
          message: `${table}.${column} goes, with what it holds, while code that reads it may still run.`,
          instead: 'Stop using it first; drop it in a migration of its own when no running version names it.',
        },
      ]
    case 'AT_AlterColumnType':
      return [
        {
          check: 'change_type',
          at: -1,
          message: `${table}.${column} changes its type: unless the old values fit as they are, the table is rewritten while nobody may read it.`,
          instead:
            'Add a column of the new type, fill it, read from it, and drop the old one later. varchar to text rewrites nothing: allow it.',
          onlyIfLarge: table,
        },
      ]
    case 'AT_SetNotNull':
      return [notNull(table, column)]
    case 'AT_AddConstraint':
      return addedConstraint(table, definition)
    case 'AT_SetExpression':
      return [storedExpression(table, column)]
    case 'AT_ColumnDefault':
      return command['def'] === undefined ? [dropDefault(table, column)] : []
    case 'AT_DropIdentity':
    case 'AT_DropExpression':
      return [dropDefault(table, column)]
    case 'AT_AttachPartition':
      return attachPartition(nodeAt(definition, 'name'), made)
    default:
      return []
  }
}

function addColumn(table: string, definition: Node): Found[] {
  const column = `${table}.${stringAt(definition, 'colname')}`
  const constraints = kindsOf(definition['constraints']).map(([, constraint]) => constraint)
  const typed = new Set(constraints.map((constraint) => stringAt(constraint, 'contype')))
  const type = namesOf(nodeAt(definition, 'typeName')['names']).at(-1) ?? ''
  const fallback = constraints.find((constraint) => stringAt(constraint, 'contype') === 'CONSTR_DEFAULT')
  const found: Found[] = []
  const fillsItself =
    typed.has('CONSTR_DEFAULT') || typed.has('CONSTR_IDENTITY') || typed.has('CONSTR_GENERATED') || SERIAL.has(type)
  if (typed.has('CONSTR_NOTNULL') && !fillsItself) {
    found.push({
      check: 'add_not_null_column',
      at: -1,
      message: `${column} is NOT NULL without a default: it fails in every home whose table holds a row, and old code cannot insert.`,
      instead:
        'Give it a default that is the same for all rows; or add it without NOT NULL, fill it, and add NOT NULL later.',
    })
  }
  if (
    SERIAL.has(type) ||
    typed.has('CONSTR_IDENTITY') ||
    (fallback !== undefined && isVolatile(fallback['raw_expr']))
  ) {
    found.push(
      blocks(
        'volatile_default',
        `The default of ${column} differs from row to row: the table is rewritten while nobody may read it.`,
        'Add the column without a default, then set the default, then fill old rows in batches.',
        table,
      ),
    )
  }
  if (
    constraints.some(
      (constraint) => stringAt(constraint, 'contype') === 'CONSTR_GENERATED' && constraint['generated_kind'] !== 'v',
    )
  ) {
    found.push(storedExpression(table, stringAt(definition, 'colname')))
  }
  if (typed.has('CONSTR_UNIQUE') || typed.has('CONSTR_PRIMARY')) found.push(uniqueConstraint(table))
  // A reference of a column that is empty has nothing to be checked.
  if (typed.has('CONSTR_CHECK') || (typed.has('CONSTR_FOREIGN') && typed.has('CONSTR_DEFAULT')))
    found.push(addConstraint(table, table))
  return found
}

const dropDefault = (table: string, column: string): Found => ({
  check: 'drop_default',
  at: -1,
  message: `${table}.${column} loses what fills it, while code that leaves it out may still insert.`,
  instead: 'Have all running code name the column first; drop the default in a migration of its own.',
})

function attachPartition(partition: Node, made: Made): Found[] {
  const name = stringAt(partition, 'relname')
  if (made.relations.has(name)) return []
  return [
    blocks(
      'add_constraint',
      `Every row of ${name} is read while nobody may read or write it.`,
      'Give it a check of the same bounds NOT VALID, validate that in the next migration, then attach it: allow it.',
      name,
    ),
  ]
}

const isVolatile = (expression: unknown): boolean =>
  [...everyNode(expression)].some(
    ({ key, node }) => key === 'FuncCall' && !SAME_FOR_ALL_ROWS.has(namesOf(node['funcname']).at(-1) ?? ''),
  )

const storedExpression = (table: string, column: string): Found =>
  blocks(
    'stored_expression',
    `${table}.${column} is generated and stored: the table is rewritten while nobody may read it.`,
    'Add a plain column that the application fills; or VIRTUAL, from Postgres 18 on.',
    table,
  )

const notNull = (table: string, column: string): Found =>
  blocks(
    'not_null_without_check',
    `NOT NULL on ${table}.${column} reads the whole table while nobody may read or write it.`,
    `add constraint … check (${column} is not null) not valid; validate it in the next migration; then SET NOT NULL reads nothing: allow it.`,
    table,
  )

const addConstraint = (table: string, large: string | null): Found =>
  blocks(
    'add_constraint',
    `A constraint of ${table} is checked against every row, while nobody may write.`,
    'Add it NOT VALID, and validate it in the next migration.',
    large,
  )

const uniqueConstraint = (table: string): Found =>
  blocks(
    'add_unique',
    `A unique constraint builds its index while nobody may write to ${table}.`,
    'create unique index concurrently …, and in the next migration: add constraint … unique using index …',
    table,
  )

function addedConstraint(table: string, constraint: Node): Found[] {
  switch (stringAt(constraint, 'contype')) {
    case 'CONSTR_CHECK':
    case 'CONSTR_FOREIGN':
      return constraint['skip_validation'] === true ? [] : [addConstraint(table, table)]
    case 'CONSTR_NOTNULL':
      return constraint['skip_validation'] === true ? [] : [notNull(table, namesOf(constraint['keys'])[0] ?? '')]
    case 'CONSTR_PRIMARY':
      return stringAt(constraint, 'indexname') === ''
        ? [
            {
              ...uniqueConstraint(table),
              check: 'add_primary_key',
              message: `A primary key builds its index while nobody may read ${table}.`,
            },
          ]
        : []
    case 'CONSTR_UNIQUE':
      return stringAt(constraint, 'indexname') === '' ? [uniqueConstraint(table)] : []
    case 'CONSTR_EXCLUSION':
      return [
        {
          ...uniqueConstraint(table),
          instead: 'There is no way to build it beside writers: do it when nobody writes.',
        },
      ]
    default:
      return []
  }
}

const DROPS: Readonly<Record<string, readonly [check: Found['check'], what: string]>> = {
  OBJECT_TABLE: ['drop_table', 'The table'],
  OBJECT_SEQUENCE: ['drop_table', 'The sequence'],
  OBJECT_VIEW: ['drop_view', 'The view'],
  OBJECT_MATVIEW: ['drop_view', 'The materialized view'],
  OBJECT_FUNCTION: ['drop_function', 'The function'],
  OBJECT_PROCEDURE: ['drop_function', 'The procedure'],
  OBJECT_AGGREGATE: ['drop_function', 'The aggregate'],
  OBJECT_ROUTINE: ['drop_function', 'The routine'],
  OBJECT_TYPE: ['drop_type', 'The type'],
  OBJECT_DOMAIN: ['drop_type', 'The domain'],
}

function drops(node: Node, made: Made): Found[] {
  const [check, what] = DROPS[stringAt(node, 'removeType')] ?? []
  if (check === undefined) return []
  return nodesOf(node['objects']).flatMap((object) => {
    const name = nameOfObject(object)
    if (made.relations.has(name) || made.functions.has(name)) return []
    return [
      {
        check,
        at: -1,
        message: `${what} ${name} goes, with what it holds, while code that uses it may still run.`,
        instead: 'Stop using it first; drop it in a migration of its own when no running version names it.',
      },
    ]
  })
}

function nameOfObject(object: Node): string {
  const [[kind, inner] = ['', {} as Node]] = kindsOf([object])
  const list = kind === 'List' ? inner['items'] : kind === 'TypeName' ? inner['names'] : inner['objname']
  return namesOf(list).at(-1) ?? ''
}

const RENAMES: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'the table',
  OBJECT_VIEW: 'the view',
  OBJECT_MATVIEW: 'the materialized view',
  OBJECT_COLUMN: 'the column',
  OBJECT_ATTRIBUTE: 'the attribute',
  OBJECT_TYPE: 'the type',
  OBJECT_DOMAIN: 'the domain',
  OBJECT_FUNCTION: 'the function',
  OBJECT_SEQUENCE: 'the sequence',
}

function renames(node: Node, made: Made): Found[] {
  const what = RENAMES[stringAt(node, 'renameType')]
  if (what === undefined || made.relations.has(relationName(node))) return []
  const name = stringAt(node, 'subname') || relationName(node) || nameOfObject(nodeAt(node, 'object'))
  return [rename(`${what} ${name}`)]
}

const rename = (what: string): Found => ({
  check: 'rename',
  at: -1,
  message: `${what} gets another name, and code that uses the old one fails at once.`,
  instead: 'Add the new one beside it, move the code over, and drop the old one later.',
})

function indexes(node: Node, made: Made): Found[] {
  const table = relationName(node)
  if (node['concurrent'] === true || made.relations.has(table)) return []
  return [
    blocks(
      'index_without_concurrently',
      `The index is built while nobody may write to ${table}.`,
      'Write create index concurrently <name> …, in a migration of its own.',
      table,
    ),
  ]
}
