// Rollouts of the fixture: one that runs, one that was left incomplete, one that is done. Made up; in memory.
import type { Rollout, RolloutPlan } from '@rowhouse/contracts'
import { ago, uuid } from './fixtures.ts'

export type RolloutsFixture = 'running' | 'incomplete' | 'done' | 'none'

const targets = ['20260131120000', '20260214090000', '20260302153000'] as const
const HOMES = 412

const base = (index: number): Rollout => ({
  id: uuid(0xf, index + 1),
  target: targets[index] ?? targets[0],
  state: 'done',
  wave: 'the rest',
  wavesTotal: 4,
  homes: { total: HOMES, done: HOMES, failed: 0, blocked: 0 },
  startedBy: 'rowhouse_migrator',
  startedAt: ago(86_400_000 * (3 - index)),
  heartbeatAt: ago(86_400_000 * (3 - index) - 60_000),
  finishedAt: ago(86_400_000 * (3 - index) - 60_000),
  code: null,
  message: null,
})

const lasts: Record<Exclude<RolloutsFixture, 'none'>, Partial<Rollout>> = {
  running: {
    state: 'running',
    wave: '25 %',
    homes: { total: HOMES, done: 161, failed: 1, blocked: 0 },
    startedBy: 'operator, over HTTP',
    startedAt: ago(42_000),
    heartbeatAt: ago(2_000),
    finishedAt: null,
  },
  incomplete: {
    state: 'incomplete',
    homes: { total: HOMES, done: 409, failed: 2, blocked: 1 },
    startedAt: ago(1_800_000),
    finishedAt: ago(1_700_000),
    code: 'rollout_incomplete',
    message: '2 homes failed, 1 could not be reached or locked; 409 are done.',
  },
  done: { startedAt: ago(1_800_000), finishedAt: ago(1_700_000) },
}

export interface Rollouts {
  list(): unknown
  get(id: string): unknown
  plan(): RolloutPlan
  start(body: Readonly<Record<string, unknown>>): { rollout: Rollout }
  change(id: string, change: Partial<Rollout>): { rollout: Rollout } | null
}

export function rolloutsOf(fixture: RolloutsFixture, destroys: boolean): Rollouts {
  const items: Rollout[] =
    fixture === 'none' ? [] : [{ ...base(2), ...lasts[fixture] }, { ...base(1) }, { ...base(0), state: 'done' }]
  const find = (id: string): Rollout | undefined => items.find((one) => one.id === id)
  return {
    list: () => {
      const done = items[0]?.homes.done ?? 0
      const versions =
        items[0] === undefined
          ? [{ version: null, homes: HOMES }]
          : [
              ...(done < HOMES ? [{ version: targets[1], homes: HOMES - done }] : []),
              { version: targets[2], homes: done },
            ]
      return { items, versions }
    },
    get: (id) => {
      const rollout = find(id)
      if (rollout === undefined) return null
      const open = ['birch', 'cedar', 'dune'].slice(0, rollout.homes.failed + rollout.homes.blocked)
      return {
        rollout,
        open: open.map((slug, index) => ({
          homeId: uuid(0xb, index + 1),
          cluster: index === 2 ? 'eu' : 'main',
          databaseName: null,
          schemaName: `h_${'0123456789abcdef'.slice(index)}${'0'.repeat(index)}`,
          organizationId: uuid(0xa, index),
          slug,
          state: index === 2 ? 'blocked' : 'failed',
          attempts: 1,
          code: index === 2 ? 'home_locked' : 'migration_failed',
          message: index === 2 ? 'canceling statement due to lock timeout' : 'relation "calls" already exists',
          version: index === 2 ? null : targets[2],
          line: index === 2 ? null : 3,
        })),
      }
    },
    plan: () => ({
      target: '20260310100000',
      upToDate: false,
      confirm: '0123456789abcdef',
      homes: { total: HOMES, behind: HOMES },
      resumes: null,
      waves: [
        { name: 'canaries', homes: 3 },
        { name: '5 %', homes: 18 },
        { name: '25 %', homes: 82 },
        { name: 'the rest', homes: 309 },
      ],
      migrations: [
        {
          file: '20260310100000_create_calls.sql',
          statements: 4,
          inTransaction: true,
          together: true,
          problems: [],
          allowed: [],
        },
      ],
      destroys: destroys
        ? [
            {
              file: '20260310100000_create_calls.sql',
              line: 7,
              check: 'drop_column',
              message: 'contacts.fax goes, with what is in it.',
              reason: 'no version since 2026-02 names it',
            },
          ]
        : [],
    }),
    start: () => {
      const rollout: Rollout = {
        ...base(2),
        ...lasts.running,
        id: uuid(0xf, 9),
        target: '20260310100000',
        homes: { total: HOMES, done: 0, failed: 0, blocked: 0 },
      }
      items.unshift(rollout)
      return { rollout }
    },
    change: (id, change) => {
      const index = items.findIndex((one) => one.id === id)
      const known = items[index]
      if (known === undefined) return null
      const rollout = { ...known, ...change }
      items[index] = rollout
      return { rollout }
    },
  }
}
