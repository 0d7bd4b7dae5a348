// A tenant migration runs in every home, so it names no schema: not of a table, a type or a function, not as text that
// becomes a name. Schemas that are the same everywhere may be read from, and nothing is made in them.
import { scan, SyntaxProblem } from '../migration/parser.ts'
import type { Node } from '../migration/parser.ts'
import { everyNode, isNode, locationOf, namesOf, nodeAt, stringAt, stringConstant } from '../migration/tree.ts'
import { expressionsOf, parseFragment } from './bodies.ts'
import type { CheckedStatement, Found } from './context.ts'

/** `extensions` and `auth` are Supabase's. */
const SAME_EVERYWHERE = new Set(['pg_catalog', 'information_schema', 'rowhouse', 'extensions', 'auth', 'pg_temp'])
/**
 * What of Rowhouse's tables a migration refers to: people and who belongs where. Who migrates could read the others too, and
 * put keys into a table that tenants read.
 */
const REFERRED_TO = new Set(['organizations', 'members', 'users', 'roles', 'plans', 'connections'])
/** Functions whose text argument becomes the name of a relation. */
const TAKE_NAMES = new Set([
  'protect',
  'share',
  'unprotect',
  'nextval',
  'setval',
  'currval',
  'to_regclass',
  'to_regtype',
])
const NAME_TYPES = new Set(['regclass', 'regtype', 'regproc', 'regprocedure', 'regnamespace'])
/** DROP and COMMENT give a name as a list of words; of these the last one is inside the object. */
const INSIDE_ANOTHER = new Set([
  'OBJECT_COLUMN',
  'OBJECT_TRIGGER',
  'OBJECT_POLICY',
  'OBJECT_RULE',
  'OBJECT_TABCONSTRAINT',
])

interface Qualified {
  readonly schema: string
  readonly name: string
  readonly at: number
  readonly isRelation?: boolean
}

const isEverywhere = ({ schema, name, isRelation = false }: Qualified): boolean =>
  SAME_EVERYWHERE.has(schema) && !(isRelation && schema === 'rowhouse' && !REFERRED_TO.has(name))

export function findSchemaNames({ kind, node, text }: CheckedStatement): Found[] {
  const names = [...qualifiedNames({ [kind]: node }), ...namesInBodies({ kind, node, text })]
  return reportOnce([
    ...names.filter((found) => !isEverywhere(found)).map((found) => ({ ...found, isTarget: false })),
    ...[...targetsOf(kind, node)].map((found) => ({ ...found, isTarget: true })),
  ])
}

/** What an inner statement of a DO block makes or changes; what it names, the block is searched for as a whole. */
export const findSchemaTargets = ({ kind, node }: CheckedStatement): Found[] =>
  reportOnce([...targetsOf(kind, node)].map((found) => ({ ...found, isTarget: true })))

const insteadOf = (schema: string, name: string, isTarget: boolean): string => {
  if (!SAME_EVERYWHERE.has(schema)) return `Write ${name}: it is found in the home that is migrated.`
  return isTarget
    ? `What belongs to ${schema} is not changed by tenant migrations.`
    : `Of ${schema} a migration refers to ${[...REFERRED_TO].join(', ')}, and to no other table.`
}

function reportOnce(names: readonly (Qualified & { readonly isTarget: boolean })[]): Found[] {
  const seen = new Set<string>()
  return names.flatMap(({ schema, name, at, isTarget }) => {
    const key = `${schema}.${name}`
    if (seen.has(key)) return []
    seen.add(key)
    return [
      {
        check: 'names_schema' as const,
        at,
        message: `${key} names a schema. The migration runs in every home, each of which has its own.`,
        instead: insteadOf(schema, name, isTarget),
      },
    ]
  })
}

function* qualifiedNames(tree: Node): Generator<Qualified> {
  for (const { key, node } of everyNode(tree)) {
    const at = locationOf(node)
    const schema = stringAt(node, 'schemaname')
    if (schema !== '') yield { schema, name: stringAt(node, 'relname'), at, isRelation: true }
    yield* fromList(node['names'], at, 'typemod' in node ? 0 : Infinity)
    yield* fromList(node['funcname'], at)
    yield* fromList(node['objname'], at)
    yield* fromList(node['collname'], at)
    yield* fromList(node['defnames'], at)
    yield* fromList(node['domainname'], at)
    // Of CREATE TYPE … AS ENUM and the like; elsewhere the field is a node.
    yield* fromList(node['typeName'], at)
    if (key === 'A_Expr') yield* fromList(node['name'], at)
    if (key === 'ColumnRef') yield* fromColumn(node['fields'], at)
    if (key === 'FuncCall') yield* fromArguments(node)
    if (key === 'TypeCast') yield* fromCast(node)
    if (key === 'DropStmt') for (const object of listOf(node['objects'])) yield* fromObject(object, node['removeType'])
    if (key === 'CommentStmt' || key === 'RenameStmt')
      yield* fromObject(node['object'], node['objtype'] ?? node['renameType'])
  }
}

function* fromList(list: unknown, at: number, beyond = 0): Generator<Qualified> {
  if (beyond !== 0) return
  const names = namesOf(list)
  const [schema, name] = names.slice(-2)
  if (names.length >= 2 && schema !== undefined && name !== undefined && schema !== '') yield { schema, name, at }
}

/** `schema.table.column`; two words are a table and its column. */
function* fromColumn(list: unknown, at: number): Generator<Qualified> {
  const [schema, name, column] = namesOf(list)
  if (schema !== undefined && name !== undefined && column !== undefined) yield { schema, name, at }
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function* fromObject(object: unknown, type: unknown): Generator<Qualified> {
  if (!isNode(object)) return
  const items = isNode(object['List'])
    ? object['List']['items']
    : isNode(object['TypeName'])
      ? object['TypeName']['names']
      : undefined
  const names = namesOf(items)
  const [schema, name] = INSIDE_ANOTHER.has(String(type)) ? names.slice(0, -1).slice(-2) : names.slice(-2)
  if (schema !== undefined && name !== undefined) yield { schema, name, at: -1 }
}

function* fromArguments(call: Node): Generator<Qualified> {
  if (!TAKE_NAMES.has(namesOf(call['funcname']).at(-1) ?? '')) return
  const [argument] = listOf(call['args'])
  const constant = stringConstant(argument) ?? castConstant(argument)
  if (constant !== null) yield* fromText(constant, locationOf(call))
}

const castConstant = (expression: unknown): string | null =>
  isNode(expression) && isNode(expression['TypeCast']) ? stringConstant(expression['TypeCast']['arg']) : null

function* fromCast(cast: Node): Generator<Qualified> {
  const type = namesOf(nodeAt(cast, 'typeName')['names']).at(-1) ?? ''
  const constant = stringConstant(cast['arg'])
  if (constant !== null && NAME_TYPES.has(type)) yield* fromText(constant, locationOf(cast))
}

/** `public.contacts` as text: identifiers, read by the scanner. */
function* fromText(text: string, at: number): Generator<Qualified> {
  try {
    const tokens = scan(text)
    const [schema, dot, name] = tokens
    if (schema !== undefined && dot?.text === '.' && name !== undefined) {
      yield { schema: unquote(schema.text), name: unquote(name.text), at }
    }
  } catch (error) {
    // No name at all: the database will say so.
    if (!(error instanceof SyntaxProblem)) throw error
  }
}

const unquote = (name: string): string => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name)

/** Fields of a statement that hold what it makes or changes; what it only refers to stands deeper. */
const TARGETS = ['relation', 'view', 'sequence', 'table', 'typevar'] as const
const TARGET_NAMES = ['funcname', 'typeName', 'domainname', 'defnames'] as const
const CHANGES = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])
const TARGET_LISTS = ['relations', 'rels', 'objects'] as const

/**
 * What a statement makes, changes, grants, drops or comments on, where that is said with a schema. Of schemas that are the
 * same everywhere a migration may read and nothing else: it runs as who could grant away the keys of the seal.
 */
function* targetsOf(kind: string, node: Node): Generator<Qualified> {
  for (const field of TARGETS) yield* fromRelation(nodeAt(node, field))
  yield* fromRelation(nodeAt(nodeAt(node, 'into'), 'rel'))
  for (const field of TARGET_NAMES) yield* fromList(node[field], -1)
  yield* fromList(nodeAt(node, 'func')['objname'], -1)
  for (const field of TARGET_LISTS) for (const object of listOf(node[field])) yield* fromTarget(object, node)
  if (kind === 'CommentStmt' || kind === 'RenameStmt') yield* fromTarget(node['object'], node)
  // Rows are changed inside of other statements as well.
  for (const { key, node: inner } of everyNode(node))
    if (CHANGES.has(key)) yield* fromRelation(nodeAt(inner, 'relation'))
}

function* fromRelation(relation: Node): Generator<Qualified> {
  const schema = stringAt(relation, 'schemaname')
  if (schema !== '') yield { schema, name: stringAt(relation, 'relname'), at: locationOf(relation) }
}

function* fromTarget(object: unknown, statement: Node): Generator<Qualified> {
  if (!isNode(object)) return
  yield* fromRelation(nodeAt(object, 'RangeVar'))
  yield* fromRelation(nodeAt(nodeAt(object, 'VacuumRelation'), 'relation'))
  yield* fromList(nodeAt(object, 'ObjectWithArgs')['objname'], -1)
  yield* fromObject(object, statement['removeType'] ?? statement['objtype'] ?? statement['renameType'])
}

/** Bodies of functions and DO blocks: their text is no part of the tree. */
function* namesInBodies({ kind, node, text }: CheckedStatement): Generator<Qualified> {
  for (const expression of expressionsOf(kind, node, text)) {
    for (const statement of parseFragment(expression)) {
      for (const found of qualifiedNames({ [statement.kind]: statement.node })) yield { ...found, at: -1 }
    }
  }
}
