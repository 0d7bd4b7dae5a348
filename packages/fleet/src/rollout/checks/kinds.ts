// Which statements belong into a home at all. A list of what is known, so that what nobody thought of is refused.
import { parsePlpgsql } from '../migration/parser.ts'
import type { Node } from '../migration/parser.ts'
import { everyNode, kindsOf, locationOf, namesOf, nodeAt, stringAt } from '../migration/tree.ts'
import type { CheckedStatement, Found } from './context.ts'

const FOR_HOMES = new Set([
  'AlterDomainStmt',
  'AlterEnumStmt',
  'AlterFunctionStmt',
  'AlterPolicyStmt',
  'AlterSeqStmt',
  'AlterStatsStmt',
  'AlterTableStmt',
  'AlterTypeStmt',
  'CallStmt',
  'CommentStmt',
  'CompositeTypeStmt',
  'ConstraintsSetStmt',
  'CreateDomainStmt',
  'CreateEnumStmt',
  'CreateFunctionStmt',
  'CreatePolicyStmt',
  'CreateRangeStmt',
  'CreateSeqStmt',
  'CreateStatsStmt',
  'CreateStmt',
  'CreateTableAsStmt',
  'CreateTrigStmt',
  'DeleteStmt',
  'DoStmt',
  'DropStmt',
  'GrantStmt',
  'IndexStmt',
  'InsertStmt',
  'LockStmt',
  'MergeStmt',
  'RefreshMatViewStmt',
  'ReindexStmt',
  'RenameStmt',
  'SelectStmt',
  'TransactionStmt',
  'TruncateStmt',
  'UpdateStmt',
  'VacuumStmt',
  'VariableSetStmt',
  'ViewStmt',
])
const DROPPED_OUTSIDE = new Set([
  'OBJECT_SCHEMA',
  'OBJECT_EXTENSION',
  'OBJECT_EVENT_TRIGGER',
  'OBJECT_PUBLICATION',
  'OBJECT_FOREIGN_SERVER',
  'OBJECT_FDW',
  'OBJECT_LANGUAGE',
  'OBJECT_CAST',
  'OBJECT_ACCESS_METHOD',
])
/**
 * Who is acting, where names are found, what a transaction is, which triggers fire, and how text is read: with another
 * encoding or with backslashes in strings the statements that follow are others than those that were checked.
 */
const RUNNERS_SETTINGS = new Set([
  'search_path',
  'role',
  'session_authorization',
  'row_security',
  'lock_timeout',
  'transaction',
  'transaction_isolation',
  'transaction_read_only',
  'transaction_deferrable',
  'session_replication_role',
  'event_triggers',
  'client_encoding',
  'standard_conforming_strings',
  'backslash_quote',
])
/** Those by which Rowhouse tells who may go past its guard, and who acts. */
const isRunners = (name: string): boolean => RUNNERS_SETTINGS.has(name) || name.startsWith('rowhouse.')
/** Kinds that run their functions at once. */
const RUN_CALLS = new Set([
  'SelectStmt',
  'CreateTableAsStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'CallStmt',
])

export function findForeignStatements({ kind, node, text }: CheckedStatement): Found[] {
  if (kind === 'VariableSetStmt') return setting(node)
  if (kind === 'TransactionStmt') return transaction(node)
  if (kind === 'DoStmt') return [...transactionInBody(text), ...foreignKind(kind, node)]
  return [...(RUN_CALLS.has(kind) ? settingCalls(node) : []), ...foreignKind(kind, node)]
}

function foreignKind(kind: string, node: Node): Found[] {
  const isForHomes =
    FOR_HOMES.has(kind) &&
    !(kind === 'DropStmt' && DROPPED_OUTSIDE.has(stringAt(node, 'removeType'))) &&
    !(kind === 'RenameStmt' && stringAt(node, 'renameType') === 'OBJECT_SCHEMA') &&
    !(kind === 'GrantStmt' && isGrantBeyondHome(node)) &&
    !(kind === 'AlterTableStmt' && (hasCommand(node, 'AT_ChangeOwner') || detachesConcurrently(node))) &&
    !(kind === 'ReindexStmt' && !['REINDEX_OBJECT_INDEX', 'REINDEX_OBJECT_TABLE'].includes(stringAt(node, 'kind'))) &&
    // Without a table it is the whole database.
    !(kind === 'VacuumStmt' && kindsOf(node['rels']).length === 0)
  if (isForHomes) return []
  return [
    {
      check: 'statement_not_for_homes',
      at: -1,
      message: `${nameOfKind(kind)} reaches beyond the home that is migrated.`,
      instead:
        'Do it once for the database, outside of tenant migrations. Owners and schemas are what Rowhouse gives them.',
    },
  ]
}

const nameOfKind = (kind: string): string => {
  const words = kind.replace(/Stmt$/, '').replaceAll(/([a-z])([A-Z])/g, '$1 $2')
  return `The statement ${words.toUpperCase()}`
}

const hasCommand = (node: Node, subtype: string): boolean =>
  kindsOf(node['cmds']).some(([, command]) => stringAt(command, 'subtype') === subtype)

/** Half done, it can only be finished or left as it is, which no look at the catalogue tells apart. */
const detachesConcurrently = (node: Node): boolean =>
  kindsOf(node['cmds']).some(([, command]) => nodeAt(nodeAt(command, 'def'), 'PartitionCmd')['concurrent'] === true)

const isGrantBeyondHome = (node: Node): boolean =>
  stringAt(node, 'targtype') !== 'ACL_TARGET_OBJECT' ||
  [
    'OBJECT_SCHEMA',
    'OBJECT_DATABASE',
    'OBJECT_TABLESPACE',
    'OBJECT_FDW',
    'OBJECT_FOREIGN_SERVER',
    'OBJECT_LANGUAGE',
    'OBJECT_PARAMETER_ACL',
  ].includes(stringAt(node, 'objtype'))

function setting(node: Node): Found[] {
  const name = stringAt(node, 'name').toLowerCase()
  if (node['is_local'] === true && !isRunners(name)) return []
  return [
    {
      check: 'session_setting',
      at: -1,
      message:
        isRunners(name) || name === ''
          ? `${name || 'A RESET'} is set by the rollout.`
          : `The setting ${name} would outlive the migration.`,
      instead: isRunners(name) || name === '' ? 'Leave it out.' : `Write set local ${name} = …`,
    },
  ]
}

function settingCalls(statement: Node): Found[] {
  return [...everyNode(statement)].flatMap(({ node: call }) => {
    if (namesOf(call['funcname']).at(-1) !== 'set_config') return []
    return [
      {
        check: 'session_setting' as const,
        at: locationOf(call),
        message: 'set_config() changes what the rollout relies on.',
        instead: 'Write set local … for a setting of the migration itself.',
      },
    ]
  })
}

/** COMMIT and ROLLBACK of PL/pgSQL itself. */
function transactionInBody(text: string): Found[] {
  const ends = [...everyNode(parsePlpgsql(text))].some(
    ({ key }) => key === 'PLpgSQL_stmt_commit' || key === 'PLpgSQL_stmt_rollback',
  )
  return ends ? [endsTransaction('Take COMMIT and ROLLBACK out.')] : []
}

const endsTransaction = (instead: string): Found => ({
  check: 'transaction_control',
  at: -1,
  message: 'A migration is one transaction, all of it or nothing.',
  instead,
})

function transaction(node: Node): Found[] {
  const kind = stringAt(node, 'kind')
  // A migration is one transaction anyway: `begin;` and `commit;` around it say the same.
  if (['TRANS_STMT_BEGIN', 'TRANS_STMT_START', 'TRANS_STMT_COMMIT'].includes(kind)) return []
  return [endsTransaction('Take ROLLBACK and SAVEPOINT out.')]
}
