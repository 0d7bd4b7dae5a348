// The catalogue and the log hold nothing of a tenant: a value is planted where a provider or the database quotes
// it back in an error, and looked for everywhere outside of the organization's home.
import { connectors } from '@rowhouse/connectors'
import type { Connector, Failure } from '@rowhouse/connectors'
import { withClient } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'
import { useHouse, withLimits } from './fixtures/house.ts'
import { publicError } from './observe/public-reason.ts'

const PLANTED = 'planted-7f3a@nowhere'
const quoted = `Contact ${PLANTED} was refused.`
const failures: { poll: Failure | null } = { poll: null }
const hubspot = connectors.get('hubspot') as Connector
const quick = withLimits(hubspot, {
  budgets: [{ name: 'default', windows: [{ calls: 100_000, windowMs: 1000 }], callsPerDay: null, concurrent: null }],
})
const failing = new Proxy(quick, {
  get: (target, key) =>
    key === 'poll' && failures.poll !== null
      ? () => Promise.resolve({ ok: false, failure: failures.poll })
      : (Reflect.get(target, key, target) as unknown),
})
const house = useHouse({ connectors: new Map([['hubspot', failing]]) })
const soon = { timeout: 60_000, interval: 20 }

/** Tables outside of the home that hold the planted value. The change log is sealed like the home. */
async function findPlanted(): Promise<string[]> {
  return withClient(house().database.adminUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'rowhouse' and c.relkind in ('r', 'p') and c.relname !~ '^change_log'`,
    )
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(['connections', 'sync_units', 'sync_budgets']))
    const found: string[] = []
    for (const { name } of rows) {
      const hit = await client.query(`select from rowhouse.${name} t where t::text like $1 limit 1`, [`%${PLANTED}%`])
      if (hit.rowCount !== 0) found.push(name)
    }
    return found
  })
}

describe('a value that an error quotes', () => {
  it('stays in the home, whatever the failure leads to', async () => {
    const alder = await house().connect(0, house().createAccount({ connector: 'hubspot', name: 'Alder' }))
    house().sync.worker.start()
    await house().live(alder)

    await alder.person.query('insert into contacts (email) values ($1)', [PLANTED])
    await expect.poll(() => house().sync.deadLetters.list(alder.organizationId, alder.acting), soon).toHaveLength(1)
    const [letter] = await house().sync.deadLetters.list(alder.organizationId, alder.acting)
    expect(letter?.reason).toContain(PLANTED)

    const lastError = async (): Promise<unknown> => {
      const { lastError: last } = await house().sync.connections.get(alder.organizationId, alder.connection.id)
      return last === null ? null : { code: last.code, message: last.message }
    }
    const state = async (): Promise<unknown> => {
      const now = await house().sync.connections.get(alder.organizationId, alder.connection.id)
      return [now.state, now.stateReason]
    }
    failures.poll = { action: 'retry', reason: quoted, afterMs: 1, scope: 'call' }
    const unreachable = { code: 'connector_unreachable', message: 'The CRM does not answer.' }
    await expect.poll(lastError, soon).toEqual(unreachable)
    await expect.poll(state, soon).toEqual(['degraded', unreachable.message])
    failures.poll = { action: 'resync', reason: quoted }
    await expect.poll(lastError, soon).toEqual({ code: 'connector_failed', message: 'The CRM answered with an error.' })
    failures.poll = { action: 'pause', reason: quoted, advice: null }
    await expect.poll(state, soon).toEqual(['paused', 'The CRM refused the credentials.'])

    expect(await findPlanted()).toEqual([])
    expect(JSON.stringify(house().events)).not.toContain(PLANTED)
  })

  it('is not in what is said of a bug, but its place is', () => {
    const said = publicError(new TypeError(`${quoted}\n    at ${PLANTED} (x.ts:1:1)`))
    expect(said.code).toBe('internal')
    expect(said.message).not.toContain(PLANTED)
    expect(said.message).toMatch(/TypeError at leaks\.db\.test\.ts:\d+:\d+$/)
  })
})
