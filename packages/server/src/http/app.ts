// Which path is answered by what. Routes of the API come from the contracts; beside them stand the live
// stream, webhooks, sign-in redirects, probes and the console. Every way out of here has a request id,
// the security headers and, when it fails, the one error shape.
import { randomUUID } from 'node:crypto'
import type { BlockList } from 'node:net'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { RowhouseError, auditExportPath, endpoints, eventsPath } from '@rowhouse/contracts'
import type { EndpointId } from '@rowhouse/contracts'
import { identify } from '../auth/identify.ts'
import type { ConsoleFiles } from '../console/files.ts'
import type { Actor, Services } from '../context.ts'
import type { EventHub } from '../events/hub.ts'
import { openStream } from '../events/stream.ts'
import { failedEvent } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { connectCallbackPath, connectStartPath, finishConnect, startConnect } from '../oauth/routes.ts'
import { openapiDocument } from '../openapi/document.ts'
import { exportAuditLog } from '../records/export-audit-log.ts'
import { callbackPath, finishSignIn, startPath, startSignIn } from '../session/routes.ts'
import { receiveWebhook } from '../webhooks/receive.ts'
import { clientAddress } from './client-address.ts'
import { errorAnswer, toPublicError } from './errors.ts'
import { withHeaders } from './headers.ts'
import { allGuards, answer } from './pipeline.ts'
import type { Guards, Incoming } from './pipeline.ts'
import { checkReady } from './ready.ts'

export interface AppOptions {
  readonly services: Services
  readonly hub: EventHub
  readonly metrics: Metrics
  readonly console: ConsoleFiles | null
  readonly trusted: BlockList
  /** @default every guard on; only tests pass others */
  readonly guards?: Guards
}

interface Bindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } }
}
type Route = (incoming: Incoming, onActor: (actor: Actor) => void) => Promise<Response> | Response

export function createApp(options: AppOptions): Hono<{ Bindings: Bindings }> {
  const { services, hub, metrics, guards = allGuards } = options
  const app = new Hono<{ Bindings: Bindings }>()
  const methodsOf = new Map<string, Set<string>>()
  const route = (method: string, path: string, name: string, run: Route): void => {
    methodsOf.set(path, (methodsOf.get(path) ?? new Set()).add(method))
    app.on(method, path, (context) => respond(options, context, name, run))
  }

  for (const id of Object.keys(endpoints) as EndpointId[]) {
    route(endpoints[id].method, endpoints[id].path, id, (incoming, onActor) =>
      answer(services, id, incoming, guards, onActor),
    )
  }
  route('GET', eventsPath, 'streamEvents', (incoming, onActor) => openStream(services, hub, incoming, guards, onActor))
  route('GET', auditExportPath, 'exportAuditLog', (incoming, onActor) =>
    exportAuditLog(services, incoming, guards, onActor),
  )
  route('GET', startPath, 'startSignIn', ({ request }) => startSignIn(services, new URL(request.url)))
  route('GET', callbackPath, 'finishSignIn', (incoming) => finishSignIn(services, incoming.request, incoming))
  route('GET', connectStartPath, 'startConnect', (incoming) => startConnect(services, incoming))
  route('GET', connectCallbackPath, 'finishConnect', (incoming) => finishConnect(services, incoming))
  route('POST', '/webhooks/:connector/:connectionId', 'receiveWebhook', async ({ request, params }) => {
    const { connector = '', connectionId = '' } = params
    try {
      const response = await receiveWebhook(services, request, { connector, connectionId })
      metrics.webhook(connector, response.status)
      return response
    } catch (error) {
      metrics.webhook(connector, toPublicError(error).status)
      throw error
    }
  })
  route('GET', '/openapi.json', 'openapi', () => Response.json(openapiDocument(services.publicUrl())))
  route('GET', '/healthz', 'healthz', () => Response.json({ status: 'up' }))
  route('GET', '/readyz', 'readyz', async () => Response.json(await checkReady(services.catalogue)))
  route('GET', '/metrics', 'metrics', async ({ request, ip }, onActor) => {
    // Who shows no key gets what is nobody's; a wrong key is refused, as everywhere.
    const isNamed = request.headers.has('authorization')
    const { actor } = isNamed ? await identify(services, request.headers, ip ?? 'unknown') : { actor: null }
    if (actor !== null) onActor(actor)
    const text = await metrics.text(actor?.kind === 'operator')
    return new Response(text, { headers: { 'content-type': metrics.contentType, 'cache-control': 'no-store' } })
  })
  for (const [path, methods] of methodsOf) {
    app.all(path, (context) =>
      respond(options, context, 'methodNotAllowed', () => {
        throw new RowhouseError('method_not_allowed', undefined, { details: { allow: [...methods] } })
      }),
    )
  }
  app.notFound((context) => respond(options, context, 'console', ({ request }) => consoleOrNotFound(options, request)))
  return app
}

async function consoleOrNotFound({ console }: AppOptions, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const isApi = /^\/(v1|webhooks|oauth)(\/|$)/.test(pathname)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const page = isApi || !isRead ? null : console?.answer(pathname, request.headers)
  if (page === null || page === undefined) throw new RowhouseError('not_found')
  return page
}

async function respond(
  options: AppOptions,
  context: Context<{ Bindings: Bindings }>,
  name: string,
  run: Route,
): Promise<Response> {
  const { services, metrics } = options
  const started = services.now()
  const requestId = randomUUID()
  const request = context.req.raw
  const socketAddress = context.env?.incoming?.socket?.remoteAddress ?? ''
  const ip = clientAddress(socketAddress, request.headers.get('x-forwarded-for'), options.trusted) || null
  let actor: Actor['kind'] = 'anonymous'
  let code: string | undefined
  let response: Response
  try {
    const incoming = { request, params: context.req.param() as Record<string, string>, requestId, ip }
    response = await run(incoming, ({ kind }) => {
      actor = kind
    })
  } catch (error) {
    const refusal = toPublicError(error, actor)
    code = refusal.code
    if (refusal.code === 'internal') services.log(failedEvent(name, refusal.cause ?? error, requestId))
    metrics.refusal(code)
    response = errorAnswer(refusal, requestId)
  }
  const durationMs = services.now() - started
  metrics.request(name, request.method, response.status, durationMs)
  services.log({
    type: 'request',
    requestId,
    method: request.method,
    endpoint: name,
    status: response.status,
    durationMs,
    actor,
    code,
  })
  return withHeaders(response, {
    requestId,
    contentSecurityPolicy: name === 'console' ? options.console?.contentSecurityPolicy : undefined,
    isSecure: services.publicUrl().startsWith('https:'),
  })
}
