// What was not covered, for people: some thousand tables may share a reason, and a page of one line each is read by nobody.
import type { NotCovered } from './report.ts'

/** Lines shown of one reason; the JSON report has all. */
const SHOWN_MAX = 12

export function notCoveredInWords(entries: readonly NotCovered[]): string[] {
  return [...Map.groupBy(entries, ({ reason }) => reason)].flatMap(([reason, of]) => {
    // One more line that counts one is no shorter.
    const shown = of.length > SHOWN_MAX + 1 ? of.slice(0, SHOWN_MAX) : of
    const lines = shown.map(({ object, probe }) => `${object}, ${probe}: ${reason}`)
    return shown.length === of.length ? lines : [...lines, `and ${of.length - shown.length} more: ${reason}`]
  })
}
