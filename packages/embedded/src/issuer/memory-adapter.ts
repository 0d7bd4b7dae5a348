// Where oidc-provider keeps codes, grants and sign-ins under way: in memory, bounded, gone with the process.
// Access tokens are JWTs and need no entry here.
import type { Adapter, AdapterPayload } from 'oidc-provider'

const entriesMax = 5000

interface Entry {
  readonly payload: AdapterPayload
  readonly expiresAt: number
}

/** One store for all models, with an adapter per model, as oidc-provider asks for them. */
export function makeMemory(now: () => number): (model: string) => Adapter {
  const entries = new Map<string, Entry>()

  const find = (test: (payload: AdapterPayload) => boolean, prefix: string): AdapterPayload | undefined => {
    for (const [key, { payload, expiresAt }] of entries) {
      if (key.startsWith(prefix) && expiresAt > now() && test(payload)) return payload
    }
    return undefined
  }

  return (model) => {
    const prefix = `${model}:`
    return {
      async upsert(id, payload, expiresInSeconds) {
        const key = prefix + id
        entries.delete(key)
        entries.set(key, { payload, expiresAt: now() + (expiresInSeconds ?? Infinity) * 1000 })
        // A map keeps the order of insertion: the first is the oldest.
        for (const oldest of entries.keys()) {
          if (entries.size <= entriesMax) break
          entries.delete(oldest)
        }
      },
      async find(id) {
        const entry = entries.get(prefix + id)
        return entry !== undefined && entry.expiresAt > now() ? entry.payload : undefined
      },
      findByUid: async (uid) => find((payload) => payload.uid === uid, prefix),
      findByUserCode: async (userCode) => find((payload) => payload.userCode === userCode, prefix),
      async consume(id) {
        const entry = entries.get(prefix + id)
        if (entry !== undefined) entry.payload.consumed = Math.floor(now() / 1000)
      },
      async destroy(id) {
        entries.delete(prefix + id)
      },
      async revokeByGrantId(grantId) {
        for (const [key, { payload }] of entries) if (payload.grantId === grantId) entries.delete(key)
      },
    }
  }
}
