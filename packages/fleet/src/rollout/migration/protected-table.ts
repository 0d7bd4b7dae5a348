// Tables that are protected as soon as they are made: what comes of both statements depends on nothing but their text, so that
// many homes can be given what came of them in one. ../apply/statements.ts does that.
import type { Node, ParsedStatement } from './parser.ts'
import { kindsOf, namesOf, nodeAt, nodesOf, stringAt, stringConstant } from './tree.ts'

/** Nothing that would have to be quoted, or folded. */
const PLAIN_NAME = /^[a-z_][a-z0-9_]*$/

/** The name of the table, where the first makes it from columns and constraints and the second calls rowhouse.protect() for it. */
export function protectedByNext(first: ParsedStatement, second: ParsedStatement | undefined): string | null {
  if (first.kind !== 'CreateStmt' || second?.kind !== 'SelectStmt') return null
  const relation = nodeAt(first.node, 'relation')
  const name = stringAt(relation, 'relname')
  const isPlain =
    PLAIN_NAME.test(name) &&
    stringAt(relation, 'relpersistence') === 'p' &&
    first.node['if_not_exists'] !== true &&
    // LIKE brings comments and statistics along, INHERITS and PARTITION OF another table's shape.
    ['inhRelations', 'partbound', 'partspec', 'ofTypename'].every((field) => first.node[field] === undefined) &&
    kindsOf(first.node['tableElts']).every(([kind]) => kind === 'ColumnDef' || kind === 'Constraint')
  return isPlain && protectedTable(second.node) === name ? name : null
}

/** The table that a SELECT protects and does nothing else; its options are constants. */
function protectedTable(select: Node): string | null {
  const targets = kindsOf(select['targetList'])
  const [[, target] = ['', {}]] = targets
  if (targets.length !== 1 || select['fromClause'] !== undefined || select['whereClause'] !== undefined) return null
  const call = nodeAt(nodeAt(target, 'val'), 'FuncCall')
  if (namesOf(call['funcname']).join('.') !== 'rowhouse.protect') return null
  const given = nodesOf(call['args']).map(constantOf)
  return given.includes(null) ? null : (given[0] ?? null)
}

/** Of `'…'` and `'…'::type`. */
function constantOf(expression: Node): string | null {
  const cast = expression['TypeCast']
  return stringConstant(cast === undefined ? expression : nodeAt(nodeAt(expression, 'TypeCast'), 'arg'))
}
