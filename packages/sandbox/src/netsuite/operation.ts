// One API operation: a request, or one that was kept to be worked on later. Plain data, so that a job can
// be stored. Types only.

export interface Operation {
  readonly method: string
  /** Below /services/rest: /record/v1/customer/107 */
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  readonly body: unknown
  /** Lower-case names; only those that routes look at. */
  readonly headers: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Records created, changed or deleted. */
  readonly written?: number
}
