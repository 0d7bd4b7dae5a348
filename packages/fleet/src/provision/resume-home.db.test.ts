// A process killed at every step of a home: what it leaves is finished by the next pass, or taken away, and nothing else is
// left on the server.
import { afterEach, describe, expect, it, vi } from 'vitest'

import { useFleet } from './test-fleet.ts'
import { killedAt } from './test-kill.ts'
import { homeProblems } from './verify-home.ts'
import { readHome } from './home.ts'

const test = useFleet()
/** The lease of a run that is dead ends by itself; the test does not wait for it. */
const endLeases = () =>
  test().admin("update rowhouse.homes set run_until = now() - interval '1 second' where run is not null")

const steps: Readonly<Record<'schema' | 'database', readonly string[]>> = {
  schema: ['server', 'made', 'migrated', 'verified', 'ready'],
  database: ['server', 'made', 'database', 'identity', 'migrated', 'verified', 'ready'],
}

describe.each(
  (['schema', 'database'] as const).flatMap((isolation) => steps[isolation].map((step) => ({ isolation, step }))),
)('a run that makes a $isolation home and is killed before $step', ({ isolation, step }) => {
  it('leaves one home, which the next pass finishes', async () => {
    const { fleet, admin } = test()
    const before = await admin('select id from rowhouse.homes')
    expect(await killedAt(test().database, step, isolation)).toBe('SIGKILL')
    expect(await fleet.reconcile()).toMatchObject({ finished: 0 })
    await endLeases()
    expect(await fleet.reconcile()).toMatchObject({ finished: 1, failed: 0 })
    const after = await admin('select id::text, state from rowhouse.homes where not id = any ($1)', [
      before.map(({ id }) => id),
    ])
    expect(after).toEqual([{ id: expect.any(String), state: 'spare' }])
    const home = await readHome(fleet.context.catalogue, String(after[0]?.['id']))
    expect(await homeProblems(fleet.context, home)).toEqual([])
    expect(await test().leftovers()).toEqual([])
  })
})

it('a home that cannot be finished is taken away after some attempts, and nothing of it is left', async () => {
  const { fleet, admin } = test()
  await killedAt(test().database, 'migrated', 'schema')
  await admin("update rowhouse.homes set attempts = 5, run_until = now() - interval '1 second' where run is not null")
  expect(await fleet.reconcile()).toMatchObject({ dropped: 1, failed: 0 })
  expect(await test().leftovers()).toEqual([])
})

it.each(['dropping', 'dropped'])('a drop that is cut off before %s is finished by the next pass', async (step) => {
  const { fleet, open, admin } = test()
  const home = await fleet.createHome({ cluster: 'main', isolation: 'database' })
  const cut = open({
    beforeStep: (_home, at) => (at === step ? Promise.reject(new Error('cut off')) : Promise.resolve()),
  })
  await expect(cut.dropHome(home.id)).rejects.toThrow('cut off')
  expect(await admin('select state from rowhouse.homes where id = $1', [home.id])).toEqual([{ state: 'dropping' }])
  expect(await fleet.reconcile()).toMatchObject({ dropped: 1 })
  expect(await admin('select from rowhouse.homes where id = $1', [home.id])).toEqual([])
  expect(await admin('select from pg_database where datname = $1', [home.databaseName])).toEqual([])
  expect(await admin('select from pg_roles where rolname = $1', [home.login])).toEqual([])
})

describe('a step that takes longer than a lease', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each([
    ['is renewed meanwhile, so that no other run begins', 60_000, { isHeld: true, finished: 0, outcome: 'made' }],
    ['without the renewal is taken over by the next pass', 0, { isHeld: false, finished: 1, outcome: 'home_taken' }],
  ] as const)('%s', async (_what, passedMs, expected) => {
    // Of the timers only the one that renews; the rest is the database's time.
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { fleet, open, admin } = test()
    let release: () => void = () => {}
    let held: (id: string) => void = () => {}
    const isHeld = new Promise<string>((resolve) => (held = resolve))
    const slow = open({
      beforeStep: (home, step) => {
        if (step !== 'made') return Promise.resolve()
        held(home.id)
        return new Promise<void>((resolve) => (release = resolve))
      },
    })
    const making = slow.createHome({ cluster: 'main', isolation: 'schema' }).then(
      () => 'made',
      (error: { code?: string }) => error.code,
    )
    const id = await isHeld
    await endLeases()
    vi.advanceTimersByTime(passedMs)
    await expect
      .poll(() => admin('select run_until > now() as held from rowhouse.homes where id = $1', [id]))
      .toEqual([{ held: expected.isHeld }])
    expect(await fleet.reconcile()).toMatchObject({ finished: expected.finished })
    release()
    expect(await making).toBe(expected.outcome)
    expect(await test().leftovers()).toEqual([])
  })
})

it('two runs never work on one home at a time', async () => {
  const { fleet, open } = test()
  let release: () => void = () => {}
  let held: (id: string) => void = () => {}
  const isHeld = new Promise<string>((resolve) => (held = resolve))
  const slow = open({
    beforeStep: (home, step) => {
      if (step !== 'migrated') return Promise.resolve()
      held(home.id)
      return new Promise<void>((resolve) => (release = resolve))
    },
  })
  const making = slow.createHome({ cluster: 'main', isolation: 'schema' })
  const id = await isHeld
  await expect(fleet.dropHome(id)).rejects.toMatchObject({ code: 'home_taken' })
  await endLeases()
  await fleet.dropHome(id)
  release()
  await expect(making).rejects.toBeDefined()
  expect(await test().leftovers()).toEqual([])
})
