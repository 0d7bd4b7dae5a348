// SuiteQL over HTTP: the header it needs, the page, the bound. Owns no language: suiteql/ has it.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_157909186990.html
import { invalidHeader, invalidParameter } from './errors.ts'
import { bodyOf, collectionType } from './route.ts'
import type { Answer } from './operation.ts'
import type { Route, Run } from './route.ts'
import { envelope, resultsMax, spanOf } from './page.ts'
import { runQuery } from './suiteql/query.ts'

export const queryRoutes: readonly Route[] = [{ method: 'POST', pattern: '/query/v1/suiteql', run: query }]

function query(run: Run): Answer {
  const prefer = (run.operation.headers['prefer'] ?? '').toLowerCase()
  if (!/\b(transient|respond-async)\b/.test(prefer)) {
    throw invalidHeader(
      'Prefer',
      'Missing or invalid required header. Provide the Prefer header with the value transient.',
    )
  }
  const span = spanOf(run)
  if (span.offset >= resultsMax) {
    throw invalidParameter('offset', `Invalid query parameter value. A query gives ${resultsMax} results at most.`)
  }
  const { q } = bodyOf(run.operation)
  if (typeof q !== 'string' || q.trim() === '') {
    throw invalidParameter('q', 'Invalid search query. Provide a valid search query.')
  }
  const { total, items } = runQuery(run.company, q, run.world.now(), span.offset, span.limit)
  return { status: 200, body: envelope(run, span, items, total), headers: { 'content-type': collectionType } }
}
