// What is said of all that organizations asked.
import type { Usage } from '@rowhouse/contracts'
import { formatDuration } from '../words/duration.ts'
import { plural } from '../words/numbers.ts'

/** The page's sentence: how much, by how many, and whether one of them is most of it. */
export function headlineOf(total: Usage['total'], [first]: readonly Usage['items'][number][], lately: string): string {
  if (first === undefined) return `No organization asked anything in ${lately}.`
  const all = `${plural(total.organizations, 'organization')} took ${formatDuration(total.timeMs)} of statements in ${lately}`
  return total.organizations > 1 && first.timeMs * 2 > total.timeMs ? `${all}, ${first.name} most of it.` : `${all}.`
}
