// The two addresses that a browser visits to connect a CRM account: out to the provider's page, and back from it. They
// answer with redirects, so they stand outside the API's contracts. Who goes out must come back: the session says who it
// is, and a cookie that it is the same browser, so nobody can have somebody else's account connected to their organization.
import { timingSafeEqual } from 'node:crypto'
import { RowhouseError } from '@rowhouse/contracts'
import { requireAccess } from '../auth/access.ts'
import { identify } from '../auth/identify.ts'
import { beginAudit, settleAudit } from '../catalogue/audit.ts'
import type { Actor, Services } from '../context.ts'
import type { Incoming } from '../http/pipeline.ts'
import { safeReturnTo } from '../session/return-to.ts'

export const connectStartPath = '/oauth/:connector/start'
export const connectCallbackPath = '/oauth/:connector/callback'

const callbackUrl = (services: Services, connector: string): string =>
  `${services.publicUrl()}/oauth/${connector}/callback`

/** What a provider puts into an address is short; more is not from one. */
const PARAMETER_MAX = 4000
const PARAMETERS_MAX = 20

export async function startConnect(services: Services, incoming: Incoming): Promise<Response> {
  const connector = incoming.params['connector'] ?? ''
  const userId = await whoIsIt(services, incoming)
  const ticket = parameter(incoming, 'ticket') ?? ''
  const { url, state } = await services.sync.authorize.start(
    connector,
    ticket,
    userId,
    callbackUrl(services, connector),
  )
  return redirect(url, await services.cookies.writeConnect({ state }))
}

export async function finishConnect(services: Services, incoming: Incoming): Promise<Response> {
  const connector = incoming.params['connector'] ?? ''
  const userId = await whoIsIt(services, incoming)
  const state = parameter(incoming, 'state') ?? ''
  const remembered = await services.cookies.readConnect(incoming.request.headers.get('cookie'))
  if (remembered === null || !same(remembered.state, state)) throw new RowhouseError('oauth_state_invalid')
  const finished = await services.sync.authorize.finish(
    connector,
    { state, code: parameter(incoming, 'code'), error: parameter(incoming, 'error'), parameters: parameters(incoming) },
    userId,
    callbackUrl(services, connector),
    async ({ organizationId, connectionId }) => {
      // The permission may have been taken away while the person was at the CRM.
      const actor: Actor = userId === null ? { kind: 'operator' } : { kind: 'user', userId }
      // A new connection needs the permission for all of them; another consent for one, the permission for that one.
      const access =
        connectionId === null
          ? ({ permission: 'connections.manage' } as const)
          : ({ permission: 'connections.manage', per: 'connection' } as const)
      await requireAccess(services.rowhouse, { access }, actor, organizationId, incoming, connectionId)
      const entry = await beginAudit(services.catalogue, {
        actorKind: userId === null ? 'operator' : 'user',
        actorId: userId,
        action: connectionId === null ? 'connection.create' : 'connection.reconnect',
        organizationId,
        target: connectionId,
        requestId: incoming.requestId,
        ip: incoming.ip,
      })
      return (outcome) => settleAudit(services.catalogue, entry, outcome)
    },
  )
  const back = new URL(safeReturnTo(finished.returnTo), 'http://rowhouse.invalid')
  if (finished.ok) back.searchParams.set('connected', finished.connection.id)
  else back.searchParams.set('connectError', finished.error.code)
  return redirect(back.pathname + back.search + back.hash, services.cookies.endConnect())
}

/** @returns the person's id, or null for an operator. @throws RowhouseError unauthenticated */
async function whoIsIt(services: Services, { request, ip }: Incoming): Promise<string | null> {
  const { actor } = await identify(services, request.headers, ip ?? 'unknown')
  if (actor.kind === 'anonymous')
    throw new RowhouseError('unauthenticated', 'Sign in to the console in this browser, then connect again.')
  return actor.kind === 'user' ? actor.userId : null
}

function parameter({ request }: Incoming, name: string): string | null {
  const values = new URL(request.url).searchParams.getAll(name)
  if (values.length > 1 || (values[0]?.length ?? 0) > PARAMETER_MAX) throw new RowhouseError('oauth_state_invalid')
  return values[0] ?? null
}

/** What the provider says beside the code, such as which account was chosen. */
function parameters(incoming: Incoming): Record<string, string> {
  const names = [...new Set(new URL(incoming.request.url).searchParams.keys())].slice(0, PARAMETERS_MAX)
  return Object.fromEntries(names.map((name) => [name, parameter(incoming, name) ?? '']))
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function redirect(location: string, cookie: string): Response {
  return new Response(null, {
    status: 302,
    // The address may hold a state or an error; the next page has no business with it.
    headers: { location, 'set-cookie': cookie, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
  })
}
