// Asks in SuiteQL. Owns quoting, which is the only thing between a value and the query's text, and the page of
// an answer. A page is always the first one of its question: offsets end at 100,000 rows, a keyset does not.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_157909186990.html
import { RowhouseError } from '@rowhouse/contracts'
import { failed, hollow, ok, unread } from '../kit/answers.ts'
import type { Answer } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { isObject, listIn, objectOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import { ask, classify } from './failures.ts'

export interface QueryPage {
  readonly rows: readonly JsonObject[]
  readonly more: boolean
  /** NetSuite's clock, from the answer. */
  readonly headers: Readonly<Record<string, string>>
}

/** The first `limit` rows. Its columns are text, and what is null is absent. */
export async function query(http: ConnectorHttp, q: string, limit: number): Promise<Answer<QueryPage>> {
  const answer = await ask(http, {
    method: 'POST',
    path: `/services/rest/query/v1/suiteql?limit=${limit}`,
    headers: { prefer: 'transient' },
    json: { q },
  })
  const failure = classify(answer)
  if (failure) return unread(failure)
  const items = listIn(answer.body, 'items')
  const rows = items?.filter((row) => isObject(row))
  if (rows === undefined || rows.length !== items?.length) return failed(hollow('NetSuite'))
  const more = objectOf(answer.body)['hasMore'] === true || rows.length >= limit
  return ok({ rows, more, headers: answer.headers })
}

/** A text as a literal. A doubled quotation mark is the only escape there is. */
export function quote(value: string): string {
  // NUL ends a text in Oracle.
  return `'${value.replaceAll('\0', '').replaceAll("'", "''")}'`
}

/** @throws invalid_option for what cannot be the name of a column. */
export function columnName(name: string): string {
  if (/^[A-Za-z][A-Za-z0-9_]{0,79}$/.test(name)) return name.toLowerCase()
  throw new RowhouseError('invalid_option', `${name} cannot be a field of NetSuite.`)
}

const mask = 'YYYY-MM-DD HH24:MI:SS'

/** A date with its time as text, in the account's wall clock. */
export function wallText(column: string): string {
  return `TO_CHAR(${column}, '${mask}')`
}

/** A wall clock, as milliseconds, as a literal. */
export function wallLiteral(wall: number): string {
  return `TO_DATE(${quote(formatWall(wall))}, '${mask}')`
}

/** `2026-03-01 12:00:02` of a wall clock in milliseconds. */
export function formatWall(wall: number): string {
  return new Date(wall).toISOString().slice(0, 19).replace('T', ' ')
}

/** The wall clock of such a text, as if it were UTC; null when it is none. */
export function parseWall(text: unknown): number | null {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return null
  const wall = Date.parse(`${text.replace(' ', 'T')}Z`)
  return Number.isFinite(wall) ? wall : null
}
