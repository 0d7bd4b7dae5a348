// A page of a collection: limit, offset, links to the other pages. Owns the bounds of paging.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_156414087576.html
import { invalidParameter } from './errors.ts'
import type { Run } from './route.ts'

export const pageMax = 1000
/** Results a query gives at most, however it pages. */
export const resultsMax = 100_000

export interface Span {
  readonly limit: number
  readonly offset: number
}

/** Throws INVALID_PARAMETER for a limit above 1,000 and an offset that is no multiple of it. */
export function spanOf({ query }: Run): Span {
  const limit = wholeNumber(query, 'limit', pageMax)
  const offset = wholeNumber(query, 'offset', 0)
  if (limit < 1 || limit > pageMax) {
    throw invalidParameter('limit', `Invalid query parameter value. The limit is a number from 1 to ${pageMax}.`)
  }
  if (offset % limit !== 0) {
    throw invalidParameter('offset', 'Invalid query parameter value. The offset has to be divisible by the limit.')
  }
  return { limit, offset }
}

/** The envelope around items; `found` is all of them or those up to the end of the page, `total` how many there are. */
export function envelope(
  run: Run,
  { limit, offset }: Span,
  items: readonly unknown[],
  total: number,
): Record<string, unknown> {
  const href = (at: number): string => {
    const query = new URLSearchParams(run.query)
    query.set('limit', String(limit))
    query.set('offset', String(at))
    return `${run.base}${run.operation.path}?${query.toString()}`
  }
  const last = Math.max(0, Math.ceil(total / limit) - 1) * limit
  const hasMore = offset + limit < total
  return {
    links: [
      ...(hasMore
        ? [
            { rel: 'next', href: href(offset + limit) },
            { rel: 'last', href: href(last) },
          ]
        : []),
      ...(offset > 0
        ? [
            { rel: 'first', href: href(0) },
            { rel: 'previous', href: href(Math.max(0, offset - limit)) },
          ]
        : []),
      { rel: 'self', href: href(offset) },
    ],
    count: items.length,
    hasMore,
    items,
    offset,
    totalResults: total,
  }
}

function wholeNumber(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name)
  if (text === null || text === '') return fallback
  if (!/^\d{1,9}$/.test(text))
    throw invalidParameter(name, `Invalid query parameter value ${text.slice(0, 40)} for ${name}.`)
  return Number(text)
}
