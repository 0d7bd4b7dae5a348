// The isolation page's part of the URL.
import { findingSeverity } from '@rowhouse/contracts'
import type { FindingSeverity } from '@rowhouse/contracts'
import { oneOf, text } from '../app/search.ts'

export interface IsolationSearch {
  readonly severity?: FindingSeverity | undefined
  /** The finding that is open, as keyOf() writes it. */
  readonly finding?: string | undefined
}

export const isolationSearch = (search: Record<string, unknown>): IsolationSearch => ({
  severity: oneOf(findingSeverity.options, search['severity']),
  finding: text(search['finding']),
})
