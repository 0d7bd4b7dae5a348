// Which statements an application may send, and which command tags may come back. What would outlive the
// transaction, or end it under the seal, is refused before it runs by its first word; the tag the server answers
// with catches what the words did not show. An allow-list: a statement nobody thought of is refused.
import { RowhouseError } from '@rowhouse/contracts'

import type { Outcome } from './wire/batch.ts'

export type Scope = 'query' | 'transaction'

const anywhere = new Set([
  'SELECT',
  'WITH',
  'VALUES',
  'TABLE',
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'SHOW',
  'CALL',
  'NOTIFY',
])
/** Words that mean something only where a transaction is open. */
const inTransaction =
  /^(?:SAVEPOINT|RELEASE|LOCK|SET\s+(?:LOCAL|CONSTRAINTS)|ROLLBACK\s+(?:WORK\s+|TRANSACTION\s+)?TO)\b/i
const tagsAnywhere = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'SHOW', 'EXPLAIN', 'CALL', 'NOTIFY'])
const tagsInTransaction = new Set([...tagsAnywhere, 'SAVEPOINT', 'RELEASE', 'LOCK', 'SET', 'ROLLBACK'])

const FIRST_WORD = /[A-Za-z]+/y
const EXPLAIN_OPTIONS = /^explain\s*(?:\([^)]*\)|(?:(?:analyze|analyse|verbose)\b\s*)*)/i

/** Where the statement begins, past blanks, comments (which nest in Postgres) and opening parentheses. */
function startOf(text: string): number {
  let depth = 0
  for (let index = 0; index < text.length; index += 1) {
    if (text.startsWith('/*', index)) {
      depth += 1
      index += 1
    } else if (depth > 0) {
      if (text.startsWith('*/', index)) {
        depth -= 1
        index += 1
      }
    } else if (text.startsWith('--', index)) {
      const end = text.slice(index).search(/[\r\n]/)
      if (end < 0) return text.length
      index += end
    } else if (!/[\s(]/.test(text[index] ?? '')) {
      return index
    }
  }
  return text.length
}

function isAllowed(text: string, scope: Scope): boolean {
  const start = startOf(text)
  FIRST_WORD.lastIndex = start
  const word = FIRST_WORD.exec(text)?.[0]?.toUpperCase()
  if (word === undefined) return false
  if (anywhere.has(word)) return true
  if (word === 'EXPLAIN') {
    const explained = text.slice(start).replace(EXPLAIN_OPTIONS, '')
    return (
      explained.length < text.length &&
      !/^explain/i.test(explained.slice(startOf(explained))) &&
      isAllowed(explained, 'query')
    )
  }
  return scope === 'transaction' && inTransaction.test(text.slice(start))
}

/** @throws RowhouseError statement_not_allowed; nothing was sent */
export function requireAllowed(text: string, scope: Scope): void {
  if (typeof text !== 'string') throw new RowhouseError('invalid_option', 'A query takes its text as a string.')
  if (isAllowed(text, scope)) return
  const word = text.slice(startOf(text)).split(/\s/, 1)[0]?.slice(0, 20) ?? ''
  throw new RowhouseError('statement_not_allowed', `A statement that begins with "${word}" is not allowed here.`, {
    details: { statement: word, scope },
  })
}

const EXPANDS = /(?:\b(?:select|returning|distinct|all)|[,.)])\s*\*|^\s*table\b/i

/**
 * Whether a statement's columns are those that its table has when it is parsed. A multiplication after a parenthesis is
 * taken for one too, which costs it a parse.
 */
export function expandsColumns(text: string): boolean {
  return EXPANDS.test(text)
}

/** Why a connection must not be used again after this outcome, or null where it may. */
export function taint({ status, error, result, returnsRows }: Outcome, scope: Scope): string | null {
  if (status === 'broken') return 'the connection broke'
  if (scope === 'query' && status !== 'I') return 'the statement left a transaction open'
  if (scope === 'transaction' && status === 'I') return 'the statement ended the transaction'
  if (error !== null) return null
  const tags = scope === 'query' ? tagsAnywhere : tagsInTransaction
  if (!tags.has(result.command)) return `the statement was a ${result.command || 'nothing'}`
  if (result.command === 'SELECT' && !returnsRows) return 'the statement made a table'
  return null
}
