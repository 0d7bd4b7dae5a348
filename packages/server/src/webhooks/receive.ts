// Webhooks from CRMs: bounded, handed to the engine as raw bytes with the URL the provider signed, and
// answered quickly. The signature is the only proof; nothing in the body is believed before it.
import { RowhouseError } from '@rowhouse/contracts'
import type { Services } from '../context.ts'
import { readBytes } from '../http/body.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** @throws RowhouseError connection_not_found, payload_too_large, webhook_signature_invalid, webhook_expired, validation_failed */
export async function receiveWebhook(
  services: Services,
  request: Request,
  params: { readonly connector: string; readonly connectionId: string },
): Promise<Response> {
  if (!uuid.test(params.connectionId) || !/^[a-z][a-z0-9_-]{0,63}$/.test(params.connector)) {
    throw new RowhouseError('connection_not_found')
  }
  const { pathname, search } = new URL(request.url)
  const verdict = await services.sync.webhooks.receive(params.connector, params.connectionId, {
    method: request.method,
    // Never the Host header: whoever sends it would choose what the signature covers.
    url: services.publicUrl() + pathname + search,
    headers: Object.fromEntries(request.headers),
    rawBody: await readBytes(request),
  })
  if (!verdict.ok) throw new RowhouseError(verdict.code, verdict.reason)
  return Response.json({ accepted: true }, { status: 202 })
}
