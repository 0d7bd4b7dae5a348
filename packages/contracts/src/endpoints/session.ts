import { z } from 'zod'
import { endpoint } from '../endpoint.ts'

export const membership = z
  .object({
    organizationId: z.uuid(),
    slug: z.string(),
    name: z.string(),
    role: z.string(),
    /** `*` is every permission; `connections.manage:<id>` is one connection's. */
    permissions: z.array(z.string()),
  })
  .meta({ id: 'Membership' })
export type Membership = z.infer<typeof membership>

export const me = z
  .object({
    actor: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('operator') }),
      z.object({
        kind: z.literal('user'),
        userId: z.uuid(),
        email: z.string().nullable(),
        name: z.string().nullable(),
      }),
    ]),
    /** A person's memberships; empty for an operator, who sees every organization. */
    memberships: z.array(membership),
  })
  .meta({ id: 'Me' })
export type Me = z.infer<typeof me>

export const signInMethods = z
  .object({
    operatorKey: z.literal(true),
    /** Whether this request carries a session: a page can ask without being refused. */
    signedIn: z.boolean(),
    /** Where the browser goes to sign in as a person; null when no identity provider is configured. */
    identityProvider: z.object({ startUrl: z.string(), label: z.string() }).nullable(),
  })
  .meta({ id: 'SignInMethods' })

export const getSignInMethods = endpoint({
  id: 'getSignInMethods',
  method: 'GET',
  path: '/v1/session/methods',
  summary: 'How one can sign in here',
  tag: 'session',
  access: 'public',
  audit: null,
  response: signInMethods,
})

export const signInAsOperator = endpoint({
  id: 'signInAsOperator',
  method: 'POST',
  path: '/v1/session',
  summary: 'Sign in with the operator key; sets the session cookie',
  tag: 'session',
  access: 'public',
  audit: 'session.create',
  body: z.object({ operatorKey: z.string().min(1).max(512) }),
  response: me,
  errors: ['operator_key_wrong', 'rate_limited'],
})

export const signOut = endpoint({
  id: 'signOut',
  method: 'DELETE',
  path: '/v1/session',
  summary: 'End the session',
  tag: 'session',
  access: 'public',
  audit: 'session.delete',
  response: z.object({ signedOut: z.literal(true) }),
})

export const getMe = endpoint({
  id: 'getMe',
  method: 'GET',
  path: '/v1/me',
  summary: 'Who is signed in, and the organizations they belong to',
  tag: 'session',
  access: 'signed_in',
  audit: null,
  response: me,
})
