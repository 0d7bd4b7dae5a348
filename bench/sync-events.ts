// How long a change at Salesforce takes to the row by its change events alone: polls are an hour apart, and are counted.
import { connectors } from '@rowhouse/connectors'
import type { Connector } from '@rowhouse/connectors'
import type { Sandbox } from '@rowhouse/sandbox'
import { createSync } from '@rowhouse/sync'
import { createRowhouse } from 'rowhouse'

import { SIGNING_KEY } from './database.ts'
import { installDatabase, unlimited, until } from './sync-world.ts'

const DATABASE = 'rowhouse_bench_sync_events'
const CONTACTS = 50
const HOUR_MS = 3_600_000

/** Milliseconds from the commit there to the row here, change by change, and the polls that were made meanwhile. */
export async function hearEvents(
  adminUrl: string,
  sandbox: Sandbox,
  changes: number,
): Promise<{ latencies: number[]; polls: number }> {
  const { urls, ids } = await installDatabase(adminUrl, DATABASE)
  const [organizationId = '', userId = ''] = ids
  const account = sandbox.createAccount({ connector: 'salesforce', name: 'Bench', limits: { dailyMax: 10_000_000 } })
  const hand = sandbox.person(account.id)
  const contacts = Array.from({ length: CONTACTS }, (_, n) =>
    hand.create('Contact', { LastName: `P${n}`, Email: `p${n}@bench.example` }),
  )
  const rowhouse = createRowhouse({ url: urls.app, signingKey: SIGNING_KEY, pool: { max: 10 } })
  let polls = 0
  const sync = createSync({
    rowhouse,
    controlUrl: urls.control,
    encryptionKey: SIGNING_KEY,
    connectors: new Map([['salesforce', unlimited(connectors.get('salesforce') as Connector)]]),
    shortestPollMs: HOUR_MS,
    slowestPollMs: HOUR_MS,
    observe: (event) => {
      if (event.type === 'call' && event.path.endsWith('/composite')) polls += 1
    },
  })
  try {
    const { accessToken, url: baseUrl } = account
    const { id } = await sync.connections.create({ organizationId, connector: 'salesforce', accessToken, baseUrl })
    sync.worker.start()
    const isListening = async (): Promise<boolean> => {
      const { events, state } = await sync.connections.get(organizationId, id)
      return state === 'live' && events?.state === 'connected' && polls > 0
    }
    await until('the event stream', isListening, 20)
    const person = rowhouse.as({ organizationId, userId })
    const titled = async (title: string): Promise<boolean> =>
      (await person.query('select from contacts where title = $1', [title])).rowCount === 1
    // The first one also waits for whatever the opening left to do.
    await change(0)
    const before = polls
    const latencies: number[] = []
    for (let number = 1; number <= changes; number++) latencies.push(await change(number))
    return { latencies, polls: polls - before }

    async function change(number: number): Promise<number> {
      const title = `Title ${number}`
      hand.update('Contact', contacts[number % CONTACTS] ?? '', { Title: title })
      const committedMs = Date.now()
      await until('a change event', () => titled(title), 2)
      return Date.now() - committedMs
    }
  } finally {
    await sync.close()
    await rowhouse.close()
  }
}
