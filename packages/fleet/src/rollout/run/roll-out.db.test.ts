// A rollout over many schemas of a real database: order, safety and what is left when something is refused.
import { dropHomes, makeHomes, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TestHome } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contacts, prepareAll } from '../fixtures/test-fleet.ts'
import { readFleetStatus } from '../status.ts'
import type { RolloutEvent } from './events.ts'
import { rollOut } from './roll-out.ts'
import type { RolloutOptions, RolloutPace } from './options.ts'
import type { RolloutResult } from './roll-out.ts'

const database = useTestDatabase()
const HOMES = 12
let homes: TestHome[]
let events: RolloutEvent[]

const admin = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Row>(sql, values)).rows)

beforeEach(async () => {
  homes = await makeHomes(database(), HOMES, 2)
  events = []
})
afterEach(async () => {
  await dropHomes(database())
  await admin('drop table if exists public.contacts')
})

const run = async (
  texts: readonly (readonly [string, string])[],
  pace: Partial<RolloutPace> = {},
  more: Partial<RolloutOptions> = {},
): Promise<RolloutResult> =>
  rollOut({
    catalogueUrl: database().migratorUrl,
    migrations: await prepareAll(...texts),
    pace,
    onEvent: (event) => events.push(event),
    wait: () => Promise.resolve(),
    ...more,
  })

const FIRST = ['20260101000000', contacts] as const
/** A look that is taken twice, before the first wave and after it: this one acts after it. */
const afterFirstWave = (act: () => Promise<unknown>): (() => Promise<string[]>) => {
  let looks = 0
  return async () => {
    looks += 1
    if (looks === 2) await act()
    return []
  }
}
const versions = (): Promise<{ version: string | null; homes: number }[]> =>
  admin('select version::text, count(*)::int as homes from rowhouse.homes group by 1 order by 1 nulls first')
const tablesNamed = async (name: string): Promise<number> =>
  (
    await admin<{ tables: number }>(
      `select count(*)::int as tables from pg_class where relname = $1 and relkind = 'r'`,
      [name],
    )
  )[0]?.tables ?? 0

describe('a rollout', () => {
  it('brings every home to the last migration, spares and the shared one too, and then finds nothing to do', async () => {
    const result = await run([FIRST, ['20260102000000', 'alter table contacts add column phone text']])
    expect(result).toMatchObject({ state: 'done', target: '20260102000000', homes: HOMES + 3 })
    expect(await versions()).toEqual([{ version: '20260102000000', homes: HOMES + 3 }])
    expect(await tablesNamed('contacts')).toBe(HOMES + 3)
    const open = await admin(
      `select c.oid::regclass from pg_class c where c.relname = 'contacts' and not rowhouse.is_protected(c.oid)`,
    )
    expect(open).toEqual([])
    expect(await run([FIRST, ['20260102000000', 'alter table contacts add column phone text']])).toMatchObject({
      state: 'nothing',
      homes: 0,
    })
    expect(await readFleetStatus(database().migratorUrl)).toMatchObject({
      behind: 0,
      rollout: { state: 'done', homes: { total: HOMES + 3, done: HOMES + 3, failed: 0, blocked: 0 } },
    })
  })

  it('goes to the canaries first, then to growing shares, and to what many share last', async () => {
    await admin('select rowhouse.mark_canary($1)', [homes[7]?.organizationId])
    await run([FIRST], { canaries: ['org-3'], waves: [50, 100] })
    const waves = await admin<{ wave: number; homes: string[] }>(
      `select r.wave, array_agg(coalesce(o.slug, h.isolation) order by o.slug) as homes
       from rowhouse.rollout_homes r join rowhouse.homes h on h.id = r.home_id
       left join rowhouse.organizations o on o.id = h.organization_id group by 1 order by 1`,
    )
    expect(waves.map(({ homes }) => homes.length)).toEqual([2, 6, 6, 1])
    expect(waves[0]?.homes).toEqual(['org-3', 'org-7'])
    expect(waves[3]?.homes).toEqual(['shared'])
    expect(events.flatMap((event) => (event.type === 'wave' ? [event.name] : []))).toEqual([
      'canary',
      '50 %',
      '100 %',
      'shared',
    ])
  })

  it('puts several homes into one transaction, and changes nobody’s search_path', async () => {
    await run([FIRST], { waves: [100], transactionMs: 60_000 })
    const together = await admin<{ homes: number }>(
      'select count(*)::int as homes from rowhouse.applied_tenant_migrations group by xmin order by 1 desc limit 1',
    )
    expect(together[0]?.homes).toBeGreaterThan(3)
    expect(
      await admin(
        `select setconfig from pg_db_role_setting s join pg_roles r on r.oid = s.setrole where r.rolname = 'rowhouse_migrator'`,
      ),
    ).toEqual([])
  })

  it('applies what a home lacks and no more, where homes stand at different versions', async () => {
    await run([FIRST])
    const [home] = homes as [TestHome]
    await admin(`alter table ${home.schemaName}.contacts add column phone text`)
    await admin(
      `insert into rowhouse.applied_tenant_migrations (schema_name, version, name, checksum)
      values ($1, '20260102000000', 'm', $2)`,
      [
        home.schemaName,
        (await prepareAll(['20260102000000', 'alter table contacts add column phone text']))[0]?.checksum,
      ],
    )
    // The ledger does not know of it, as after a kill between the home's commit and the ledger's.
    await run([
      FIRST,
      ['20260102000000', 'alter table contacts add column phone text'],
      ['20260103000000', 'alter table contacts add column city text'],
    ])
    expect(await versions()).toEqual([{ version: '20260103000000', homes: HOMES + 3 }])
  })
})

describe('a migration that one home refuses', () => {
  const SECOND = [
    '20260102000000',
    'alter table contacts add column phone text;\nalter table contacts add column city text',
  ] as const

  it('is rolled back there, named with its line, and the others go on; after a mend the same call finishes', async () => {
    await run([FIRST])
    const broken = homes[10] as TestHome
    await admin(`alter table ${broken.schemaName}.contacts add column city text`)
    await expect(run([FIRST, SECOND], { errors: 1 })).rejects.toMatchObject({
      code: 'rollout_incomplete',
      details: { failed: 1, done: HOMES + 2 },
    })
    expect(events.filter(({ type }) => type === 'home')).toMatchObject([
      {
        state: 'failed',
        homeId: broken.id,
        organizationId: broken.organizationId,
        code: 'migration_failed',
        version: '20260102000000',
        line: 2,
      },
    ])
    const columns = await admin(
      `select attname from pg_attribute where attrelid = $1::regclass and attname in ('phone', 'city')`,
      [`${broken.schemaName}.contacts`],
    )
    expect(columns).toEqual([{ attname: 'city' }])
    expect((await readFleetStatus(database().migratorUrl)).open).toMatchObject([
      { homeId: broken.id, slug: 'org-10', state: 'failed', version: '20260102000000', line: 2 },
    ])
    await admin(`alter table ${broken.schemaName}.contacts drop column city`)
    expect(await run([FIRST, SECOND])).toMatchObject({ state: 'done', homes: 1 })
    expect(await versions()).toEqual([{ version: '20260102000000', homes: HOMES + 3 }])
  })

  it('stops the rollout when more homes fail than may', async () => {
    await run([FIRST])
    for (const home of homes.slice(4, 12)) await admin(`alter table ${home.schemaName}.contacts add column city text`)
    await expect(run([FIRST, SECOND], { errors: 2, connections: 1, waves: [100] })).rejects.toMatchObject({
      code: 'rollout_stopped',
      details: { failed: 3 },
    })
    expect((await readFleetStatus(database().migratorUrl)).rollout).toMatchObject({
      state: 'stopped',
      code: 'rollout_stopped',
    })
  })

  it('stops it at once in the first wave, before anybody else is touched, and is not given to new homes', async () => {
    await run([FIRST])
    await admin(`alter table ${homes[0]?.schemaName}.contacts add column city text`)
    await expect(run([FIRST, SECOND], { canaries: ['org-0'], errors: '50%' })).rejects.toMatchObject({
      code: 'rollout_canary_failed',
    })
    expect(await versions()).toEqual([{ version: '20260101000000', homes: HOMES + 3 }])
    expect(await admin('select version from rowhouse.tenant_migrations where released_at is not null')).toEqual([
      { version: '20260101000000' },
    ])
  })

  it('may be edited while no home has it', async () => {
    await run([FIRST])
    await expect(run([FIRST, ['20260102000000', 'alter table contacts add column email text']])).rejects.toMatchObject({
      code: 'rollout_canary_failed',
    })
    expect(await run([FIRST, ['20260102000000', 'alter table contacts add column fax text']])).toMatchObject({
      state: 'done',
    })
  })
})

describe('a lock', () => {
  const SECOND = ['20260102000000', 'alter table contacts add column phone text'] as const

  const holding = async (home: TestHome, use: (holder: Client) => Promise<void>): Promise<void> => {
    const holder = new Client(database().adminUrl)
    await holder.connect()
    try {
      await holder.query('begin')
      await holder.query(`lock table ${home.schemaName}.contacts in access share mode`)
      await use(holder)
    } finally {
      await holder.end()
    }
  }

  it('that is never granted leaves its home for later, coded; the others are done, and the next run does it', async () => {
    await run([FIRST])
    const held = homes[9] as TestHome
    await holding(held, async () => {
      await expect(run([FIRST, SECOND], { lockTimeoutMs: 50, lockAttempts: 3 })).rejects.toMatchObject({
        code: 'rollout_incomplete',
        details: { blocked: 1, done: HOMES + 2 },
      })
    })
    expect(events.filter(({ type }) => type === 'home')).toMatchObject([
      { state: 'blocked', homeId: held.id, code: 'home_locked' },
    ])
    expect(events.filter(({ type }) => type === 'waiting')).toHaveLength(2)
    expect(await run([FIRST, SECOND])).toMatchObject({ state: 'done', homes: 1 })
  })

  it('that is let go is waited for', async () => {
    await run([FIRST])
    const held = homes[9] as TestHome
    await holding(held, async (holder) => {
      await run([FIRST, SECOND], { lockTimeoutMs: 50 }, { wait: () => holder.query('commit') })
    })
    expect(await versions()).toEqual([{ version: '20260102000000', homes: HOMES + 3 }])
  })

  it('whose database is gone when it is tried again leaves its home for later, and does not end the rollout', async () => {
    await run([FIRST])
    const held = homes[9] as TestHome
    const { name } = database()
    const allow = (isAllowed: boolean): Promise<unknown> =>
      withClient(Object.assign(new URL(database().adminUrl), { pathname: '/postgres' }).href, async (client) => {
        await client.query(`alter database ${name} allow_connections ${isAllowed}`)
        // Those that are open already, but that of who leads, which the catalogue's lock is held by.
        await client.query(
          `select pg_terminate_backend(a.pid, 60000) from pg_stat_activity a
           where a.datname = $1 and a.application_name = 'rowhouse migrate'
             and not exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory')`,
          [name],
        )
      })
    try {
      await holding(held, async () => {
        const wait = (): Promise<unknown> => allow(false)
        await expect(run([FIRST, SECOND], { lockTimeoutMs: 50 }, { wait })).rejects.toMatchObject({
          code: 'rollout_incomplete',
        })
      })
    } finally {
      await allow(true)
    }
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'home', state: 'blocked', homeId: held.id, code: 'database_unreachable' }),
    )
    expect((await readFleetStatus(database().migratorUrl)).rollout).toMatchObject({ state: 'incomplete' })
    expect(await run([FIRST, SECOND])).toMatchObject({ state: 'done' })
    expect(await versions()).toEqual([{ version: '20260102000000', homes: HOMES + 3 }])
  })
})

describe('two rollouts at once', () => {
  it('are one: the second is refused with who runs', async () => {
    const leader = new Client(database().migratorUrl)
    await leader.connect()
    await leader.query('select pg_advisory_lock(rowhouse.rollout_lock_key())')
    await expect(run([FIRST])).rejects.toMatchObject({ code: 'rollout_running' })
    expect(await tablesNamed('contacts')).toBe(0)
    await leader.end()
    expect(await run([FIRST])).toMatchObject({ state: 'done' })
  })

  it('cannot both write: whoever was superseded while it slept is refused in the homes and in the ledger', async () => {
    // While the first wave is looked at, another runner comes and raises the fence.
    const sleeper = run(
      [FIRST],
      { canaries: ['org-0'] },
      { verify: afterFirstWave(() => admin('select rowhouse.raise_rollout_fence(1000000)')) },
    )
    await expect(sleeper).rejects.toMatchObject({ code: 'rollout_superseded' })
    expect(await tablesNamed('contacts')).toBe(1)
    await admin('update rowhouse.rollout_fence set fence = 0')
    await expect(
      admin(
        `select rowhouse.record_rollout_homes(id, fence - 1, '{}', 'done', '20260101000000') from rowhouse.rollouts`,
      ),
    ).rejects.toMatchObject({ code: 'RH088' })
  })

  it('would both write without the fence', async () => {
    await admin(`alter function rowhouse.check_rollout_fence(bigint) rename to fencing;
      create function rowhouse.check_rollout_fence(fence bigint) returns void language sql as ''`)
    const verify = afterFirstWave(() => admin('select rowhouse.raise_rollout_fence(1000000)'))
    expect(await run([FIRST], { canaries: ['org-0'] }, { verify })).toMatchObject({ state: 'done' })
    await admin(`drop function rowhouse.check_rollout_fence(bigint);
      alter function rowhouse.fencing(bigint) rename to check_rollout_fence;
      update rowhouse.rollout_fence set fence = 0`)
  })

  it('are one also after the connection that leads is lost: nothing more is begun', async () => {
    const verify = afterFirstWave(() =>
      admin(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock'
        and database = (select oid from pg_database where datname = current_database())`),
    )
    await expect(run([FIRST], { canaries: ['org-0'] }, { verify })).rejects.toMatchObject({
      code: 'rollout_interrupted',
    })
    expect(await tablesNamed('contacts')).toBe(1)
    expect((await readFleetStatus(database().migratorUrl)).rollout?.state).toBe('interrupted')
    expect(await run([FIRST])).toMatchObject({ state: 'done' })
  })
})

describe('a cluster that went away since it was looked at', () => {
  const LEFT = { code: 'rollout_incomplete', details: { done: HOMES + 2, failed: 0, blocked: 1 } }

  it.each([
    ['is left for last where the first wave would be its by chance', undefined, LEFT],
    ['would end the rollout for all without being asked first', true, { code: 'rollout_canary_failed' }],
  ])('%s', async (_, unasked, outcome) => {
    await admin(`insert into rowhouse.clusters (id, region, host, port, tls) values ('gone', 'gone', '127.0.0.1', 1, 'off');
      update rowhouse.homes set cluster = 'gone', database_name = 'gone'
      where id = (select id from rowhouse.homes where state = 'spare' order by created_at, id limit 1)`)
    try {
      const reaches = (): Promise<boolean> => Promise.resolve(true)
      await expect(run([FIRST], {}, unasked === undefined ? {} : { reaches })).rejects.toMatchObject(outcome)
      expect(await tablesNamed('contacts')).toBe(unasked === undefined ? HOMES + 2 : 0)
    } finally {
      await admin(`update rowhouse.homes set cluster = 'main', database_name = null where cluster = 'gone';
        delete from rowhouse.clusters where id = 'gone'`)
    }
  })
})

describe('the first wave', () => {
  it('is looked at before anybody else gets the migration, and what is found stops the rollout', async () => {
    const seen: string[] = []
    const before = 'the login reads a table of the application'
    const verify = async (homes: readonly { readonly slug: string | null }[]): Promise<string[]> => {
      seen.push(...homes.map(({ slug }) => String(slug)))
      return (await tablesNamed('contacts')) === 0 ? [before] : [before, 'contacts of org-0 could be read by org-1']
    }
    await expect(run([FIRST], { canaries: ['org-0'] }, { verify })).rejects.toMatchObject({
      code: 'rollout_canary_failed',
      message: 'Found in the first wave: contacts of org-0 could be read by org-1',
    })
    expect(seen).toEqual(['org-0', 'org-0'])
    expect(await tablesNamed('contacts')).toBe(1)
  })

  it('is found wrong by the database itself where a protected table is weaker than protect makes it', async () => {
    await admin('alter event trigger rowhouse_guard_1_ddl disable')
    const weak = ['20260102000000', 'alter table contacts no force row level security'] as const
    await run([FIRST])
    await expect(run([FIRST, weak])).rejects.toMatchObject({ code: 'rollout_canary_failed' })
    await admin('alter event trigger rowhouse_guard_1_ddl enable')
  })
})
