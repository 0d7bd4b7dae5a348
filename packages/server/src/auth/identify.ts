// Who is calling: the operator key or a JWT as bearer, or the session cookie. It proves identity and
// nothing else; what one may do is asked of the database at every request (access.ts).
import { RowhouseError } from '@rowhouse/contracts'
import type { Actor, Services } from '../context.ts'
import { isOperatorKey } from './operator-key.ts'

export interface Identity {
  readonly actor: Actor
  /** Whether a cookie proved it, which a browser sends by itself: then the request must come from our pages. */
  readonly byCookie: boolean
}

/** @throws RowhouseError operator_key_wrong, rate_limited, jwt_invalid, jwt_expired, issuer_missing, issuer_unreachable */
export async function identify(services: Services, headers: Headers, address: string): Promise<Identity> {
  const authorization = headers.get('authorization')
  if (authorization !== null) {
    return { actor: await fromBearer(services, authorization, address), byCookie: false }
  }
  const session = await services.cookies.readSession(headers.get('cookie'))
  if (session === null) return { actor: { kind: 'anonymous' }, byCookie: false }
  return {
    actor: session.kind === 'operator' ? { kind: 'operator' } : { kind: 'user', userId: session.userId },
    byCookie: true,
  }
}

async function fromBearer(services: Services, authorization: string, address: string): Promise<Actor> {
  const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
  if (token === undefined) throw new RowhouseError('unauthenticated', 'The Authorization header is not "Bearer …".')
  // A signed token is no guess at the operator key, so people behind the address of a guesser do not feel the limit.
  if (token.split('.').length === 3 && !isOperatorKey(token, services.config.operatorKey)) {
    // Only the token: an active organization is the path's business here, and a stale one must not refuse.
    const { userId } = await services.rowhouse.authenticate({ headers: { authorization } })
    return { kind: 'user', userId }
  }
  services.failures.check(address)
  if (isOperatorKey(token, services.config.operatorKey)) return { kind: 'operator' }
  services.failures.fail(address)
  throw new RowhouseError('operator_key_wrong')
}
