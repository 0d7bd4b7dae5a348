// What a plan and an organization's own line bound, in every isolation model: each limit holds, is heard of while the runtime
// runs, and is nobody else's. Two runtimes stand for two processes: they share nothing but the database.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createHomes, describeInEveryModel, useHomes, withClient } from '@rowhouse/testkit'
import type { Homes, Tenant } from '@rowhouse/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'

import type { Organization, Rowhouse, RowhouseOptions, Transaction } from '../index.ts'

const soon = { timeout: 60_000, interval: 20 }

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as { code: string }).code,
  )

const ownerOf = (rowhouse: Rowhouse, tenant: Tenant): Organization =>
  rowhouse.as({ organizationId: tenant.organizationId, userId: tenant.ownerId })

/** A transaction that is open until it is let go. */
async function hold(organization: Organization): Promise<() => Promise<void>> {
  let end = (): void => {}
  let begun = (_tx: Transaction): void => {}
  const open = new Promise<Transaction>((resolve) => {
    begun = resolve
  })
  const work = organization.transaction(async (tx) => {
    await tx.query('select 1')
    begun(tx)
    await new Promise<void>((resolve) => {
      end = resolve
    })
  })
  await Promise.race([open, work])
  return async () => {
    end()
    await work
  }
}

const adminUrlOf = (homes: Homes, tenant: Tenant): string => tenant.home?.adminUrl ?? homes.database.adminUrl

/** Transactions of the database that wait for a slot. */
const waitingForSlot = (url: string): Promise<number> =>
  withClient(url, async (admin) => {
    const { rows } = await admin.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity
       where datname = current_database() and wait_event = 'advisory'`,
    )
    return rows[0]?.count ?? 0
  })

async function limit(homes: Homes, tenant: Tenant, limits: Readonly<Record<string, number>>): Promise<void> {
  const columns = Object.keys(limits)
  await homes.change(
    tenant,
    `insert into rowhouse.organization_limits (organization_id, ${columns.join(', ')})
     values ($1, ${columns.map((_, index) => `$${index + 2}`).join(', ')})
     on conflict (organization_id) do update set ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}`,
    [tenant.organizationId, ...Object.values(limits)],
  )
}

const unlimit = (homes: Homes, tenant: Tenant): Promise<void> =>
  homes.change(tenant, 'delete from rowhouse.organization_limits where organization_id = $1', [tenant.organizationId])

describeInEveryModel('what an organization may have', (homes) => {
  let a: Tenant
  let b: Tenant
  beforeAll(() => {
    ;({ a, b } = homes())
  })
  afterEach(async () => {
    await unlimit(homes(), a)
  })

  describe('transactions at a time, over all processes', () => {
    it('wait for one to end, in another process as well; the other organization does not', async () => {
      await limit(homes(), a, { concurrency_max: 2 })
      const [first, second, third] = [homes().open(), homes().open(), homes().open()]
      const letGo = [await hold(ownerOf(first, a)), await hold(ownerOf(second, a))]
      const waiting = ownerOf(third, a).query('select 1 as one')
      await vi.waitFor(async () => expect(await waitingForSlot(adminUrlOf(homes(), a))).toBe(1), soon)
      expect(await codeOf(ownerOf(third, b).query('select * from notes'))).toBe('done')
      expect(await waitingForSlot(adminUrlOf(homes(), a))).toBe(1)
      // Of the two, whichever it waits for.
      for (const end of letGo) await end()
      expect((await waiting).rows).toEqual([{ one: 1 }])
    })

    it('would all run at once without the slots', async () => {
      await limit(homes(), a, { concurrency_max: 1 })
      const url = adminUrlOf(homes(), a)
      const take = await withClient(url, async (admin) => {
        const { rows } = await admin.query<{ text: string }>(
          `select pg_get_functiondef('rowhouse.take_slot'::regproc) as text`,
        )
        await admin.query(
          `create or replace function rowhouse.take_slot(organization uuid, slots int) returns boolean
             language plpgsql as $$ begin return false; end $$`,
        )
        return rows[0]?.text ?? ''
      })
      const letGo = await hold(ownerOf(homes().open(), a))
      expect(await codeOf(ownerOf(homes().open(), a).query('select 1'))).toBe('done')
      await withClient(url, (admin) => admin.query(take))
      await letGo()
    })

    it('are refused as busy where none ends in time; an operator gets in', async () => {
      await limit(homes(), a, { concurrency_max: 1 })
      const url = adminUrlOf(homes(), a)
      const wait = (time: string): Promise<unknown> =>
        withClient(url, (admin) =>
          admin.query(`alter function rowhouse.wait_for_slot(uuid, bigint, int) set lock_timeout = '${time}'`),
        )
      await wait('50ms')
      const letGo = await hold(ownerOf(homes().open(), a))
      const other = homes().open()
      await expect(ownerOf(other, a).query('select 1')).rejects.toMatchObject({
        code: 'organization_busy',
        retryable: true,
      })
      expect(await codeOf(ownerOf(other, a).transaction((tx) => tx.query('select 1')))).toBe('organization_busy')
      const operator = other.as({ organizationId: a.organizationId, operator: 'ann', reason: 'why is it busy' })
      expect(await codeOf(operator.query('select 1'))).toBe('done')
      expect(await codeOf(ownerOf(other, a).inCatalogue().query('select from rowhouse.members'))).toBe('done')
      await letGo()
      expect(await codeOf(ownerOf(other, a).query('select 1'))).toBe('done')
      await wait('5s')
    })

    it('are let go by a process that is killed', async () => {
      await limit(homes(), a, { concurrency_max: 1 })
      const { appUrl, signingKey } = homes().database
      const words = [join(import.meta.dirname, 'test-holder.ts'), appUrl, signingKey, a.organizationId, a.ownerId]
      const holder = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
      try {
        await once(holder.stdout, 'data')
        const waiting = codeOf(ownerOf(homes().open(), a).query('select 1'))
        await vi.waitFor(async () => expect(await waitingForSlot(adminUrlOf(homes(), a))).toBe(1), soon)
        holder.kill('SIGKILL')
        expect(await waiting).toBe('done')
      } finally {
        holder.kill('SIGKILL')
      }
    })

    it('judge who waited as things are when its turn has come', async () => {
      await limit(homes(), a, { concurrency_max: 1 })
      const letGo = await hold(ownerOf(homes().open(), a))
      const viewer = homes().open().as({ organizationId: a.organizationId, userId: a.viewerId })
      const waiting = codeOf(viewer.query('select 1'))
      await vi.waitFor(async () => expect(await waitingForSlot(adminUrlOf(homes(), a))).toBe(1), soon)
      const membership = [a.organizationId, a.viewerId]
      await homes().change(a, 'delete from rowhouse.members where organization_id = $1 and user_id = $2', membership)
      await letGo()
      expect(await waiting).toBe('not_a_member')
      await homes().change(
        a,
        `insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'viewer')`,
        membership,
      )
    })
  })

  it('connections of one process: its own line before its plan, both heard of while it runs', async () => {
    const rowhouse = homes().open({ pool: { max: 4, organizationMax: 4 }, placement: { pollMs: 20 } })
    const acme = ownerOf(rowhouse, a)
    /** How many of four queries run at the same time. */
    const running = async (): Promise<number> => {
      await acme.query('select 1')
      const all = Array.from({ length: 4 }, () => acme.query('select pg_sleep(0.05)'))
      await vi.waitFor(() => expect(rowhouse.connections.opening).toBe(0), soon)
      const { busy } = rowhouse.connections
      await Promise.all(all)
      return busy
    }
    const plan = async (connections: number | null): Promise<void> => {
      await homes().change(
        a,
        `update rowhouse.plans set connections_max = $2
         where id = (select plan from rowhouse.organizations where id = $1)`,
        [a.organizationId, connections],
      )
      // It is of the same plan.
      await homes().carry(b)
    }
    await vi.waitFor(async () => expect(await running()).toBe(4), soon)
    await plan(3)
    await vi.waitFor(async () => expect(await running()).toBe(3), soon)
    await limit(homes(), a, { connections_max: 1 })
    await vi.waitFor(async () => expect(await running()).toBe(1), soon)
    await unlimit(homes(), a)
    await vi.waitFor(async () => expect(await running()).toBe(3), soon)
    await plan(null)
    await vi.waitFor(async () => expect(await running()).toBe(4), soon)
  })

  it('time to wait for a connection, and then it is busy and nobody else is', async () => {
    await limit(homes(), a, { connections_max: 1, acquire_timeout_ms: 40 })
    const rowhouse = homes().open({ pool: { max: 4 }, placement: { pollMs: 20 } })
    const acme = ownerOf(rowhouse, a)
    await vi.waitFor(async () => {
      const letGo = await hold(acme)
      const refusal = await acme.query('select 1').catch((error: unknown) => error)
      await letGo()
      expect(refusal).toMatchObject({
        code: 'organization_busy',
        details: { share: 1, acquireTimeoutMs: 40, organizationId: a.organizationId },
      })
    }, soon)
    const letGo = await hold(acme)
    expect(await codeOf(ownerOf(rowhouse, b).query('select * from notes'))).toBe('done')
    await letGo()
  })

  it('time of a statement, which that statement does not set back', async () => {
    await limit(homes(), a, { statement_timeout_ms: 50 })
    const acme = ownerOf(homes().open(), a)
    await vi.waitFor(async () => {
      const endless = acme.query(
        `with back as materialized (select set_config('statement_timeout', '0', false)) select pg_sleep(2) from back`,
      )
      expect(await codeOf(endless)).toBe('statement_timeout')
    }, soon)
    // Nor did it for the one that comes after it.
    expect(await codeOf(acme.query('select pg_sleep(2)'))).toBe('statement_timeout')
  })

  it('rest inside a transaction, after which the database ends it', async () => {
    await limit(homes(), a, { idle_in_transaction_timeout_ms: 30 })
    const rowhouse = homes().open()
    const outcome = ownerOf(rowhouse, a).transaction(async (tx) => {
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
      await vi.waitFor(async () => {
        const left = await withClient(adminUrlOf(homes(), a), (admin) =>
          admin.query('select from pg_stat_activity where pid = $1', [rows[0]?.pid]),
        )
        expect(left.rowCount).toBe(0)
      }, soon)
      await tx.query('select 1')
    })
    expect(await codeOf(outcome)).toBe('connection_lost')
    expect(await codeOf(ownerOf(rowhouse, a).query('select 1'))).toBe('done')
    expect(await codeOf(ownerOf(rowhouse, b).query('select 1'))).toBe('done')
  })
})

describe.each(['schema', 'database'] as const)('a home of its own (%s)', (model) => {
  const homes = useHomes(model)
  const connectionsOf = (tenant: Tenant): Promise<number> =>
    withClient(homes().database.adminUrl, async (admin) => {
      const { rows } = await admin.query<{ count: number }>(
        'select count(*)::int as count from pg_stat_activity where usename = $1',
        [tenant.home?.login],
      )
      return rows[0]?.count ?? -1
    })
  const atOnce = (acme: Organization, count: number): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, () => codeOf(acme.query('select pg_sleep(0.05)'))))

  it('keeps as many connections as its plan says, and closes the others when they have rested', async () => {
    const { a } = homes()
    const rowhouse = homes().open({ pool: { max: 4, organizationMax: 4, idleTimeoutMs: 0 }, placement: { pollMs: 20 } })
    await limit(homes(), a, { idle_timeout_ms: 30, connections_min: 1 })
    expect(await atOnce(ownerOf(rowhouse, a), 3)).toEqual(['done', 'done', 'done'])
    await vi.waitFor(async () => expect(await connectionsOf(a)).toBe(1), soon)
    await unlimit(homes(), a)
    await rowhouse.close()
  })

  it('has no more connections than its login may, however many processes ask; they wait, or it is busy', async () => {
    const { a, b, database } = homes()
    const admin = (text: string): Promise<unknown> => withClient(database.adminUrl, (client) => client.query(text))
    await admin(`alter role ${a.home?.login} connection limit 1`)
    const [first, second] = [homes().open({ pool: { max: 4 } }), homes().open({ pool: { max: 4 } })]
    // One process waits for the connection that it has.
    expect(await atOnce(ownerOf(first, a), 4)).toEqual(['done', 'done', 'done', 'done'])
    const letGo = await hold(ownerOf(first, a))
    const refusal = await ownerOf(second, a)
      .query('select 1')
      .catch((error: unknown) => error)
    expect(refusal).toMatchObject({
      code: 'organization_busy',
      retryable: true,
      details: { organizationId: a.organizationId, login: a.home?.login },
    })
    expect(await codeOf(ownerOf(second, b).query('select * from notes'))).toBe('done')
    await letGo()
    await first.close()
    await vi.waitFor(async () => expect(await codeOf(ownerOf(second, a).query('select 1'))).toBe('done'), soon)
    await admin(`alter role ${a.home?.login} connection limit -1`)
  })
})

describe('the cluster of the catalogue', () => {
  let homes: Homes
  beforeAll(async () => {
    homes = await createHomes('schema')
  })
  afterAll(() => homes.drop())

  it('has its own bound of connections, heard of with the placements of those that live there', async () => {
    await homes.changeCatalogue(`update rowhouse.clusters set connections_max = 1 where id = 'main'`)
    const options: RowhouseOptions = { pool: { max: 4, organizationMax: 4 } }
    const rowhouse = homes.open(options)
    await ownerOf(rowhouse, homes.a).query('select 1')
    const all = [homes.a, homes.b, homes.a, homes.b].map((tenant) =>
      ownerOf(rowhouse, tenant).query('select pg_sleep(0.02)'),
    )
    await vi.waitFor(() => expect(rowhouse.connections.busy).toBe(1), soon)
    const { idle, busy, opening } = rowhouse.connections
    expect(idle + busy + opening).toBe(1)
    await Promise.all(all)
    await homes.changeCatalogue(`update rowhouse.clusters set connections_max = null where id = 'main'`)
  })
})
