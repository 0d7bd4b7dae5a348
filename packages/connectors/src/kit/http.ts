// The HTTP a connector sees. The engine implements it over undici and owns budget, credentials,
// tracing, redaction, timeouts and retries of nothing: one request is one call on the wire.

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query below the account's base URL, or an absolute URL of the same origin. */
  readonly path: string
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent form-encoded; for token endpoints. */
  readonly form?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** Name of the budget this call draws from, of the description's; null where the provider counts none. @default 'default' */
  readonly budget?: string | null
  /** The provider holds the answer back this long on purpose, until it has something to say. @default 0 */
  readonly holdMs?: number
  /** Token endpoints are called without the access token. @default true */
  readonly authorized?: boolean
}

export interface HttpAnswer {
  /** 0 when no answer came: the connection failed or timed out. */
  readonly status: number
  /** Lower-case names; of several cookies one a line. */
  readonly headers: Readonly<Record<string, string>>
  /** Parsed when it is JSON, else the text (at most 64 KiB). */
  readonly body: unknown
}

export interface ConnectorHttp {
  request(request: HttpRequest): Promise<HttpAnswer>
}
