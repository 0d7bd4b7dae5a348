// The load page's part of the URL.
import { oneOf } from '../app/search.ts'

export const usageSpans = ['hour'] as const

export interface LoadSearch {
  /** How far back. @default five minutes */
  readonly span?: (typeof usageSpans)[number] | undefined
}

export const loadSearch = (search: Record<string, unknown>): LoadSearch => ({
  span: oneOf(usageSpans, search['span']),
})
