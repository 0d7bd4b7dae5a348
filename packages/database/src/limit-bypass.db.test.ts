// What SQL of an organization can do about the organization's limits: set its own times back, for its own transaction. It gets
// no second slot, keeps no slot from being counted, and changes no limit.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

import { without } from './test-doors.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  await asAdmin(
    `insert into rowhouse.organization_limits
       (organization_id, concurrency_max, statement_timeout_ms, idle_in_transaction_timeout_ms) values ($1, 1, 20000, 30000)`,
    [worlds.a.organizationId],
  )
  // Nobody waits for what stays as it is.
  await asAdmin(`alter function rowhouse.wait_for_slot(uuid, bigint, int) set lock_timeout = '50ms'`)
})

const asAdmin = (text: string, values: unknown[] = []): Promise<unknown> =>
  withClient(database().adminUrl, (admin) => admin.query(text, values))
const asApp = <Result>(use: (app: Client) => Promise<Result>): Promise<Result> => withClient(database().appUrl, use)
const enterAnother = (): Promise<string> =>
  asApp((app) => sqlstateOf(app.query('select rowhouse.enter($1)', [worlds.a.token()])))
const timesOf = async (app: Client): Promise<unknown> =>
  (
    await app.query(
      `select current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle`,
    )
  ).rows[0]
const limited = { statement: '20s', idle: '30s' }

describe('the only slot of an organization', () => {
  it.each<readonly [string, string, string]>([
    [
      'set the times back',
      'set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0',
      'done',
    ],
    ['set them back for the session', `select set_config('statement_timeout', '0', false)`, 'done'],
    ['reset everything', 'reset all', 'done'],
    ['roll back to a savepoint', 'savepoint s; select 1; rollback to s; release s', 'done'],
    ['take up its seal again', `select set_config('rowhouse.seal', '', true)`, 'done'],
    ['unlock', 'select pg_advisory_unlock_all()', '42501'],
    ['discard what the session holds', 'discard all', '25001'],
    ['change the line of its organization', 'update rowhouse.organization_limits set concurrency_max = 99', '42501'],
    ['change its plan', 'update rowhouse.plans set concurrency_max = 99', '42501'],
    ['change what is noted of it', `update rowhouse.organizations set limits = '{}'`, '42501'],
    ['limit itself anew', `select rowhouse.limit_transaction('{}')`, '42501'],
    ['take another slot', 'select rowhouse.take_slot(gen_random_uuid(), 99)', '42501'],
  ])('stays taken while its SQL tries to %s', async (_, text, outcome) => {
    await asApp(async (app) => {
      await app.query('begin')
      await worlds.a.enter(app)
      expect(await sqlstateOf(app.query(text))).toBe(outcome)
      // What is refused ends the transaction, and with it the hold.
      expect(await enterAnother()).toBe(outcome === 'done' ? 'RH010' : 'done')
      await app.query('rollback')
    })
    expect(await enterAnother()).toBe('done')
  })

  it('would be free at once for who enters past the count', async () => {
    await asApp(async (app) => {
      await app.query('begin')
      await worlds.a.enter(app)
      await without(
        database().adminUrl,
        'limit_transaction',
        `organization is not null and limits ? 'concurrency'`,
        'false',
        async () => {
          expect(await enterAnother()).toBe('done')
        },
      )
      await app.query('rollback')
    })
  })
})

describe('times that SQL has set back', () => {
  it('for the transaction, or for the session, are those of the plan again in the next', async () => {
    await asApp(async (app) => {
      for (const isLocal of [true, false]) {
        await app.query('begin')
        await worlds.a.enter(app)
        expect(await timesOf(app)).toEqual(limited)
        await app.query(
          `select set_config('statement_timeout', '0', $1), set_config('idle_in_transaction_session_timeout', '0', $1)`,
          [isLocal],
        )
        // What no privilege keeps from it: they are a guard against what runs away.
        expect(await timesOf(app)).toEqual({ statement: '0', idle: '0' })
        await app.query('commit')
        await app.query('begin')
        await worlds.a.enter(app)
        expect(await timesOf(app)).toEqual(limited)
        await app.query('rollback')
      }
    })
  })
})
