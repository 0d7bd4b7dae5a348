// Asks in SOQL. Owns quoting, which is the only thing between a value and the query's text, and the
// page of an answer. https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/
import { RowhouseError } from '@rowhouse/contracts'
import { ok, unread } from '../kit/answers.ts'
import type { Answer } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { arrayOf, isObject, objectOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import { apiPath } from './description.ts'
import { classify } from './failures.ts'

/** Sent with every call: changes carry it as their origin in change events. */
export const callHeaders = { 'sforce-call-options': 'client=rowhouse' }

export interface QueryPage {
  readonly rows: readonly JsonObject[]
  /** Fewer rows than asked for do not mean the end: wide rows come in smaller pages. */
  readonly done: boolean
  /** Salesforce's clock, from the answer. */
  readonly headers: Readonly<Record<string, string>>
}

/** One page of a query; `scope` all sees deleted records as well. */
export async function query(
  http: ConnectorHttp,
  soql: string,
  scope: 'live' | 'all' = 'live',
): Promise<Answer<QueryPage>> {
  const resource = scope === 'all' ? 'queryAll' : 'query'
  const answer = await http.request({
    method: 'GET',
    path: `${apiPath}/${resource}?${new URLSearchParams({ q: soql }).toString()}`,
    headers: callHeaders,
  })
  const failure = classify(answer)
  if (failure) return unread(failure)
  const body = objectOf(answer.body)
  const rows = arrayOf(body['records']).filter((row) => isObject(row))
  return ok({ rows, done: body['done'] !== false, headers: answer.headers })
}

export function quote(value: string): string {
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
  return `'${escaped}'`
}

/** @throws invalid_option for what cannot be the name of a field. */
export function fieldName(name: string): string {
  if (/^[A-Za-z][A-Za-z0-9_]{0,79}$/.test(name)) return name
  throw new RowhouseError('invalid_option', `${name} cannot be a field of Salesforce.`)
}

/** Rows strictly after a position in the order (SystemModstamp, Id). */
export function afterPosition(modifiedAt: string, id: string): string {
  const at = new Date(modifiedAt).toISOString()
  if (id === '') return `SystemModstamp >= ${at}`
  return `(SystemModstamp > ${at} OR (SystemModstamp = ${at} AND Id > ${quote(id)}))`
}
