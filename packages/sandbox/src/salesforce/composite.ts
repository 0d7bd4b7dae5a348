// Composite requests: up to 25 operations in one call, later ones may use results of earlier ones, all
// or none on request. Owns references and the answer entries.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
import { z } from 'zod'
import { SalesforceRefusal, notFound } from './errors.ts'
import { bodyOf } from './operation.ts'
import type { Answer, Operation, Run } from './operation.ts'

export const compositeMax = 25

const compositeSchema = z.object({
  allOrNone: z.boolean().default(false),
  compositeRequest: z
    .array(
      z.object({
        method: z.enum(['GET', 'POST', 'PATCH', 'PUT', 'DELETE']),
        url: z.string(),
        referenceId: z.string().min(1),
        body: z.unknown().optional(),
        httpHeaders: z.record(z.string(), z.string()).default({}),
      }),
    )
    .min(1),
})

type Subrequest = z.output<typeof compositeSchema>['compositeRequest'][number]

interface Entry {
  readonly body: unknown
  readonly httpHeaders: Readonly<Record<string, string>>
  readonly httpStatusCode: number
  readonly referenceId: string
}

/** Runs the subrequests in order. `perform` never throws a refusal: it answers it. */
export function composite(run: Run, perform: (operation: Operation) => Answer): Answer {
  const parsed = compositeSchema.safeParse(bodyOf(run.operation))
  if (!parsed.success) throw new SalesforceRefusal(400, 'JSON_PARSER_ERROR', z.prettifyError(parsed.error))
  const { allOrNone, compositeRequest } = parsed.data
  if (compositeRequest.length > compositeMax) {
    throw new SalesforceRefusal(400, 'LIMIT_EXCEEDED', `The maximum number of subrequests is ${compositeMax}.`)
  }
  let written = 0
  const entries = run.organization.records.group(
    () => {
      const done: Entry[] = []
      const results = new Map<string, unknown>()
      for (const subrequest of compositeRequest) {
        if (allOrNone && done.some(failed)) break
        const answer = resolveAndPerform(subrequest, results, perform)
        const { referenceId } = subrequest
        written += answer.written ?? 0
        results.set(referenceId, answer.body)
        done.push({
          body: answer.body ?? null,
          httpHeaders: answer.headers ?? {},
          httpStatusCode: answer.status,
          referenceId,
        })
      }
      return done
    },
    (done) => !allOrNone || !done.some(failed),
  )
  if (!allOrNone || !entries.some(failed)) return { status: 200, body: { compositeResponse: entries }, written }
  return {
    status: 200,
    body: { compositeResponse: compositeRequest.map(({ referenceId }) => rolledBack(entries, referenceId)) },
  }
}

function failed(entry: Entry): boolean {
  return entry.httpStatusCode >= 400
}

function rolledBack(entries: readonly Entry[], referenceId: string): Entry {
  const own = entries.find((entry) => entry.referenceId === referenceId)
  if (own && failed(own)) return own
  const message = 'The transaction was rolled back since another operation in the same transaction failed.'
  return { body: [{ errorCode: 'PROCESSING_HALTED', message }], httpHeaders: {}, httpStatusCode: 400, referenceId }
}

function resolveAndPerform(
  { method, url, body, httpHeaders }: Subrequest,
  results: ReadonlyMap<string, unknown>,
  perform: (operation: Operation) => Answer,
): Answer {
  const unresolved: string[] = []
  const resolve = (text: string, encode: (value: string) => string): string =>
    substitute(text, results, encode, unresolved)
  const resolvedUrl = resolve(url, encodeURIComponent)
  const text =
    body === undefined ? 'null' : resolve(JSON.stringify(body), (value) => JSON.stringify(value).slice(1, -1))
  if (unresolved.length > 0) {
    const message = `Invalid reference specified. No value for ${unresolved.join(', ')} found.`
    return { status: 400, body: [{ errorCode: 'PROCESSING_HALTED', message }] }
  }
  if (!URL.canParse(resolvedUrl, 'http://sandbox')) return { status: 404, body: [notFound().error] }
  const target = new URL(resolvedUrl, 'http://sandbox')
  const [, version = '', path = ''] = /^\/services\/data\/(v\d+\.\d)(\/.*)?$/.exec(target.pathname) ?? []
  const headers = Object.fromEntries(Object.entries(httpHeaders).map(([name, value]) => [name.toLowerCase(), value]))
  return perform({ method, path, version, query: target.searchParams, body: JSON.parse(text), headers })
}

// '@{ref.id}' and '@{ref[0].id}' stand for a value in the answer of an earlier subrequest.
function substitute(
  text: string,
  results: ReadonlyMap<string, unknown>,
  encode: (value: string) => string,
  unresolved: string[],
): string {
  return text.replace(/@\{(\w+)((?:\.\w+|\[\d+\])*)\}/g, (whole, referenceId: string, path: string) => {
    let value = results.get(referenceId)
    for (const [, key, index] of path.matchAll(/\.(\w+)|\[(\d+)\]/g)) {
      value = (value as Record<string, unknown> | null | undefined)?.[key ?? index ?? '']
    }
    if (typeof value === 'string' || typeof value === 'number') return encode(String(value))
    unresolved.push(whole)
    return ''
  })
}
