// What many organizations share gets a migration last, and is judged before it has it: not for a moment is there a committed
// table that keeps them less apart.
import { dropHomes, makeHomes, useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Judge } from '../apply/judge-shared.ts'
import { contacts, prepareAll } from '../fixtures/test-fleet.ts'
import type { RolloutEvent } from './events.ts'
import type { RolloutPace } from './options.ts'
import { rollOut } from './roll-out.ts'
import type { RolloutResult } from './roll-out.ts'

const database = useTestDatabase()
const HOMES = 3
let events: RolloutEvent[]

const admin = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Row>(sql, values)).rows)
const run = async (
  texts: readonly (readonly [string, string])[],
  judge?: Judge,
  pace?: Partial<RolloutPace>,
): Promise<RolloutResult> =>
  rollOut({
    catalogueUrl: database().migratorUrl,
    migrations: await prepareAll(...texts),
    onEvent: (event) => events.push(event),
    ...(judge !== undefined && { judge }),
    ...(pace !== undefined && { pace }),
  })
const failures = (): unknown[] => events.flatMap((event) => (event.type === 'home' ? [event] : []))
/** Of the shared table as it was committed: whether it holds its owner, and by which transaction. */
const shared = async (): Promise<{ forced: boolean; transaction: string } | undefined> =>
  (
    await admin<{ forced: boolean; transaction: string }>(
      `select relforcerowsecurity as forced, xmin::text as transaction from pg_class where oid = 'public.contacts'::regclass`,
    )
  )[0]

const FIRST = ['20260101000000', contacts] as const
const SECOND = ['20260102000000', 'alter table contacts add column phone text'] as const
/** Weakens the shared table alone, so that no wave before it notices. */
const WEAK = [
  '20260102000000',
  `do $$ begin
    if current_schema() = 'public' then alter table contacts no force row level security; end if;
  end $$`,
] as const

beforeEach(async () => {
  events = []
  await makeHomes(database(), HOMES)
  await run([FIRST])
})
afterEach(async () => {
  await admin('alter event trigger rowhouse_guard_1_ddl enable')
  await dropHomes(database())
  await admin('drop table if exists public.contacts')
})

it('what weakens a shared table is rolled back before anybody could have seen it', async () => {
  await admin('alter event trigger rowhouse_guard_1_ddl disable')
  const before = await shared()
  await expect(run([FIRST, WEAK])).rejects.toMatchObject({
    code: 'rollout_stopped',
    details: { done: HOMES, failed: 1 },
  })
  expect(failures()).toMatchObject([
    { state: 'failed', name: 'the shared database', code: 'tenant_migration_unsafe', version: WEAK[0] },
  ])
  expect(await shared()).toEqual(before)
  expect(
    await admin(
      `select from rowhouse.applied_tenant_migrations where schema_name = 'public' and version > '${FIRST[0]}'`,
    ),
  ).toEqual([])
})

it('without the judgement it would be there, and nobody would say so', async () => {
  await admin(`alter event trigger rowhouse_guard_1_ddl disable;
    alter function rowhouse.home_weaknesses(name) rename to looking;
    create function rowhouse.home_weaknesses(name) returns table (relation text, message text) language sql
      as 'select null, null limit 0'`)
  try {
    expect(await run([FIRST, WEAK])).toMatchObject({ state: 'done' })
    expect(await shared()).toMatchObject({ forced: false })
  } finally {
    await admin(`drop function rowhouse.home_weaknesses(name);
      alter function rowhouse.looking(name) rename to home_weaknesses`)
  }
})

it('is judged inside the transaction, against what was there before, and homes of one organization are not', async () => {
  const seen: unknown[] = []
  const columns = `select count(*)::int as columns from pg_attribute where attrelid = 'public.contacts'::regclass and attname = 'phone'`
  const judge: Judge = async (client, home) => {
    seen.push(home.isolation, (await client.query(columns)).rows)
    return async () => {
      seen.push((await client.query(columns)).rows, await admin(columns))
      return ['contacts could be read by everybody']
    }
  }
  await expect(run([FIRST, SECOND], judge)).rejects.toMatchObject({ code: 'rollout_stopped' })
  const [none, one] = [[{ columns: 0 }], [{ columns: 1 }]]
  expect(seen).toEqual(['shared', none, one, none])
  expect(failures()).toMatchObject([
    { message: 'Nothing was changed. What many share would be less apart: contacts could be read by everybody' },
  ])
  expect(await admin(columns)).toEqual(none)
  // Nothing is wrong with it for long: the next run goes on, and does it.
  expect(await run([FIRST, SECOND], () => Promise.resolve(() => Promise.resolve([])))).toMatchObject({
    state: 'done',
    homes: 1,
  })
  expect(await admin(columns)).toEqual(one)
})

it('what was wrong before is not the migration’s fault', async () => {
  await admin('create table public.open (id int); grant select on public.open to rowhouse_app')
  try {
    expect(await run([FIRST, SECOND])).toMatchObject({ state: 'done' })
  } finally {
    await admin('drop table public.open')
  }
})

it('is left for later where it cannot be judged in time', async () => {
  const judge: Judge = async (client) => {
    await client.query('set local statement_timeout = 1; select pg_sleep(1)')
    return () => Promise.resolve([])
  }
  await expect(run([FIRST, SECOND], judge)).rejects.toMatchObject({
    code: 'rollout_incomplete',
    details: { blocked: 1 },
  })
  expect(await run([FIRST, SECOND])).toMatchObject({ state: 'done' })
})

describe('locked while it is judged', () => {
  let asked: number
  /** Asks again and again, each time for less than any statement may take; until it is told to end. */
  const endless =
    (asks: string, mayEnd: { now: boolean }): Judge =>
    async (client) => {
      await client.query('select')
      return async () => {
        for (asked = 0; !mayEnd.now; asked += 1) await client.query(asks)
        return []
      }
    }
  const phone = `select from pg_attribute where attrelid = 'public.contacts'::regclass and attname = 'phone'`

  it.each([
    ['one question takes long', 'select pg_sleep(600)'],
    ['many questions do', 'select pg_sleep(0.01)'],
  ])('a shared table is let go in time where %s, and it is not tried again', async (_, asks) => {
    await expect(run([FIRST, SECOND], endless(asks, { now: false }), { judgeTimeoutMs: 300 })).rejects.toMatchObject({
      code: 'rollout_stopped',
      details: { done: HOMES, failed: 1, blocked: 0 },
    })
    expect(failures()).toMatchObject([{ code: 'tenant_migration_unjudged', version: SECOND[0] }])
    await admin(`set lock_timeout = '10s'; select from public.contacts`)
    expect(await admin(phone)).toEqual([])
    expect(await run([FIRST, SECOND])).toMatchObject({ state: 'done', homes: 1 })
  })

  it('would be so for as long as the questions go on, if nobody looked at the clock', async () => {
    const mayEnd = { now: false }
    const running = run([FIRST, SECOND], endless('select pg_sleep(0.01)', mayEnd), { judgeTimeoutMs: 3_600_000 })
    await expect
      .poll(() =>
        admin(
          `select from pg_locks where relation = 'public.contacts'::regclass and mode = 'AccessExclusiveLock' and granted`,
        ),
      )
      .toHaveLength(1)
    // Longer than what was allowed above.
    await expect.poll(() => asked).toBeGreaterThan(50)
    await expect(admin(`set lock_timeout = 100; select from public.contacts`)).rejects.toMatchObject({ code: '55P03' })
    mayEnd.now = true
    expect(await running).toMatchObject({ state: 'done' })
  })
})
