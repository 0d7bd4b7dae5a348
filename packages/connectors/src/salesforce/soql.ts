// Asks in SOQL. Owns quoting, which is the only thing between a value and the query's text, and the
// page of an answer. https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/
import { RowhouseError } from '@rowhouse/contracts'
import { failed, hollow, ok, unread } from '../kit/answers.ts'
import { batches } from '../kit/batches.ts'
import type { Answer } from '../kit/connector.ts'
import type { ConnectorHttp, HttpAnswer } from '../kit/http.ts'
import { countOf, isObject, listIn, objectOf, textOf } from '../kit/reading.ts'
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
  const answer = await http.request({ method: 'GET', path: queryPath({ soql, scope }), headers: callHeaders })
  return pageOf(answer)
}

/** Queries of one composite call; the API takes five among its 25 subrequests. */
export const queriesPerCall = 5

export interface Query {
  readonly soql: string
  readonly scope: 'live' | 'all'
}

/**
 * One page of each query, in order, for a fifth of the calls. One failure is the failure of all.
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
 */
export async function queryEach(http: ConnectorHttp, queries: readonly Query[]): Promise<Answer<readonly QueryPage[]>> {
  const pages: QueryPage[] = []
  for (const batch of batches(queries, queriesPerCall)) {
    const answer = await http.request({
      method: 'POST',
      path: `${apiPath}/composite`,
      json: {
        allOrNone: false,
        compositeRequest: batch.map((asked, index) => ({
          method: 'GET',
          url: queryPath(asked),
          referenceId: `query${index}`,
        })),
      },
      headers: callHeaders,
    })
    const failure = classify(answer)
    if (failure) return unread(failure)
    const entries = listIn(answer.body, 'compositeResponse')?.map((entry) => objectOf(entry))
    if (entries?.length !== batch.length) return failed(hollow('Salesforce'))
    for (const entry of entries) {
      const status = countOf(textOf(entry['httpStatusCode']) ?? undefined) ?? 0
      const page = pageOf({ status, headers: answer.headers, body: entry['body'] })
      if (!page.ok) return page
      pages.push(page.value)
    }
  }
  return ok(pages)
}

function queryPath({ soql, scope }: Query): string {
  return `${apiPath}/${scope === 'all' ? 'queryAll' : 'query'}?${new URLSearchParams({ q: soql }).toString()}`
}

function pageOf(answer: HttpAnswer): Answer<QueryPage> {
  const failure = classify(answer)
  if (failure) return unread(failure)
  const records = listIn(answer.body, 'records')
  const rows = records?.filter((row) => isObject(row))
  if (rows === undefined || rows.length !== records?.length) return failed(hollow('Salesforce'))
  return ok({ rows, done: objectOf(answer.body)['done'] !== false, headers: answer.headers })
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
