// The one place that knows the parser: Postgres's own grammar, compiled to WebAssembly (libpg_query). No part of SQL is
// recognized by a pattern anywhere in this folder.
import { loadModule, parsePlPgSQLSync, parseSync, scanSync } from 'libpg-query'

/** A node of the parse tree, or any object in it. Fields are those of Postgres's parsenodes.h. */
export interface Node {
  readonly [field: string]: unknown
}

export interface ParsedStatement {
  /** As `CreateStmt`. */
  readonly kind: string
  readonly node: Node
  /** Without the semicolon and what stands before it. */
  readonly text: string
  /** Bytes from the start of the file. */
  readonly start: number
}

export interface Token {
  readonly start: number
  readonly end: number
  readonly isComment: boolean
  readonly isKeyword: boolean
  readonly text: string
}

export class SyntaxProblem extends Error {
  /** Characters from the start of the text, from 0; -1 where the parser does not say. */
  readonly position: number
  constructor(message: string, position: number) {
    super(message)
    this.name = 'SyntaxProblem'
    this.position = position
  }
}

let loading: Promise<void> | undefined
/** Must have resolved before anything else here is called. */
export const loadParser = (): Promise<void> => (loading ??= loadModule())

/** @throws SyntaxProblem */
export function parseStatements(sql: string): ParsedStatement[] {
  const bytes = Buffer.from(sql)
  const tokens = scan(sql)
  return parse(sql).map(({ stmt, stmt_location: from = 0, stmt_len: length = 0 }) => {
    const end = length === 0 ? bytes.length : from + length
    // The parser counts comments before a statement as part of it.
    const first = tokens.find(({ start, isComment }) => start >= from && start < end && !isComment)
    const start = first?.start ?? from
    const [[kind, node] = ['', {}]] = Object.entries(stmt) as [string, Node][]
    return { kind, node, text: bytes.subarray(start, end).toString(), start }
  })
}

interface RawStatement {
  readonly stmt: Node
  readonly stmt_location?: number
  readonly stmt_len?: number
}

function parse(sql: string): readonly RawStatement[] {
  try {
    return (parseSync(sql) as unknown as { stmts?: RawStatement[] }).stmts ?? []
  } catch (error) {
    const details = (error as { sqlDetails?: { cursorPosition?: number } }).sqlDetails
    throw new SyntaxProblem((error as Error).message, details?.cursorPosition ?? -1)
  }
}

/** @throws SyntaxProblem */
export function scan(sql: string): Token[] {
  try {
    return scanSync(sql).tokens.map(({ start, end, tokenName, keywordKind, text }) => ({
      start,
      end,
      text,
      isComment: tokenName === 'SQL_COMMENT' || tokenName === 'C_COMMENT',
      isKeyword: keywordKind !== 0,
    }))
  } catch (error) {
    throw new SyntaxProblem((error as Error).message, -1)
  }
}

/** The body of a function or a DO block in PL/pgSQL, as libpg_query gives it. @throws SyntaxProblem */
export function parsePlpgsql(statement: string): Node {
  try {
    return parsePlPgSQLSync(statement) as unknown as Node
  } catch (error) {
    throw new SyntaxProblem((error as Error).message, -1)
  }
}
