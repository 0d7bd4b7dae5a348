// A migration file, read: its statements, how they are run, and everything that is wrong with them. It touches no database,
// so whether a table is large enough for a problem to matter is asked later (../checks/large-tables.ts).
import { RowhouseError } from '@rowhouse/contracts'
import { expressionsOf, parseFragment } from '../checks/bodies.ts'
import type { CheckedStatement, Found } from '../checks/context.ts'
import { findContractions } from '../checks/contract.ts'
import { findDataChanges } from '../checks/data.ts'
import { findDefiners } from '../checks/definer.ts'
import { findForeignStatements } from '../checks/kinds.ts'
import { findSchemaNames, findSchemaTargets } from '../checks/names.ts'
import { readDirectives } from './directives.ts'
import type { Overrides } from './directives.ts'
import { insideText, outsideOf } from './outside.ts'
import type { Outside } from './outside.ts'
import { loadParser, parseStatements, scan, SyntaxProblem } from './parser.ts'
import type { Node, ParsedStatement } from './parser.ts'
import { isOverridable } from './problem.ts'
import type { Problem } from './problem.ts'
import { fileNameOf } from './read-folder.ts'
import type { MigrationFile } from './read-folder.ts'
import { protectedByNext } from './protected-table.ts'
import { isNode, kindsOf, namesOf, nodeAt, stringAt } from './tree.ts'

export interface Statement {
  readonly text: string
  /** In the file, from 1. */
  readonly line: number
  /** Null: inside a transaction, as nearly all are. */
  readonly outside: Outside | null
  /** For a home that nobody uses yet; null where nothing is to do. */
  readonly textInside: string | null
  /** The table that it makes and that the next statement protects, which gives other homes the same table; null for any other. */
  readonly makesProtected: string | null
}

export interface TenantMigration extends MigrationFile {
  readonly statements: readonly Statement[]
  /** All statements and the note of them are one transaction. */
  readonly isTransactional: boolean
  /** Changes the catalogue only, so that many homes may share a transaction. */
  readonly isQuick: boolean
  /** Reads whole tables, under a lock that stops nobody as long as no other statement has taken a stronger one. */
  readonly validates: boolean
  /** Locks rowhouse.organizations, which one transaction of a database can do at a time. */
  readonly refersToOrganizations: boolean
  /** Grants something, or makes what is granted to everybody when it is made: a home's login gets it in their place. */
  readonly settles: boolean
  /** Tables that it makes, `if not exists` too. */
  readonly tables: readonly { readonly name: string; readonly line: number; readonly column: number }[]
  readonly overrides: Overrides
  /** Those that no override allows. */
  readonly problems: readonly Problem[]
  /** Those that are allowed, and why. */
  readonly allowed: readonly (Problem & { readonly reason: string })[]
}

/** Kinds that only write the catalogue. */
const QUICK = new Set([
  'AlterTableStmt',
  'CommentStmt',
  'CompositeTypeStmt',
  'CreateDomainStmt',
  'CreateEnumStmt',
  'CreateFunctionStmt',
  'CreatePolicyStmt',
  'CreateSeqStmt',
  'CreateStmt',
  'CreateTrigStmt',
  'AlterEnumStmt',
  'AlterFunctionStmt',
  'DropStmt',
  'GrantStmt',
  'RenameStmt',
  'SelectStmt',
  'ViewStmt',
])

/** Kinds after which nobody has a privilege that protect() did not give. */
const GRANTS_NOTHING = new Set([
  'AlterEnumStmt',
  'AlterPolicyStmt',
  'AlterTableStmt',
  'CommentStmt',
  'CreateDomainStmt',
  'CreateEnumStmt',
  'CreatePolicyStmt',
  'CreateStmt',
  'CreateTrigStmt',
  'DropStmt',
  'IndexStmt',
  'ReindexStmt',
  'RenameStmt',
  'TransactionStmt',
  'VacuumStmt',
])

/**
 * Parses and checks one file.
 *
 * @throws RowhouseError migration_invalid with line and column, for what Postgres's grammar does not know
 */
export async function prepareMigration(file: MigrationFile): Promise<TenantMigration> {
  await loadParser()
  const place = placesIn(file.sql)
  const { statements: parsed, directives } = read(file, place)
  const made = { relations: new Set<string>(), functions: new Set<string>() }
  const problems: Problem[] = []
  const report = (start: number, { check, at, message, instead, onlyIfLarge }: Found): void => {
    problems.push({ check, ...place(at >= 0 ? at : start), message, instead, onlyIfLarge: onlyIfLarge ?? null })
  }
  const outsides = parsed.map(outsideOf)
  const isTransactional = outsides.every((outside) => outside === null)
  for (const [index, statement] of parsed.entries()) {
    for (const found of check(file, statement, made, place)) report(statement.start, found)
    for (const found of checkOutside(outsides[index] ?? null, parsed, isTransactional)) report(statement.start, found)
    for (const found of checkValidation(statement, parsed.slice(0, index), made)) report(statement.start, found)
    remember(statement, made)
  }
  const validates = parsed.some(({ kind, node }) => constraintsValidatedBy(kind, node).length > 0)
  const statements = parsed.flatMap((statement, index): Statement[] => {
    if (statement.kind === 'TransactionStmt') return []
    const outside = outsides[index] ?? null
    const textInside = insideText(statement.text, outside)
    const makesProtected = protectedByNext(statement, parsed[index + 1])
    return [{ text: statement.text, line: place(statement.start).line, outside, textInside, makesProtected }]
  })
  const reasonFor = (problem: Problem): string | undefined =>
    isOverridable(problem.check) ? directives.overrides[problem.check] : undefined
  return {
    ...file,
    statements,
    isTransactional,
    isQuick:
      isTransactional &&
      !validates &&
      parsed.every(
        ({ kind, node }) =>
          QUICK.has(kind) ||
          kind === 'TransactionStmt' ||
          (kind === 'IndexStmt' && made.relations.has(stringAt(nodeAt(node, 'relation'), 'relname'))),
      ) &&
      problems.length === 0,
    validates,
    refersToOrganizations: parsed.some(({ kind, node }) => refersToOrganizations({ [kind]: node })),
    settles: parsed.some(({ kind, node }) => !GRANTS_NOTHING.has(kind) && !callsOnlyProtect(kind, node)),
    tables: parsed.flatMap(({ kind, node, start }) =>
      kind === 'CreateStmt' ? [{ name: stringAt(nodeAt(node, 'relation'), 'relname'), ...place(start) }] : [],
    ),
    overrides: directives.overrides,
    problems: problems.filter((problem) => reasonFor(problem) === undefined),
    allowed: problems.flatMap((problem) => {
      const reason = reasonFor(problem)
      return reason === undefined ? [] : [{ ...problem, reason }]
    }),
  }
}

type Place = (byte: number) => { readonly line: number; readonly column: number }

function placesIn(sql: string): Place {
  const bytes = Buffer.from(sql)
  return (byte) => {
    const before = bytes.subarray(0, byte).toString()
    const lines = before.split('\n')
    return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
  }
}

function read(
  file: MigrationFile,
  place: Place,
): { statements: ParsedStatement[]; directives: { overrides: Overrides } } {
  try {
    const directives = readDirectives(scan(file.sql))
    const [problem] = directives.problems
    if (problem !== undefined) throw invalid(file, place(problem.start), problem.message)
    return { statements: parseStatements(file.sql), directives }
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error
    const before = Buffer.byteLength(file.sql.slice(0, Math.max(0, error.position)))
    throw invalid(file, place(before), `${error.message}.`)
  }
}

const invalid = (
  file: MigrationFile,
  { line, column }: { line: number; column: number },
  what: string,
): RowhouseError =>
  new RowhouseError('migration_invalid', `${fileNameOf(file)}:${line}:${column}: ${what}`, {
    details: { file: fileNameOf(file), line, column },
    hint: 'Mend the file. Commands of psql, such as \\i, are no SQL.',
  })

function check(file: MigrationFile, statement: ParsedStatement, made: Made, place: Place): Found[] {
  const checked: CheckedStatement = statement
  try {
    const found = [
      ...findForeignStatements(checked),
      ...findSchemaNames(checked),
      ...findDataChanges(checked, made),
      ...findContractions(checked, made),
      ...findDefiners(checked),
    ]
    const inside = insideDo(checked).flatMap((inner) => [
      ...findForeignStatements(inner),
      ...findSchemaTargets(inner),
      ...findContractions(inner, made),
      ...findDefiners(inner),
    ])
    const isSaid = ({ message }: Found): boolean => found.some((one) => one.message === message)
    return [...found, ...inside.filter((one) => !isSaid(one)).map((one) => ({ ...one, at: -1 }))]
  } catch (error) {
    // A body that Postgres itself would not take.
    if (error instanceof SyntaxProblem) throw invalid(file, place(statement.start), `${error.message}.`)
    if (error instanceof RowhouseError) throw invalid(file, place(statement.start), error.message)
    throw error
  }
}

/** The statements of a DO block, which runs at once. Their places are the block's. */
function insideDo({ kind, node, text }: CheckedStatement): CheckedStatement[] {
  if (kind !== 'DoStmt') return []
  return expressionsOf(kind, node, text).flatMap((piece) => parseFragment(piece))
}

interface Made {
  readonly relations: Set<string>
  readonly functions: Set<string>
}

function checkOutside(outside: Outside | null, all: readonly ParsedStatement[], isTransactional: boolean): Found[] {
  if (isTransactional || all.length === 0) return []
  if (outside === null) {
    return [
      {
        check: 'concurrently',
        at: -1,
        message:
          'It stands beside a statement that cannot be in a transaction, so a home could be left with half of the migration.',
        instead: 'Put what is CONCURRENTLY, and VACUUM, into a migration of its own.',
      },
    ]
  }
  if (outside.kind === 'create_index' && outside.index === '') {
    return [
      {
        check: 'concurrently',
        at: -1,
        message: 'Without a name for the index nobody can tell whether an interrupted build left one behind.',
        instead: 'Write create index concurrently <name> on …',
      },
    ]
  }
  return []
}

/** Tables whose constraints a statement validates. */
const constraintsValidatedBy = (kind: string, node: Node): string[] =>
  kind === 'AlterTableStmt' &&
  kindsOf(node['cmds']).some(([, command]) => stringAt(command, 'subtype') === 'AT_ValidateConstraint')
    ? [stringAt(nodeAt(node, 'relation'), 'relname')]
    : []

/** A lock that the same transaction took before is held while the rows are read. */
function checkValidation({ kind, node }: ParsedStatement, before: readonly ParsedStatement[], made: Made): Found[] {
  return constraintsValidatedBy(kind, node)
    .filter((table) => !made.relations.has(table))
    .filter((table) => kindsOf(node['cmds']).length > 1 || before.some((one) => isAlterationOf(one, table)))
    .map((table) => ({
      check: 'add_constraint',
      at: -1,
      message: `Rows of ${table} are read under the lock that another change of ${table} in the same migration has taken.`,
      instead: 'Validate it in a migration of its own.',
      onlyIfLarge: table,
    }))
}

const isAlterationOf = ({ kind, node }: ParsedStatement, table: string): boolean =>
  kind === 'AlterTableStmt' && stringAt(nodeAt(node, 'relation'), 'relname') === table

function remember({ kind, node }: ParsedStatement, made: Made): void {
  // A temporary one stands behind the home's: its name goes on meaning the table that people use.
  const add = (relation: Node): void => {
    if (stringAt(relation, 'relpersistence') !== 't' && stringAt(relation, 'schemaname') === '')
      made.relations.add(stringAt(relation, 'relname'))
  }
  if (kind === 'CreateStmt' && node['if_not_exists'] !== true) add(nodeAt(node, 'relation'))
  if (kind === 'CreateTableAsStmt' && node['if_not_exists'] !== true) add(nodeAt(nodeAt(node, 'into'), 'rel'))
  if (kind === 'ViewStmt' && node['replace'] !== true) add(nodeAt(node, 'view'))
  if (kind === 'CreateFunctionStmt') made.functions.add(namesOf(node['funcname']).at(-1) ?? '')
}

const callsOnlyProtect = (kind: string, node: Node): boolean =>
  kind === 'SelectStmt' &&
  kindsOf(node['targetList']).every(([, target]) => {
    const [schema, name] = namesOf(nodeAt(nodeAt(target, 'val'), 'FuncCall')['funcname'])
    return schema === 'rowhouse' && name === 'protect'
  })

/** A foreign key to it, be it declared by rowhouse.protect(), locks it against writers. */
function refersToOrganizations(tree: unknown): boolean {
  if (Array.isArray(tree)) return tree.some(refersToOrganizations)
  if (!isNode(tree)) return false
  if (stringAt(tree, 'relname') === 'organizations' && stringAt(tree, 'schemaname') === 'rowhouse') return true
  const [schema, name] = namesOf(tree['funcname'])
  if (schema === 'rowhouse' && name === 'protect') return true
  return Object.values(tree).some(refersToOrganizations)
}
