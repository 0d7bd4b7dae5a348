// How a route says no: thrown anywhere below it, turned into the CRM's own answer at the edge. Not a
// RowhouseError on purpose: it imitates another program's refusal and never leaves the HTTP answer.
import type { ContentfulStatusCode } from 'hono/utils/http-status'

export class Refusal extends Error {
  readonly status: ContentfulStatusCode
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`The simulated CRM answers ${status}.`)
    this.name = 'Refusal'
    this.status = status as ContentfulStatusCode
    this.body = body
    this.headers = headers
  }
}
