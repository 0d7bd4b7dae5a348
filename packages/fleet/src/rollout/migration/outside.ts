// Statements that Postgres runs outside of transactions only, and what each leaves behind when it is interrupted.
import { scan } from './parser.ts'
import type { ParsedStatement } from './parser.ts'
import { kindsOf, namesOf, nodeAt, nodesOf, isNode, stringAt } from './tree.ts'

export type Outside =
  /** Leaves an invalid index when it fails: that is dropped, and it is built anew. A valid one is done. */
  | { readonly kind: 'create_index'; readonly index: string; readonly unique: UniqueIndex | null }
  /** Done when the index is gone. */
  | { readonly kind: 'drop_index'; readonly indexes: readonly string[] }
  /** Leaves an invalid `…_ccnew`: that is dropped. */
  | { readonly kind: 'reindex'; readonly relation: string }
  | { readonly kind: 'vacuum' }

/** What decides whether it may be on a protected table: its first column, null for an expression. */
export interface UniqueIndex {
  readonly table: string
  readonly firstColumn: string | null
}

export function outsideOf({ kind, node }: Pick<ParsedStatement, 'kind' | 'node'>): Outside | null {
  if (kind === 'IndexStmt' && node['concurrent'] === true) {
    const [[, first] = ['', {}]] = kindsOf(node['indexParams'])
    const firstColumn = stringAt(first, 'name')
    const unique =
      node['unique'] === true
        ? {
            table: stringAt(nodeAt(node, 'relation'), 'relname'),
            firstColumn: firstColumn === '' ? null : firstColumn,
          }
        : null
    return { kind: 'create_index', index: stringAt(node, 'idxname'), unique }
  }
  if (kind === 'DropStmt' && node['concurrent'] === true) {
    const indexes = nodesOf(node['objects']).map((object) => {
      const list = object['List']
      return namesOf(isNode(list) ? list['items'] : []).at(-1) ?? ''
    })
    return { kind: 'drop_index', indexes }
  }
  if (
    kind === 'ReindexStmt' &&
    kindsOf(node['params']).some(([, option]) => stringAt(option, 'defname') === 'concurrently')
  ) {
    return { kind: 'reindex', relation: stringAt(nodeAt(node, 'relation'), 'relname') }
  }
  return kind === 'VacuumStmt' && node['is_vacuumcmd'] === true ? { kind: 'vacuum' } : null
}

/**
 * The statement for a home that nobody uses yet, where it may be part of a transaction: without CONCURRENTLY. Null where
 * there is nothing to do.
 */
export function insideText(text: string, outside: Outside | null): string | null {
  if (outside === null) return text
  if (outside.kind === 'vacuum' || outside.kind === 'reindex') return null
  const word = scan(text).find(({ isKeyword, text }) => isKeyword && text.toLowerCase() === 'concurrently')
  if (word === undefined) return text
  const bytes = Buffer.from(text)
  return Buffer.concat([bytes.subarray(0, word.start), bytes.subarray(word.end)]).toString()
}
