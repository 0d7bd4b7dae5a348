// What was asked of each account, for tests that count calls. Bounded, in memory, gone on restart.
// Must not hold bodies or tokens: numbers of records are enough to judge batching.

export interface LoggedRequest {
  readonly method: string
  /** Path without the query: queries may hold a tenant's values. */
  readonly path: string
  /** 0 when the request was never answered. */
  readonly status: number
  /** ISO time of arrival. */
  readonly at: string
  readonly account: string
  readonly clientId: string
  readonly durationMs: number
  /** Records created, changed or deleted. */
  readonly written: number
  /** Salesforce: `Sforce-Call-Options`, by which a client marks its calls. */
  readonly callOptions?: string
  /** What chaos did to the request, when it did. */
  readonly chaos?: ChaosMark
}

export type ChaosMark =
  | 'refused'
  | 'failed'
  | 'not answered, not done'
  | 'not answered, done'
  | 'slow body'
  | 'HTML'
  | 'error body'
  | 'truncated'
  | 'repeated page'

export const logSizeMax = 20_000

export class RequestLog {
  readonly #requests = new Map<string, LoggedRequest[]>()

  add(request: LoggedRequest): void {
    const requests = this.#requests.get(request.account) ?? []
    this.#requests.set(request.account, requests)
    requests.push(request)
    // Dropping a tenth at a time keeps adding cheap.
    if (requests.length > logSizeMax) requests.splice(0, logSizeMax / 10)
  }

  of(account?: string): LoggedRequest[] {
    if (account !== undefined) return this.#requests.get(account) ?? []
    return [...this.#requests.values()].flat().sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  }

  clear(account?: string): void {
    if (account === undefined) this.#requests.clear()
    else this.#requests.delete(account)
  }
}
