// Asks for pages, and notices two ways in which a provider never comes to an end: pages that are larger than is read
// at once, which are asked for in smaller ones, and a page that leads to itself, which is no page.
import type { Answer } from '@rowhouse/connectors'
import { tooLarge } from '../http/http.ts'
import type { LaneRun } from '../schedule/lane-run.ts'

/** Sizes from the largest down to one record. */
const SHRINK_BY = 4

/** A page of at most `sizeMax` records, or of fewer where those are too large; the size is remembered. */
export async function askPage<Page>(
  run: LaneRun,
  object: string,
  sizeMax: number,
  ask: (size: number) => Promise<Answer<Page>>,
): Promise<Answer<Page>> {
  const { pageSizes } = run.pollMemory
  for (
    let size = Math.min(pageSizes.get(object) ?? sizeMax, sizeMax);
    ;
    size = Math.max(1, Math.floor(size / SHRINK_BY))
  ) {
    const answer = await run.http.inParts(() => ask(size))
    if (answer !== tooLarge) return answer
    if (size === 1) return again('One record of the CRM is larger than an answer may be.')
    pageSizes.set(object, Math.max(1, Math.floor(size / SHRINK_BY)))
  }
}

/** The place of a page that was asked for before in this walk: a proxy or a cache repeats it. */
export const repeated = (): {
  readonly ok: false
  readonly failure: Extract<Answer<never>, { ok: false }>['failure']
} => again('The CRM gave a page that leads back to itself.')

function again(reason: string): Extract<Answer<never>, { ok: false }> {
  return { ok: false, failure: { action: 'retry', reason, afterMs: null, scope: 'call' } }
}
