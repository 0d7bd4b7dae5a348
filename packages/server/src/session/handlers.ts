// Sign-in methods, the operator's session, and who one is.
import { RowhouseError } from '@rowhouse/contracts'
import type { Me } from '@rowhouse/contracts'
import { isOperatorKey } from '../auth/operator-key.ts'
import type { Handlers } from '../context.ts'
import { readMemberships } from './memberships.ts'
import { startPath } from './routes.ts'

const operator: Me = { actor: { kind: 'operator' }, memberships: [] }

export const sessionHandlers: Pick<Handlers, 'getSignInMethods' | 'signInAsOperator' | 'signOut' | 'getMe'> = {
  async getSignInMethods({ services: { signIn }, actor }) {
    return {
      operatorKey: true,
      signedIn: actor.kind !== 'anonymous',
      identityProvider: signIn === null ? null : { startUrl: startPath, label: signIn.label },
    }
  },

  async signInAsOperator({ services, body, ip, setCookie }) {
    const address = ip ?? 'unknown'
    services.failures.check(address)
    if (!isOperatorKey(body.operatorKey, services.config.operatorKey)) {
      services.failures.fail(address)
      throw new RowhouseError('operator_key_wrong')
    }
    setCookie(await services.cookies.writeSession({ kind: 'operator' }))
    return operator
  },

  async signOut({ services, setCookie }) {
    setCookie(services.cookies.endSession())
    return { signedOut: true }
  },

  async getMe({ services, actor }) {
    if (actor.kind !== 'user') return operator
    const person = services.rowhouse.as({ organizationId: null, userId: actor.userId })
    const { rows } = await person.query<{ email: string | null; name: string | null }>(
      'select email, name from rowhouse.users where id = rowhouse.user_id()',
    )
    return {
      actor: { kind: 'user', userId: actor.userId, email: rows[0]?.email ?? null, name: rows[0]?.name ?? null },
      memberships: await readMemberships(services.rowhouse, actor.userId),
    }
  },
}
