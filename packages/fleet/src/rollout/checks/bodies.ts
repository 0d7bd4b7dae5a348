// The SQL inside bodies of functions and DO blocks, whose text is no part of the parse tree.
import { RowhouseError } from '@rowhouse/contracts'
import { parsePlpgsql, parseStatements, scan, SyntaxProblem } from '../migration/parser.ts'
import type { Node, ParsedStatement } from '../migration/parser.ts'
import { everyNode, isNode, kindsOf, namesOf, nodeAt, stringAt } from '../migration/tree.ts'

/** The SQL inside a body, piece by piece. @throws RowhouseError migration_invalid for a body that cannot be read */
export function expressionsOf(kind: string, node: Node, text: string): string[] {
  if (kind !== 'DoStmt' && kind !== 'CreateFunctionStmt') return []
  const options = optionsOf(kind, node)
  const language = languageOf(options.get('language')) ?? (kind === 'DoStmt' ? 'plpgsql' : 'sql')
  const body = bodyOf(options.get('as'))
  if (body === null) return []
  if (language === 'sql') return [body]
  if (language !== 'plpgsql') return []
  try {
    return [...everyNode(parsePlpgsql(text))].flatMap(({ key, node }) =>
      key === 'PLpgSQL_expr' && typeof node['query'] === 'string' ? [node['query']] : [],
    )
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error
    throw new RowhouseError('migration_invalid', `The body cannot be read: ${error.message}`, { cause: error })
  }
}

/** Of a DO block. */
export const languageOfBlock = (node: Node): string =>
  languageOf(optionsOf('DoStmt', node).get('language')) ?? 'plpgsql'

const optionsOf = (kind: string, node: Node): Map<string, Node> =>
  new Map(
    kindsOf(kind === 'DoStmt' ? node['args'] : node['options']).map(([, option]) => [
      stringAt(option, 'defname'),
      option,
    ]),
  )

function languageOf(option: Node | undefined): string | null {
  if (option === undefined) return null
  const [word] = namesOf([option['arg']])
  return word === undefined || word === '' ? null : word.toLowerCase()
}

function bodyOf(option: Node | undefined): string | null {
  if (option === undefined) return null
  const argument = nodeAt(option, 'arg')
  const list = isNode(argument['List']) ? argument['List']['items'] : [argument]
  return namesOf(list)[0] ?? null
}

/** A piece of PL/pgSQL is a statement, an expression, or an assignment. */
export function parseFragment(fragment: string): ParsedStatement[] {
  for (const text of [fragment, `select ${fragment}`, `select ${afterAssignment(fragment)}`]) {
    try {
      return parseStatements(text)
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error
    }
  }
  return []
}

function afterAssignment(fragment: string): string {
  try {
    const sign = scan(fragment).find(({ text }) => text === ':=' || text === '=')
    return sign === undefined ? fragment : Buffer.from(fragment).subarray(sign.end).toString()
  } catch {
    return fragment
  }
}
