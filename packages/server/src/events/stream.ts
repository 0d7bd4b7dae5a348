// GET /v1/events: one response that stays open. It holds at most a bounded number of unread bytes; a
// listener that reads slower is cut off and comes back with Last-Event-ID.
import { RowhouseError } from '@rowhouse/contracts'
import type { Endpoint, ServerEvent } from '@rowhouse/contracts'
import { z } from 'zod'
import { readActivity } from '../activity/read-activity.ts'
import { enterAs, requireAccess, withoutOracle } from '../auth/access.ts'
import { identify } from '../auth/identify.ts'
import type { Actor, Services } from '../context.ts'
import type { Guards, Incoming } from '../http/pipeline.ts'
import { readQuery, validate } from '../http/validate.ts'
import { readMemberships } from '../session/memberships.ts'
import type { EventHub } from './hub.ts'
import { Subscriber } from './subscriber.ts'
import type { Outlet, Sight } from './subscriber.ts'

const unreadBytesMax = 4 * 1024 * 1024
const streamQuery = z.object({ organizationId: z.string().optional() })
const encoder = new TextEncoder()

/** @throws RowhouseError unauthenticated, organization_not_found, permission_denied, rate_limited, server_stopping */
export async function openStream(
  services: Services,
  hub: EventHub,
  { request, requestId, ip }: Incoming,
  guards: Guards,
  onActor: (actor: Actor) => void,
): Promise<Response> {
  const trace = { requestId, ip }
  const { actor } = await identify(services, request.headers, ip ?? 'unknown')
  onActor(actor)
  const query = validate(streamQuery, readQuery(new URL(request.url)), 'query') as z.infer<typeof streamQuery>
  const organizationId = query.organizationId?.toLowerCase() ?? null
  const access: Pick<Endpoint, 'access'> = {
    access: organizationId === null ? 'signed_in' : { permission: 'organization.read' },
  }
  if (guards.access) await requireAccess(services.rowhouse, access, actor, organizationId, trace)
  hub.requireRoom()

  const { outlet, body, heartbeat, onEnd } = createOutlet()
  const lastEventId = request.headers.get('last-event-id')
  const organization = organizationId === null ? null : enterAs(services.rowhouse, actor, organizationId, trace)
  const subscriber = new Subscriber({
    outlet,
    organizationId,
    readActivity: organization && ((filter) => readActivity(services.catalogue, organization, filter)),
    look: () => look(services, actor, organizationId, trace, guards),
    lastEventId: lastEventId !== null && /^\d{1,18}$/.test(lastEventId) ? lastEventId : null,
  })
  try {
    await subscriber.begin()
  } catch (error) {
    throw organizationId === null ? error : withoutOracle(error, organizationId)
  }
  onEnd(hub.join(subscriber, heartbeat))
  heartbeat()
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Tells nginx not to collect the stream.
      'x-accel-buffering': 'no',
    },
  })
}

/** What the caller may see now. Throws when a stream of one organization may no longer be listened to. */
async function look(
  services: Services,
  actor: Actor,
  organizationId: string | null,
  trace: { readonly requestId: string; readonly ip: string | null },
  guards: Guards,
): Promise<Sight> {
  if (!guards.access || actor.kind === 'operator') return null
  if (actor.kind === 'anonymous') throw new RowhouseError('unauthenticated')
  if (organizationId !== null) {
    const access = { access: { permission: 'organization.read' } } as const
    await requireAccess(services.rowhouse, access, actor, organizationId, trace)
  }
  const memberships = await readMemberships(services.rowhouse, actor.userId)
  return new Map(memberships.map(({ organizationId, permissions }) => [organizationId, permissions]))
}

function createOutlet(): {
  readonly outlet: Outlet
  readonly body: ReadableStream<Uint8Array>
  readonly heartbeat: () => void
  readonly onEnd: (end: () => void) => void
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null
  let leave: () => void = () => {}
  let isOpen = true
  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given
      },
      cancel() {
        isOpen = false
        leave()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: unreadBytesMax }),
  )
  const end = (): void => {
    if (!isOpen) return
    isOpen = false
    controller?.close()
    leave()
  }
  const write = (text: string): boolean => {
    if (!isOpen || controller === null) return false
    controller.enqueue(encoder.encode(text))
    if ((controller.desiredSize ?? 0) > 0) return true
    end()
    return false
  }
  return {
    body,
    heartbeat: () => write(': alive\n\n'),
    onEnd(given) {
      leave = given
      if (!isOpen) leave()
    },
    outlet: {
      send: (event: ServerEvent, id?: string) =>
        write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
      end,
      get isOpen() {
        return isOpen
      },
    },
  }
}
