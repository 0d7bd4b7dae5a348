// The sync slice of the conformance suite: the same connection, edit and webhook for an organization in shared tables, in a
// schema and in a database of its own.
import { createHmac } from 'node:crypto'
import { keepCopies } from '@rowhouse/fleet'
import type { CopyKeeper } from '@rowhouse/fleet'
import type { Connection } from '@rowhouse/contracts'
import { startSandbox } from '@rowhouse/sandbox'
import type { CreatedAccount, Hand, Sandbox } from '@rowhouse/sandbox'
import { describeInEveryModel } from '@rowhouse/testkit'
import { Pool } from 'pg'
import type { Organization } from 'rowhouse'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { TABLES, encryptionKey, fast, unlimited } from './fixtures/house.ts'
import { createSync } from './index.ts'
import type { Sync } from './index.ts'

const soon = { timeout: 60_000, interval: 20 }

describeInEveryModel(
  'a connection',
  (homes) => {
    let sandbox: Sandbox
    let sync: Sync
    let catalogue: Pool
    let copies: CopyKeeper
    let account: CreatedAccount
    let hand: Hand
    let connection: Connection
    let acme: Organization
    let other: Organization
    let remoteId: string

    const emails = async (organization: Organization): Promise<string[]> => {
      const { rows } = await organization.query<{ email: string }>('select email from contacts order by email')
      return rows.map(({ email }) => email)
    }
    const remote = async (id: string): Promise<Record<string, string> | undefined> => {
      const answer = await fetch(`${sandbox.url}/_sandbox/records?account=${account.id}&object=contacts`)
      const { records } = (await answer.json()) as {
        records: { readonly id: string; readonly properties: Record<string, string> }[]
      }
      return records.find((record) => record.id === id)?.properties
    }

    beforeAll(async () => {
      const { database, a, b } = homes()
      const rowhouse = homes().open({ pool: { max: 10 }, placement: { pollMs: 50 } })
      acme = rowhouse.as({ organizationId: a.organizationId, userId: a.ownerId })
      other = rowhouse.as({ organizationId: b.organizationId, userId: b.ownerId })
      sandbox = await startSandbox()
      account = sandbox.createAccount({ connector: 'hubspot', name: 'Alder', limits: unlimited })
      hand = sandbox.person(account.id)
      remoteId = hand.create('contacts', { email: 'theirs@ash.example', firstname: 'Theirs' })
      await acme.query(`insert into contacts (email, first_name) values ('ours@ash.example', 'Ours')`)
      // As every server and worker runs it: what a home in another database knows of its connections.
      catalogue = new Pool({ connectionString: database.controlUrl, max: 2 })
      const options = { catalogue, catalogueUrl: database.adminUrl, signingKey: database.signingKey }
      copies = keepCopies(options, () => {}, 50)
      sync = createSync({
        rowhouse,
        controlUrl: database.controlUrl,
        encryptionKey,
        connectors: fast,
        // Polls are so rare that what comes in has come by a webhook.
        shortestPollMs: 600_000,
      })
      connection = await sync.connections.create({
        organizationId: a.organizationId,
        connector: 'hubspot',
        accessToken: account.accessToken,
        clientId: 'private',
        clientSecret: account.webhookSecret,
        baseUrl: account.url,
      })
      sync.worker.start()
    })
    afterAll(async () => {
      await sync.close()
      await copies.stop()
      await catalogue.end()
      await sandbox.close()
    })

    it('backfills both ways, into the organization that it is of', async () => {
      await expect.poll(() => emails(acme), soon).toEqual(['ours@ash.example', 'theirs@ash.example'])
      const state = async () => (await sync.connections.get(homes().a.organizationId, connection.id)).state
      await expect.poll(state, soon).toBe('live')
      expect(await emails(other)).toEqual([])
      const { rows } = await acme.query<{ remote: string }>(
        `select remote_id as remote from rowhouse_home.sync_links where connection_id = $1`,
        [connection.id],
      )
      expect(rows.map(({ remote: id }) => id)).toContain(remoteId)
    })

    it('takes an edit out', async () => {
      await acme.query(`update contacts set title = 'Chief' where email = 'theirs@ash.example'`)
      await expect.poll(async () => (await remote(remoteId))?.['jobtitle'], soon).toBe('Chief')
    })

    it('takes a webhook in, which the change log ascribes to the connection, and sends nothing back', async () => {
      hand.update('contacts', remoteId, { phone: '+1 555 0100' })
      const rawBody = Buffer.from(
        JSON.stringify([
          {
            eventId: 1,
            subscriptionId: 1,
            portalId: Number(account.id),
            appId: 1,
            occurredAt: Date.now(),
            subscriptionType: 'contact.propertyChange',
            attemptNumber: 0,
            objectId: Number(remoteId),
          },
        ]),
      )
      const url = `https://app.example/webhooks/hubspot/${connection.id}`
      const timestamp = String(Date.now())
      const signature = createHmac('sha256', account.webhookSecret)
        .update(`POST${url}${rawBody.toString()}${timestamp}`)
        .digest('base64')
      const headers = { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp }
      expect(
        await sync.webhooks.receive('hubspot', connection.id, { method: 'POST', url, headers, rawBody }),
      ).toMatchObject({ ok: true })
      const phone = async () =>
        (await acme.query(`select phone from contacts where email = 'theirs@ash.example'`)).rows[0]?.['phone']
      await expect.poll(phone, soon).toBe('+1 555 0100')
      const { rows } = await acme.query(
        `select actor_kind as kind, origin from rowhouse.change_log
         where table_name ~ 'contacts' and new ->> 'phone' = '+1 555 0100'`,
      )
      expect(rows).toEqual([{ kind: 'sync', origin: connection.id }])
      const { rowCount } = await acme.query(
        `select from rowhouse_home.sync_deliveries where connection_id = $1 and fields ? 'phone'`,
        [connection.id],
      )
      expect(rowCount).toBe(0)
    })
  },
  TABLES,
)
