// HTTP that answers from a list, for what a simulated provider cannot be brought to say. For tests only.
import type { ConnectorHttp, HttpAnswer, HttpRequest } from './http.ts'

export interface ScriptedHttp extends ConnectorHttp {
  /** What was asked so far. */
  readonly asked: readonly HttpRequest[]
}

/** Gives one answer after another, then empty ones; what an answer leaves out is `{ status: 200, body: {} }`. */
export function scripted(...answers: readonly Partial<HttpAnswer>[]): ScriptedHttp {
  const asked: HttpRequest[] = []
  return {
    asked,
    request(request) {
      asked.push(request)
      return Promise.resolve({ status: 200, headers: {}, body: {}, ...answers[asked.length - 1] })
    },
  }
}
