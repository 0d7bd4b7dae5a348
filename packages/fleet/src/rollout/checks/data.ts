// Statements that change rows, and code that could. docs/adr/0018 says why they are refused rather than run.
import { parsePlpgsql } from '../migration/parser.ts'
import type { Node } from '../migration/parser.ts'
import { everyNode, kindsOf, locationOf, namesOf, nodeAt, stringAt } from '../migration/tree.ts'
import { expressionsOf, languageOfBlock, parseFragment } from './bodies.ts'
import type { CheckedStatement, Found, Made } from './context.ts'

const CHANGES: Readonly<Record<string, string>> = {
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
  TruncateStmt: 'TRUNCATE',
}
/** What a migration calls of the schema rowhouse. */
const ROWHOUSE_CALLS = new Set(['protect', 'share', 'unprotect', 'organization_id', 'user_id', 'is_protected'])
/** Postgres's own that are called without their schema and change nothing; any other is written pg_catalog.… */
const HARMLESS_CALLS = new Set(
  `array_agg array_length cardinality concat count current_database current_schema current_setting exists format
  format_type gen_random_uuid jsonb_agg jsonb_array_elements jsonb_build_object length lower max min now nextval pg_get_expr
  quote_ident quote_literal replace set_config setval string_agg sum to_regclass to_regtype unnest upper version`.split(
    /\s+/,
  ),
)
/**
 * Postgres's own that wait, lock, outlive the transaction, end others, run text, or touch files and what is not the home's: no
 * migration calls them without a word. `set_config` is refused for itself.
 */
const REACHING_CALLS =
  /^(pg_sleep|pg_(try_)?advisory_|pg_(terminate|cancel)_backend$|pg_read_|pg_ls_|pg_stat_file$|pg_stat_reset|pg_notify$|pg_reload_conf$|pg_rotate_|pg_switch_wal$|pg_promote$|pg_create_|pg_drop_|pg_replication_|pg_logical_|pg_import_|pg_restore_|pg_clear_|pg_extension_config_dump$|lo_|loread$|lowrite$|ts_stat$|ts_rewrite$|(query|cursor|table|schema|database)_to_xml|binary_upgrade_)/
const INSTEAD =
  'Change rows from the application, organization by organization and in batches: rowhouse.as({ organizationId, service }).'

/** Rows of a table that the same file makes are nobody's yet. */
export function findDataChanges(statement: CheckedStatement, made: Made): Found[] {
  const { kind, node } = statement
  const tree = { [kind]: node }
  if (kind === 'DoStmt') return [...inBody(statement, made), ...findDynamicSql(statement)]
  if (kind === 'CallStmt') return [unknownFunction(namesOf(nodeAt(node, 'funccall')['funcname']).join('.'), -1)]
  if (kind === 'CreateFunctionStmt') return []
  // These run their functions; elsewhere they are part of a definition.
  const runs = kind === 'SelectStmt' || kind === 'CreateTableAsStmt' || kind in CHANGES
  return [...changesIn(tree, made), ...(runs ? callsIn(tree) : [])]
}

function changesIn(tree: Node, made: Made): Found[] {
  return [...everyNode(tree)].flatMap(({ key, node }) => {
    const verb = CHANGES[key]
    if (verb === undefined) return []
    const targets =
      key === 'TruncateStmt' ? kindsOf(node['relations']).map(([, relation]) => relation) : [nodeAt(node, 'relation')]
    return targets
      .filter((target) => !made.relations.has(stringAt(target, 'relname')))
      .map((target): Found => ({
        check: 'change_data',
        at: locationOf(target),
        message: `${verb} on ${stringAt(target, 'relname')} would change rows of every organization as nobody, under the lock of the migration.`,
        instead: INSTEAD,
      }))
  })
}

/** Also of functions that the same file makes: what is in them was not looked at. */
function callsIn(tree: Node): Found[] {
  return [...everyNode(tree)].flatMap(({ key, node }) => {
    if (key !== 'FuncCall') return []
    const names = namesOf(node['funcname'])
    const name = names.at(-1) ?? ''
    const [schema] = names.length > 1 ? names : [null]
    const isKnown =
      schema === null
        ? HARMLESS_CALLS.has(name)
        : (schema === 'pg_catalog' && !REACHING_CALLS.test(name)) || (schema === 'rowhouse' && ROWHOUSE_CALLS.has(name))
    if (isKnown) return []
    return [
      REACHING_CALLS.test(name)
        ? reachingFunction(name, locationOf(node))
        : unknownFunction(names.join('.'), locationOf(node)),
    ]
  })
}

const unknownFunction = (name: string, at: number): Found => ({
  check: 'unknown_function',
  at,
  message: `Nobody knows what ${name}() changes.`,
  instead: `Write its statements into the migration; or pg_catalog.${name}() where it is Postgres's own.`,
})

const reachingFunction = (name: string, at: number): Found => ({
  check: 'unknown_function',
  at,
  message: `${name}() waits, locks, runs text or reaches beyond the home.`,
  instead: 'Leave it out: a migration changes the tables of its home, and holds their locks while it runs.',
})

const inBody = ({ kind, node, text }: CheckedStatement, made: Made): Found[] =>
  expressionsOf(kind, node, text)
    .flatMap((piece) => parseFragment(piece))
    .flatMap((statement) => {
      const tree = { [statement.kind]: statement.node }
      return [...changesIn(tree, made), ...callsIn(tree)]
    })
    .map((found) => ({ ...found, at: -1 }))

/** EXECUTE in a DO block: its text is not known before it runs. */
function findDynamicSql({ node, text }: CheckedStatement): Found[] {
  const language = languageOfBlock(node)
  if (language !== 'plpgsql') {
    return [
      {
        check: 'dynamic_sql',
        at: -1,
        message: `The DO block is written in ${language}, which is not read here.`,
        instead: 'Write the statements themselves, or a block in plpgsql.',
      },
    ]
  }
  const isDynamic = [...everyNode(parsePlpgsql(text))].some(
    ({ key }) => key === 'PLpgSQL_stmt_dynexecute' || key === 'PLpgSQL_stmt_dynfors',
  )
  if (!isDynamic) return []
  return [
    {
      check: 'dynamic_sql',
      at: -1,
      message: 'The DO block runs text that it puts together.',
      instead: 'Write the statements themselves: the migration runs once in each home.',
    },
  ]
}
