// What an organization leaves behind when its placement names another home: on the server, in the catalogue, in the database it
// was in. A placement is changed here as a move changes it, in one statement.
import { randomUUID } from 'node:crypto'
import { loginUrl } from '@rowhouse/database'
import { sqlstateOf, startHoldingProxy, untilWaiting, withClient } from '@rowhouse/testkit'
import { Client } from 'pg'
import { describe, expect, it } from 'vitest'

import type { Fleet } from '../provision/open-fleet.ts'
import { useFleet } from '../provision/test-fleet.ts'
import { begin, killedAt } from '../provision/test-kill.ts'

const test = useFleet()
type Model = 'schema' | 'database'

interface Left {
  readonly organizationId: string
  readonly ownerId: string
  /** Its former home. */
  readonly home: string
  readonly login: `rowhouse_h_${string}`
  readonly url: string
  readonly to: string
}

const createIn = async (isolation: Model): Promise<{ organizationId: string; ownerId: string }> => {
  const ownerId = randomUUID()
  const organizationId = await test().fleet.createOrganization({
    name: 'Acme',
    slug: `acme-${randomUUID()}`,
    ownerId,
    plan: await test().plan(isolation),
  })
  return { organizationId, ownerId }
}
const moveTo = (organizationId: string, home: string): Promise<unknown> =>
  test().admin(
    `update rowhouse.placements p
     set home_id = h.id, cluster = h.cluster, database_name = h.database_name, schema_name = h.schema_name, login = h.login,
       isolation = h.isolation, epoch = p.epoch + 1
     from rowhouse.homes h where p.organization_id = $1 and h.id = $2`,
    [organizationId, home],
  )
const row = async (home: string): Promise<Record<string, unknown>> =>
  (await test().admin('select * from rowhouse.homes where id = $1', [home]))[0] ?? {}

async function left(isolation: Model): Promise<Left> {
  const { organizationId, ownerId } = await createIn(isolation)
  const [was] = await test().admin('select id, login, database_name from rowhouse.homes where organization_id = $1', [
    organizationId,
  ])
  const { id: to } = await test().fleet.createHome({ cluster: 'main', isolation: 'schema' })
  await moveTo(organizationId, to)
  const login = String(was?.['login']) as Left['login']
  const url = new URL(loginUrl(test().database.adminUrl, login, test().database.signingKey))
  const name = was?.['database_name']
  if (typeof name === 'string') url.pathname = `/${name}`
  return { organizationId, ownerId, home: String(was?.['id']), login, url: url.href, to }
}
const comes = (url: string): Promise<string> => sqlstateOf(withClient(url, (client) => client.query('select 1')))
const NOT_LET_IN = '28000'
const expire = (home: string): Promise<unknown> =>
  test().admin("update rowhouse.homes set kept_until = now() - interval '1 second' where id = $1", [home])
const untilNobody = async (application: string, query: string): Promise<void> => {
  await expect
    .poll(
      () =>
        test().admin('select from pg_stat_activity where application_name = $1 and state = $2 and query like $3', [
          application,
          'active',
          query,
        ]),
      { timeout: 60_000 },
    )
    .toEqual([])
}
/** As after the lease of the run that was killed. */
const freeAndFinish = async (home: string): Promise<void> => {
  await test().fleet.reconcile()
  expect(await row(home)).toMatchObject({ state: 'dropping' })
  await test().admin("update rowhouse.homes set run_until = now() - interval '1 second' where id = $1", [home])
  expect(await test().fleet.reconcile()).toMatchObject({ dropped: 1, failed: 0 })
}
const expectGone = async (home: string, url: string): Promise<void> => {
  expect(await row(home)).toEqual({})
  expect(await test().leftovers()).toEqual([])
  expect(await test().admin('select from pg_roles where rolname = $1', [new URL(url).username])).toEqual([])
}
/** Passes until nothing is left to do: what another run holds is free again after its lease. */
const keep = async (fleet: Fleet = test().fleet): Promise<Record<string, number>> => ({
  ...(await fleet.keepRetired()),
})

describe.each(['schema', 'database'] as const)('the %s home that an organization has left', (isolation) => {
  it('is written down with the change, locks out its login and who is there, is kept for its time, and goes', async () => {
    const { organizationId, home, url, to } = await left(isolation)
    expect(await row(home)).toMatchObject({
      state: 'retired',
      organization_id: null,
      former_organization: organizationId,
    })
    expect(await row(to)).toMatchObject({ state: 'assigned', organization_id: organizationId })
    const [kept] = await test().admin(
      `select kept_until - retired_at = interval '7 days' as week from rowhouse.homes where id = $1`,
      [home],
    )
    expect(kept).toEqual({ week: true })

    const session = new Client(url)
    session.on('error', () => {})
    await session.connect()
    expect(await keep()).toMatchObject({ locked: 1, dropped: 0, failed: 0 })
    await expect(session.query('select 1')).rejects.toMatchObject({ message: expect.any(String) as string })
    await session.end().catch(() => undefined)
    expect(await comes(url)).toBe(NOT_LET_IN)

    expect(
      await test()
        .fleet.dropHome(home)
        .catch((error: unknown) => error),
    ).toMatchObject({ code: 'home_kept' })
    expect(await keep()).toMatchObject({ locked: 0, dropped: 0, failed: 0 })
    await expire(home)
    expect(await keep()).toMatchObject({ dropped: 1, failed: 0 })
    expect(await row(home)).toEqual({})
    expect(await test().leftovers()).toEqual([])
    expect(await test().admin('select from pg_roles where rolname = $1', [new URL(url).username])).toEqual([])
    expect(await test().admin('select from rowhouse.farewells where organization_id = $1', [organizationId])).toEqual(
      [],
    )
  })

  it('takes the organization back while it is there: its login opens again', async () => {
    const { organizationId, home, url, to } = await left(isolation)
    await keep()
    await moveTo(organizationId, home)
    expect(await row(home)).toMatchObject({ state: 'assigned', organization_id: organizationId, kept_until: null })
    expect(await row(to)).toMatchObject({ state: 'retired', former_organization: organizationId })
    expect(await keep()).toMatchObject({ opened: 1, locked: 1, failed: 0 })
    expect(await comes(url)).toBe('done')
    expect(await row(home)).toMatchObject({ locked_at: null })
  })

  it.each(['locking', 'locked'])('is locked after kill -9 before "%s"', async (step) => {
    const { home, url } = await left(isolation)
    expect(await killedAt(test().database, step, 'keep retired')).toBe('SIGKILL')
    expect(await row(home)).toMatchObject({ state: 'retired', locked_at: null })
    expect(await keep()).toMatchObject({ locked: 0 })
    await test().admin("update rowhouse.homes set run_until = now() - interval '1 second' where id = $1", [home])
    expect(await keep()).toMatchObject({ locked: 1, failed: 0 })
    expect(await comes(url)).toBe(NOT_LET_IN)
  })

  it.each(['dropping', 'dropped'])('is gone with its login after kill -9 before "%s"', async (step) => {
    const { home, url } = await left(isolation)
    await keep()
    await expire(home)
    expect(await killedAt(test().database, step, 'keep retired')).toBe('SIGKILL')
    expect(await row(home)).toMatchObject({ state: 'dropping', organization_id: null })
    await freeAndFinish(home)
    await expectGone(home, url)
  })
})

it('a schema whose drop is killed -9 in the middle is whole until the next pass drops it', async () => {
  const { home, url } = await left('schema')
  await keep()
  await expire(home)
  const { schema_name: schema } = await row(home)
  await withClient(test().database.adminUrl, async (holder) => {
    await holder.query(`begin; lock table ${String(schema)}.contacts in access share mode`)
    const { child, ended } = begin(test().database, 'keep retired')
    await untilWaiting(test().database, 'relation')
    child.kill('SIGKILL')
    await ended
    await holder.query('commit')
  })
  // What the server had under way it took back: with the schema its login and what binds them would have gone.
  expect(await row(home)).toMatchObject({ state: 'dropping' })
  await untilNobody('rowhouse fleet', 'select rowhouse.forget_home%')
  expect(await test().leftovers()).toEqual([])
  await freeAndFinish(home)
  await expectGone(home, url)
})

it('without its row staying until the server has dropped it, a killed worker would leave a home that nobody knows', async () => {
  const { admin, database, fleet, leftovers } = test()
  const { home, url } = await left('schema')
  await keep()
  await expire(home)
  const kept = await row(home)
  await admin(`create function public.forget() returns trigger language plpgsql security definer as $$
    begin
      delete from rowhouse.homes where id = new.id;
      return null;
    end $$;
    create trigger forgets after update on rowhouse.homes for each row when (new.state = 'dropping')
      execute function public.forget()`)
  try {
    expect(await killedAt(database, 'dropping', 'keep retired')).toBe('SIGKILL')
  } finally {
    await admin('drop trigger forgets on rowhouse.homes; drop function public.forget()')
  }
  expect(await fleet.reconcile()).toMatchObject({ dropped: 0, failed: 0 })
  const schema = String(kept['schema_name'])
  expect(await leftovers()).toEqual([`registered ${schema} is nobody's`, `schema ${schema} is nobody's`])
  await admin(`insert into rowhouse.homes select * from jsonb_populate_record(null::rowhouse.homes, $1)`, [
    JSON.stringify({ ...kept, state: 'dropping' }),
  ])
  expect(await fleet.reconcile()).toMatchObject({ dropped: 1, failed: 0 })
  await expectGone(home, url)
})

it('a database whose worker is killed -9 while it tells it hears it from the next one', async () => {
  const { organizationId, url } = await left('database')
  const former = Object.assign(new URL(test().database.adminUrl), { pathname: new URL(url).pathname }).href
  const placement = (): Promise<unknown> =>
    withClient(former, async (client) => {
      const { rows } = await client.query<{ state: string }>(
        'select state from rowhouse.placements where organization_id = $1',
        [organizationId],
      )
      return rows[0]?.state
    })
  const farewells = (): Promise<unknown[]> =>
    test().admin('select attempts from rowhouse.farewells where organization_id = $1', [organizationId])
  await withClient(former, async (holder) => {
    await holder.query('begin; lock table rowhouse.placements in share mode')
    const { child, ended } = begin(test().database, 'keep retired')
    await untilWaiting({ adminUrl: former }, 'relation')
    child.kill('SIGKILL')
    await ended
    expect(await placement()).toBe('active')
    expect(await farewells()).toEqual([{ attempts: 1 }])
    await holder.query('rollback')
  })
  // Not before the time that telling may take is over: the one that was killed is not known to be dead.
  expect(await keep()).toMatchObject({ told: 0 })
  await test().admin('update rowhouse.farewells set due_at = now() where organization_id = $1', [organizationId])
  expect(await keep()).toMatchObject({ told: 1, failed: 0 })
  expect(await placement()).toBe('moved')
  expect(await farewells()).toEqual([])
})

it('without the farewell staying until it was told, a killed worker would be the only one who knew', async () => {
  const { admin, database } = test()
  const { organizationId, url } = await left('database')
  await admin(`alter function rowhouse.take_farewells(int) rename to taking;
    create function rowhouse.take_farewells(most int) returns table (organization_id uuid, farewell jsonb)
      language plpgsql security definer as $$
    begin
      return query select * from rowhouse.taking(most);
      delete from rowhouse.farewells;
    end $$;
    grant execute on function rowhouse.take_farewells(int) to rowhouse_control`)
  try {
    const former = Object.assign(new URL(database.adminUrl), { pathname: new URL(url).pathname }).href
    await withClient(former, async (holder) => {
      await holder.query('begin; lock table rowhouse.placements in share mode')
      const { child, ended } = begin(database, 'keep retired')
      await untilWaiting({ adminUrl: former }, 'relation')
      child.kill('SIGKILL')
      await ended
      // Its session as well: what the server had under way may not end after it.
      await holder.query(
        `select pg_terminate_backend(pid, 60000) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and wait_event_type = 'Lock'`,
      )
      await holder.query('rollback')
      expect(await keep()).toMatchObject({ told: 0 })
      expect(
        (await holder.query('select state from rowhouse.placements where organization_id = $1', [organizationId])).rows,
      ).toEqual([{ state: 'active' }])
    })
  } finally {
    await admin(`drop function rowhouse.take_farewells(int);
      alter function rowhouse.taking(int) rename to take_farewells`)
  }
})

it('without the change being written down its login would still come', async () => {
  const { admin } = test()
  await admin('alter table rowhouse.placements disable trigger leave_home')
  try {
    const { organizationId, home, url, to } = await left('schema')
    expect(await keep()).toMatchObject({ locked: 0 })
    expect(await comes(url)).toBe('done')
    // What it would have written, so that nobody else moves in.
    await admin("update rowhouse.homes set state = 'dropping', organization_id = null where id = $1", [home])
    await admin("update rowhouse.homes set state = 'assigned', organization_id = $2 where id = $1", [
      to,
      organizationId,
    ])
  } finally {
    await admin('alter table rowhouse.placements enable trigger leave_home')
  }
})

it('a database that was left knows that the organization lives elsewhere, and nothing more of its people', async () => {
  const { organizationId, ownerId, url } = await left('database')
  const inside = (text: string) =>
    withClient(Object.assign(new URL(test().database.adminUrl), { pathname: new URL(url).pathname }).href, (client) =>
      client.query<Record<string, unknown>>(text, [organizationId]),
    )
  const placement = async () =>
    (await inside('select state from rowhouse.placements where organization_id = $1')).rows[0]?.['state']
  expect(await placement()).toBe('active')
  expect(await keep()).toMatchObject({ told: 1, failed: 0 })
  expect(await placement()).toBe('moved')
  expect((await inside('select from rowhouse.members where organization_id = $1')).rows).toEqual([])
  expect(await keep()).toMatchObject({ told: 0 })
  // The one it lives in keeps everybody.
  expect(
    await test().admin('select user_id from rowhouse.members where organization_id = $1', [organizationId]),
  ).toEqual([{ user_id: ownerId }])
})

it('another database of the same name does not take itself for the home', async () => {
  const { organizationId, url } = await left('database')
  const name = new URL(url).pathname.slice(1)
  // As on another cluster: what the catalogue says now names a database that is called so.
  await test().admin(
    `insert into rowhouse.clusters (id, region, host, tls) values ('twin', 'twin', '127.0.0.1', 'off')`,
  )
  await test().admin(
    `update rowhouse.placements set cluster = 'twin', database_name = $2, isolation = 'shared', login = null where organization_id = $1`,
    [organizationId, name],
  )
  try {
    expect(await keep()).toMatchObject({ told: 1 })
    const { rows } = await withClient(
      Object.assign(new URL(test().database.adminUrl), { pathname: `/${name}` }).href,
      (client) => client.query('select state from rowhouse.placements where organization_id = $1', [organizationId]),
    )
    expect(rows).toEqual([{ state: 'moved' }])
  } finally {
    await test()
      .admin('delete from rowhouse.organizations where id = $1', [organizationId])
      .catch(() => undefined)
  }
})

it('a server that does not answer says so with the home and the farewell, holds up no other, and is done when it is back', async () => {
  const { admin, database } = test()
  const { organizationId, home } = await left('database')
  const other = await left('schema')
  const proxy = await startHoldingProxy(database.adminUrl)
  const { port } = new URL(proxy.url)
  await proxy.close()
  await admin(
    `insert into rowhouse.clusters (id, region, host, port, tls) values ('dead', 'dead', '127.0.0.1', $1, 'off')`,
    [Number(port)],
  )
  await admin("update rowhouse.homes set cluster = 'dead' where id = $1", [home])
  await admin("update rowhouse.farewells set cluster = 'dead' where organization_id = $1", [organizationId])
  expect(await keep()).toMatchObject({ locked: 1, told: 0 })
  expect(await row(home)).toMatchObject({
    state: 'retired',
    locked_at: null,
    error: expect.stringMatching(/^cluster_credentials_missing|database_unreachable/) as string,
  })
  expect(await comes(other.url)).toBe(NOT_LET_IN)
  await admin('update rowhouse.farewells set due_at = now() where organization_id = $1', [organizationId])
  await admin('update rowhouse.homes set locked_at = now() where id = $1', [home])
  await keep()
  expect(await admin('select error from rowhouse.farewells where organization_id = $1', [organizationId])).toEqual([
    { error: 'home_unreachable' },
  ])
  // Its time is over, and it cannot be dropped: it stays on the books.
  await expire(home)
  expect(await keep()).toMatchObject({ dropped: 0, failed: 1 })
  expect(await row(home)).toMatchObject({ state: 'dropping', error: expect.any(String) as string })
  await admin("update rowhouse.homes set cluster = 'main' where id = $1", [home])
  await admin("update rowhouse.farewells set cluster = 'main', due_at = now() where organization_id = $1", [
    organizationId,
  ])
  await keep()
  await test().fleet.reconcile()
  expect(await row(home)).toEqual({})
})

it('is not dropped while the organization’s rows are on their way', async () => {
  const { organizationId, home } = await left('schema')
  await keep()
  await expire(home)
  await test().admin("update rowhouse.placements set state = 'moving' where organization_id = $1", [organizationId])
  expect(await keep()).toMatchObject({ dropped: 0, failed: 1 })
  expect(await row(home)).toMatchObject({ state: 'retired' })
  await test().admin("update rowhouse.placements set state = 'active' where organization_id = $1", [organizationId])
  expect(await keep()).toMatchObject({ dropped: 1 })
})
