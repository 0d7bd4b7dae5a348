// Ways through a parse tree.
import type { Node } from './parser.ts'

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Every object of the tree with the key it stands under: `{RangeVar: {…}}` as ('RangeVar', {…}), also plain fields. */
export function* everyNode(root: unknown, key = ''): Generator<{ readonly key: string; readonly node: Node }> {
  if (Array.isArray(root)) {
    for (const item of root) yield* everyNode(item, key)
  } else if (isNode(root)) {
    yield { key, node: root }
    for (const [name, value] of Object.entries(root)) yield* everyNode(value, name)
  }
}

/** The strings of a list of String nodes: a name with its qualifications. Other items are ''. */
export const namesOf = (list: unknown): string[] =>
  Array.isArray(list) ? list.map((item) => textOf(isNode(item) ? (item['String'] ?? item) : item)) : []

const textOf = (node: unknown): string => {
  const text = isNode(node) ? (node['sval'] ?? node['str']) : undefined
  return typeof text === 'string' ? text : ''
}

/** The text of a constant `'…'`, or null for any other expression. */
export function stringConstant(expression: unknown): string | null {
  if (!isNode(expression)) return null
  const constant = expression['A_Const']
  if (!isNode(constant) || !isNode(constant['sval'])) return null
  return textOf(constant['sval'])
}

export const nodesOf = (list: unknown): Node[] => (Array.isArray(list) ? list.filter(isNode) : [])

/** Items of a list, each freed of the object that names its kind: `[{ColumnDef: {…}}]` as [['ColumnDef', {…}]]. */
export const kindsOf = (list: unknown): [kind: string, node: Node][] =>
  nodesOf(list).flatMap((item) => Object.entries(item).filter((entry): entry is [string, Node] => isNode(entry[1])))

export const nodeAt = (node: Node, field: string): Node => {
  const value = node[field]
  return isNode(value) ? value : {}
}

export const stringAt = (node: Node, field: string): string => {
  const value = node[field]
  return typeof value === 'string' ? value : ''
}

/** Where it stands, in bytes; -1 where the parser does not say. */
export const locationOf = (node: Node): number => {
  const { location } = node
  return typeof location === 'number' ? location : -1
}
