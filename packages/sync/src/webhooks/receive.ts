// Receives webhooks: verified by the connector with the app's secret, then turned into marks. A webhook is a
// hint that records may have changed; no value of it is ever used.
import { RowhouseError } from '@rowhouse/contracts'
import type { Connector, WebhookRequest, WebhookVerdict } from '@rowhouse/connectors'
import type { Pool } from 'pg'
import type { Rowhouse } from 'rowhouse'
import { readConnection } from '../connections/store.ts'
import type { Vault } from '../credentials/vault.ts'
import { addMarks } from '../home/marks.ts'
import type { NewMark } from '../home/marks.ts'
import { wakeUnit } from '../schedule/units.ts'

export interface WebhookContext {
  readonly pool: Pool
  readonly rowhouse: Rowhouse
  readonly connectors: ReadonlyMap<string, Connector>
  readonly vault: Vault
  readonly now: () => number
  readonly onDue: () => void
}

/** @throws RowhouseError connection_not_found, also when the connection belongs to another connector */
export async function receiveWebhook(
  context: WebhookContext,
  connectorId: string,
  connectionId: string,
  request: WebhookRequest,
): Promise<WebhookVerdict> {
  const [stored, { app }] = await Promise.all([
    readConnection(context.pool, connectionId),
    context.vault.read(connectionId),
  ])
  const connector = context.connectors.get(connectorId)
  if (connector === undefined || stored.connector !== connectorId)
    throw new RowhouseError('connection_not_found', `There is no ${connectorId} connection ${connectionId}.`)
  if (app === null)
    return {
      ok: false,
      code: 'webhook_signature_invalid',
      reason: 'The connection has no app secret to check a signature with.',
    }
  const verdict = connector.verifyWebhook(request, app.clientSecret, stored.account, context.now())
  if (!verdict.ok) return verdict
  const known = new Set(stored.mapping.map(({ object }) => object))
  const marks = verdict.due
    .filter(({ object }) => known.has(object))
    .flatMap(({ object, ids, deletedIds }): NewMark[] => [
      ...ids.map((recordId) => ({ object, recordId, told: true })),
      ...deletedIds.map((recordId) => ({ object, recordId, deleted: true, told: true })),
    ])
  if (marks.length > 0) {
    const organization = context.rowhouse.as({ organizationId: stored.organizationId, connectionId })
    await addMarks(organization, connectionId, 'inbound', marks)
    await wakeUnit(context.pool, connectionId, 'inbound')
    context.onDue()
  }
  return verdict
}
