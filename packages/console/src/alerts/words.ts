// What an alert says.
import type { Alert } from '@rowhouse/contracts'
import { plural } from '../words/numbers.ts'

/** `4.2 × its usual`. */
export const formatFactor = (factor: number): string => `${factor < 10 ? factor.toFixed(1) : Math.round(factor)} ×`

/** A p95 in digits that matter: `0.8 ms`, `12 ms`, `1.4 s`. */
export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

export const closedWords: Record<NonNullable<Alert['closedBecause']>, string> = {
  recovered: 'as quick as usual again',
  quiet: 'too few statements to say',
  usual: 'this has become usual',
}

/** The page's sentence. @param isWhole false where there are more than these. @default true */
export function headlineOf(open: readonly Alert[], isWhole = true): string {
  if (open.length === 0) return 'No organization is slower than it usually is.'
  return `${isWhole ? '' : 'More than '}${plural(open.length, 'organization is', 'organizations are')} slower than ${open.length === 1 ? 'it usually is' : 'they usually are'}.`
}

/** What would be here. */
export const wouldShow =
  'One whose p95 becomes three times what is usual for it shows here at once, with the query that takes the time and since when.'
