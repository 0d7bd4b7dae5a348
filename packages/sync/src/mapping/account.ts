// An account's objects, as a mapping asks for them: each schema once, refusals as errors.
import type { Connector, ConnectorHttp, Failure, RemoteSchema } from '@rowhouse/connectors'
import type { MappedAccount } from './mapping.ts'

/** `refused` makes the error of a call that failed. */
export function accountOf(
  connector: Connector,
  http: ConnectorHttp,
  refused: (failure: Failure) => Error,
): MappedAccount {
  const known = new Map<string, RemoteSchema | null>()
  return {
    async schema(object) {
      const before = known.get(object)
      if (before !== undefined) return before
      const answer = await connector.schema(http, object)
      if (!answer.ok) throw refused(answer.failure)
      known.set(object, answer.value)
      return answer.value
    },
  }
}
