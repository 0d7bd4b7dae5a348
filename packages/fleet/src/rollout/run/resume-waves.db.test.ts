// A server that goes away in the middle of a rollout's first wave, and what the next run makes of that.
import { dropHomes, makeHomes, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TestHome } from '@rowhouse/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contacts, prepareAll } from '../fixtures/test-fleet.ts'
import { readFleetStatus } from '../status.ts'
import type { RolloutEvent } from './events.ts'
import type { RolloutOptions, RolloutPace } from './options.ts'
import { planRollout } from './plan.ts'
import { rollOut } from './roll-out.ts'
import type { RolloutResult } from './roll-out.ts'

const database = useTestDatabase()
const HOMES = 12
let homes: TestHome[]
let events: RolloutEvent[]

const admin = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Row>(sql, values)).rows)

const FIRST = ['20260101000000', contacts] as const

const run = async (pace: Partial<RolloutPace> = {}, more: Partial<RolloutOptions> = {}): Promise<RolloutResult> =>
  rollOut({
    catalogueUrl: database().migratorUrl,
    migrations: await prepareAll(FIRST),
    pace,
    onEvent: (event) => events.push(event),
    wait: () => Promise.resolve(),
    ...more,
  })

const homesThatHaveIt = async (): Promise<number> =>
  (
    await admin<{ homes: number }>(
      `select count(*)::int as homes from pg_class where relname = 'contacts' and relkind = 'r'`,
    )
  )[0]?.homes ?? 0

describe('a cluster that goes away in the middle of the first wave', () => {
  const away = (): TestHome => homes[0] as TestHome
  const standIn = (): TestHome => homes[5] as TestHome
  const wavesOf = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await admin<{ home: string; wave: number }>('select home_id as home, wave from rowhouse.rollout_homes')).map(
        ({ home, wave }) => [home, wave],
      ),
    )
  const reaches = (): Promise<boolean> => Promise.resolve(true)

  // Two of another model than the others, one of them on a server that answered when it was asked and is gone now.
  beforeEach(async () => {
    homes = await makeHomes(database(), HOMES, 2)
    events = []
    await admin(
      `insert into rowhouse.clusters (id, region, host, port, tls) values ('gone', 'gone', '127.0.0.1', 1, 'off')`,
    )
    await admin(`update rowhouse.homes set isolation = 'database', created_at = 'infinity' where id = any ($1)`, [
      [away().id, standIn().id],
    ])
    // Before the other of its model, and after the other of the first wave, which so is done when this one stops it.
    await admin(
      `update rowhouse.homes set cluster = 'gone', database_name = 'gone', created_at = '2100-01-01' where id = $1`,
      [away().id],
    )
  })
  afterEach(async () => {
    await admin(`update rowhouse.homes set cluster = 'main', database_name = null where cluster = 'gone';
      update rowhouse.homes set isolation = 'schema' where isolation = 'database';
      delete from rowhouse.clusters where id = 'gone'`)
    await dropHomes(database())
    await admin('drop table if exists public.contacts')
  })

  it('is left for last by the next run, and another home of its model goes first; what is done stays', async () => {
    await expect(run({ databases: 1 }, { reaches })).rejects.toMatchObject({
      code: 'rollout_canary_failed',
      details: { done: 1, blocked: 1 },
    })
    const begun = await wavesOf()
    const done = Object.keys(begun).filter((id) => begun[id] === 0 && id !== away().id)
    expect(done).toHaveLength(1)
    expect([begun[away().id], (begun[standIn().id] ?? 0) > 0]).toEqual([0, true])

    const left = { canary: 1, 'not answering': 1 }
    const plan = await planRollout({ catalogueUrl: database().migratorUrl, migrations: await prepareAll(FIRST) })
    expect(plan.resumes).toMatchObject({ state: 'stopped', done: 1, of: HOMES + 3 })
    expect(Object.fromEntries(plan.waves.map((wave) => [wave.name, wave.homes.length]))).toMatchObject(left)
    expect(await wavesOf()).toEqual(begun)

    events = []
    const judged: string[] = []
    const verify = (first: readonly { readonly id: string }[]): Promise<string[]> => {
      judged.splice(0, judged.length, ...first.map(({ id }) => id))
      return Promise.resolve([])
    }
    await expect(run({}, { verify })).rejects.toMatchObject({
      code: 'rollout_incomplete',
      details: { done: HOMES + 1, failed: 0, blocked: 1 },
    })
    const [started] = events
    expect(started).toMatchObject({ type: 'started', isResumed: true })
    const waves = started?.type === 'started' ? started.waves : []
    expect(Object.fromEntries(waves.map((wave) => [wave.name, wave.homes]))).toMatchObject(left)
    expect(plan.waves.map((wave) => ({ name: wave.name, homes: wave.homes.length }))).toEqual(
      waves.filter((wave) => wave.homes > 0),
    )
    expect(judged.toSorted()).toEqual([...done, standIn().id].toSorted())
    expect(await wavesOf()).toEqual({ ...begun, [standIn().id]: 0, [away().id]: waves.length - 1 })
    expect(await readFleetStatus(database().migratorUrl)).toMatchObject({
      behind: 1,
      rollout: { state: 'incomplete', wave: 'not answering', wavesTotal: waves.length, homes: { blocked: 1 } },
      open: [{ homeId: away().id, state: 'blocked' }],
    })

    // Back again, it is reached where it is now.
    await admin(`update rowhouse.homes set cluster = 'main', database_name = null where cluster = 'gone'`)
    expect(await run()).toMatchObject({ state: 'done', homes: 1 })
    expect((await wavesOf())[away().id]).toBe(waves.length - 1)
  })

  it('would stop every run for as long as it is away without being asked then', async () => {
    for (const blocked of [1, 1]) {
      await expect(run({ databases: 1 }, { reaches })).rejects.toMatchObject({
        code: 'rollout_canary_failed',
        details: { blocked },
      })
    }
    expect((await wavesOf())[away().id]).toBe(0)
    expect(await homesThatHaveIt()).toBe(1)
  })

  it('stops the next run where it is named', async () => {
    await expect(run({ databases: 1 }, { reaches })).rejects.toMatchObject({ code: 'rollout_canary_failed' })
    await admin('select rowhouse.mark_canary($1)', [away().organizationId])
    await expect(run()).rejects.toMatchObject({ code: 'rollout_canary_failed' })
    expect((await wavesOf())[away().id]).toBe(0)
    expect(await homesThatHaveIt()).toBe(1)
  })
})
