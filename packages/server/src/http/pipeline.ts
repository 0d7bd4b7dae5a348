// The one way a request takes: identity, same site, access, validation, audit, handler. Derived from the
// contract, so an endpoint cannot skip a step. The steps are here in their order and nowhere else.
import { RowhouseError, endpoints } from '@rowhouse/contracts'
import type { Endpoint, EndpointId } from '@rowhouse/contracts'
import { enterAs, requireAccess, withoutOracle } from '../auth/access.ts'
import { identify } from '../auth/identify.ts'
import { requireSameSite } from '../auth/same-site.ts'
import { beginAudit, settleAudit } from '../catalogue/audit.ts'
import type { Actor, Call, Services } from '../context.ts'
import { handlers } from '../handlers.ts'
import { readJson } from './body.ts'
import { readQuery, requireText, validate } from './validate.ts'

export interface Incoming {
  readonly request: Request
  readonly params: Readonly<Record<string, string>>
  readonly requestId: string
  readonly ip: string | null
}

/** Switches guards off, one by one, so that a test can see what each of them holds. Not exported by the package. */
export interface Guards {
  readonly access: boolean
  readonly sameSite: boolean
}
export const allGuards: Guards = { access: true, sameSite: true }

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Named by people, or by a CRM: their case means something. */
const asWritten: ReadonlySet<string> = new Set(['table', 'recordId', 'object'])

/** One spelling of an id from here on: Postgres writes uuids in lower case. Tables, and keys that are text, are as they are. */
function spell(name: string, value: string): string {
  return asWritten.has(name) && !uuid.test(value) ? value : value.toLowerCase()
}

type AnyHandler = (call: Call<EndpointId>) => Promise<unknown>

/** Answers one endpoint. @throws RowhouseError for every refusal */
export async function answer(
  services: Services,
  id: EndpointId,
  incoming: Incoming,
  guards: Guards,
  onActor: (actor: Actor) => void,
): Promise<Response> {
  const endpoint: Endpoint = endpoints[id]
  const { request, requestId, ip } = incoming
  const params = Object.fromEntries(Object.entries(incoming.params).map(([name, value]) => [name, spell(name, value)]))
  const trace = { requestId, ip }
  const { actor, byCookie } = await identify(services, request.headers, ip ?? 'unknown')
  onActor(actor)
  if (guards.sameSite) requireSameSite(request.method, request.headers, byCookie, services.publicUrl())
  requireText(params, 'path')
  const organizationId = params['organizationId'] ?? null
  const connectionId = params['connectionId'] ?? null
  if (guards.access) await requireAccess(services.rowhouse, endpoint, actor, organizationId, trace, connectionId)
  const query = validate(endpoint.query, readQuery(new URL(request.url)), 'query')
  const body = validate(endpoint.body, endpoint.method === 'GET' ? undefined : await readJson(request), 'body')

  const cookies: string[] = []
  const call = {
    services,
    actor,
    ...trace,
    params,
    query,
    body,
    organization: () => enterAs(services.rowhouse, actor, organizationId ?? '', trace),
    setCookie: (cookie: string) => cookies.push(cookie),
  }
  const result = await audited(services, endpoint, actor, { ...incoming, params }, async () => {
    try {
      // The contract ties id, params, query, body and result together; a table of handlers cannot show that to the compiler.
      const result = await (handlers[id] as unknown as AnyHandler)(call as unknown as Call<EndpointId>)
      if (endpoint.audit !== null) await settleCopies(services, organizationId, result)
      return result
    } catch (error) {
      throw organizationId === null ? error : withoutOracle(error, organizationId)
    }
  })
  const headers = new Headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(JSON.stringify(result), { status: 200, headers })
}

/** Whoever changed something in an organization is answered when its home knows: a member who was removed is out by then. */
async function settleCopies(services: Services, organizationId: string | null, result: unknown): Promise<void> {
  // Who accepts an invitation learns only from the answer which organization it was.
  const { organizationId: named } = (result ?? {}) as { readonly organizationId?: unknown }
  const changed = organizationId ?? (typeof named === 'string' ? named : null)
  if (changed !== null) await services.copies.settle(changed)
}

async function audited(
  services: Services,
  endpoint: Endpoint,
  actor: Actor,
  { params, requestId, ip }: Incoming,
  act: () => Promise<unknown>,
): Promise<unknown> {
  // Somebody who is not signed in may call sign-out forever; that is nothing to keep.
  if (endpoint.audit === null || (actor.kind === 'anonymous' && endpoint.audit !== 'session.create')) return act()
  if (endpoint.audit === 'session.create') services.failures.check(ip ?? 'unknown')
  const entry = await beginAudit(services.catalogue, {
    actorKind: actor.kind,
    actorId: actor.kind === 'user' ? actor.userId : null,
    action: endpoint.audit,
    organizationId: params['organizationId'] ?? null,
    target:
      params['connectionId'] ??
      params['deadLetterId'] ??
      params['invitationId'] ??
      params['role'] ??
      params['userId'] ??
      params['rolloutId'] ??
      params['clusterId'] ??
      params['planId'] ??
      params['table'] ??
      null,
    requestId,
    ip,
  })
  try {
    const result = await act()
    await settleAudit(services.catalogue, entry, 'done')
    return result
  } catch (error) {
    await settleAudit(services.catalogue, entry, error instanceof RowhouseError ? error.code : 'internal')
    throw error
  }
}
