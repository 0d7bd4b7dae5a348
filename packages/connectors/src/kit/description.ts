// What a connector says of its provider, before any call: objects, limits, capabilities.

export interface BudgetDescription {
  readonly name: string
  /** Most calls in a window; the engine never exceeds it. */
  readonly windows: readonly { readonly calls: number; readonly windowMs: number }[]
  /** Most calls a day, or null. Polling keeps within a tenth of it. */
  readonly callsPerDay: number | null
  /** Most calls under way at one time, or null; the engine never begins one more. */
  readonly concurrent: number | null
}

export interface ObjectDescription {
  /** Canonical name, e.g. `contact`, `company`. */
  readonly name: string
  /** The provider's own name, e.g. `contacts`, `Account`. */
  readonly remoteName: string
  readonly references: readonly { readonly name: string; readonly object: string }[]
  /** Fields whose value is unique at the provider, e.g. `email`; used for matching. */
  readonly uniqueFields: readonly string[]
  readonly pageSizeMax: number
  readonly batchSizeMax: number
  /** Provider's field that carries our create token; null where there is none. */
  readonly createTokenField: string | null
  /** Fields the provider computes; never written. */
  readonly readOnlyFields: readonly string[]
}

export interface ConnectorDescription {
  readonly id: string
  readonly name: string
  /** Base URL when the credentials carry none. */
  readonly defaultBaseUrl: string
  /** Domains whose https hosts are the provider's; a person can have Rowhouse call no other. */
  readonly domains: readonly string[]
  readonly objects: readonly ObjectDescription[]
  /** What holds for every custom object of an account. @default custom objects are not synced */
  readonly customObjects?: Pick<ObjectDescription, 'pageSizeMax' | 'batchSizeMax' | 'createTokenField'>
  readonly budgets: readonly BudgetDescription[]
  readonly capabilities: {
    readonly webhooks: boolean
    readonly conditionalWrites: boolean
    readonly clientTag: boolean
    readonly fieldHistory: boolean
  }
  /** Polls are never closer together than this, for providers that count no calls a day. @default 0 */
  readonly shortestPollMs?: number
  /** Changes may become visible this long after they were made; the poll's overlap. */
  readonly visibilityLagMs: number
  /** The mapping a new connection starts with: our table and column to the provider's field. */
  readonly defaultMapping: readonly ObjectMapping[]
}

export interface ObjectMapping {
  readonly object: string
  /** Local protected table, unqualified. */
  readonly table: string
  readonly fields: readonly { readonly column: string; readonly field: string }[]
  readonly references: readonly { readonly column: string; readonly reference: string }[]
  /** Synced only where the table has every column named here; without it, a missing column is an error. @default false */
  readonly optional?: boolean
  /** Local columns by which existing rows and records are matched before the first write, in order. */
  readonly matchBy: readonly string[]
}
