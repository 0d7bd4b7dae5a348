// Which scope a request needs. Owns the names; whether a token has it is the token's.
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
import { factsOf, standardType } from './object-types.ts'
import type { Schemas } from './schemas.ts'

/** The scopes of which a request on objects needs one; undefined where none is asked here. */
export function neededScope(method: string, path: string, schemas: Schemas): readonly string[] | undefined {
  const name = /^\/crm\/(?:v3\/objects|v4\/objects|objects\/2026-03)\/([^/]+)/.exec(path)?.[1]
  const type = name === undefined ? undefined : (standardType(name) ?? schemas.find(name)?.type)
  if (type === undefined) return undefined
  const reads = method === 'GET' || /\/(search|batch\/read)$/.test(path)
  // Who may write may read.
  const { scope } = factsOf(type)
  return reads ? [`${scope}.read`, `${scope}.write`] : [`${scope}.write`]
}
