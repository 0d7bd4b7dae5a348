// A seal set again where enter() did not set it: after ROLLBACK TO, and in a second transaction of one simple message,
// which begins at the same time. What is refused, and what remains: it acts as whoever entered, and as no one else.
import { createTwoWorlds, sqlstateOf, untilWaiting, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

import { advisoryLocksOf } from './test-locks.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

const asApp = <Result>(use: (app: Client) => Promise<Result>): Promise<Result> => withClient(database().appUrl, use)
const organizationOf = async (client: Client): Promise<string | null> =>
  (await client.query<{ id: string | null }>('select rowhouse.organization_id() as id')).rows[0]?.id ?? null
const sealOf = async (client: Client): Promise<string> =>
  (await client.query<{ seal: string }>("select current_setting('rowhouse.seal', true) as seal")).rows[0]?.seal ?? ''
const setSeal = (client: Client, seal: string, isLocal = false): Promise<unknown> =>
  client.query("select set_config('rowhouse.seal', $1, $2)", [seal, isLocal])
const notesSeen = async (client: Client): Promise<number> => (await client.query('select from notes')).rowCount ?? 0

describe('a seal set again', () => {
  it('after ROLLBACK TO a savepoint from before it; writes with one set again take the lock again', async () => {
    await asApp(async (app) => {
      await app.query('begin')
      await app.query('savepoint before')
      await worlds.a.enter(app)
      const seal = await sealOf(app)
      await app.query('rollback to before')
      expect(await notesSeen(app)).toBe(0)
      await setSeal(app, seal, true)
      await app.query("insert into notes (body) values ('again')")
      expect(await advisoryLocksOf(database().adminUrl, app)).toEqual(['ShareLock'])
      await app.query('rollback')
    })
  })

  /** What an injection can do in one simple message: two transactions that begin at the same time. */
  const twice = (token: string, between: string, second: string): string =>
    `begin; select rowhouse.enter('${token}'); select set_config('attack.seal', current_setting('rowhouse.seal'), false);
     commit; ${between}; begin; select set_config('rowhouse.seal', current_setting('attack.seal'), true); ${second}; commit`

  it('is refused for writes while a mover holds the organization, once it has moved, and while it is suspended', async () => {
    const move = (state: string): Promise<unknown> =>
      withClient(database().controlUrl, (control) =>
        control.query('update rowhouse.placements set state = $2 where organization_id = $1', [
          worlds.a.organizationId,
          state,
        ]),
      )
    const write = "insert into notes (body) values ('late')"
    await asApp(async (app) => {
      // It names who entered, and no one else: the one thing that remains possible.
      expect(await sqlstateOf(app.query(twice(worlds.a.token(), 'select 1', write)))).toBe('done')

      await withClient(database().controlUrl, async (mover) => {
        await mover.query('begin')
        await app.query('begin; savepoint before')
        await worlds.a.enter(app)
        const seal = await sealOf(app)
        await app.query('rollback to before')
        await mover.query('select pg_advisory_xact_lock(rowhouse.lock_key($1))', [worlds.a.organizationId])
        await setSeal(app, seal, true)
        expect(await sqlstateOf(app.query(write))).toBe('RH010')
        await app.query('rollback; begin; savepoint before')
        await mover.query('rollback')
        await worlds.a.enter(app)
        const again = await sealOf(app)
        await app.query('rollback to before')
        await move('moved')
        await setSeal(app, again, true)
        expect(await sqlstateOf(app.query(write))).toBe('RH009')
        await app.query('rollback')
        await move('active')

        const status = (value: string): Promise<unknown> =>
          mover.query('select rowhouse.set_organization_status($1, $2)', [worlds.a.organizationId, value])
        await app.query('begin; savepoint before')
        await worlds.a.enter(app)
        const third = await sealOf(app)
        await app.query('rollback to before')
        await status('suspended')
        await setSeal(app, third, true)
        expect(await sqlstateOf(app.query(write))).toBe('RH008')
        await app.query('rollback')
        await status('active')
      })
    })
  })

  it('is refused for writes in a second transaction of one message, once the organization has moved between the two', async () => {
    await withClient(database().controlUrl, async (mover) => {
      await mover.query('begin')
      await mover.query('select pg_advisory_xact_lock(7)')
      await asApp(async (app) => {
        const attack = sqlstateOf(
          app.query(
            twice(worlds.a.token(), 'select pg_advisory_xact_lock(7)', "insert into notes (body) values ('late')"),
          ),
        )
        await untilWaiting(database(), 'advisory')
        await mover.query("update rowhouse.placements set state = 'moved' where organization_id = $1", [
          worlds.a.organizationId,
        ])
        await mover.query('commit')
        expect(await attack).toBe('RH009')
        await app.query('rollback')
      })
      await mover.query("update rowhouse.placements set state = 'active' where organization_id = $1", [
        worlds.a.organizationId,
      ])
    })
  })

  it('or cleared and entered anew in one transaction mixes nothing: a second valid token acts as itself', async () => {
    await asApp(async (app) => {
      await app.query('begin')
      await worlds.a.enter(app)
      const ofA = await sealOf(app)
      await setSeal(app, '', true)
      expect(await notesSeen(app)).toBe(0)
      await worlds.b.enter(app)
      expect(await organizationOf(app)).toBe(worlds.b.organizationId)
      expect(
        await sqlstateOf(
          app.query('insert into notes (organization_id, body) values ($1, $2)', [worlds.a.organizationId, 'x']),
        ),
      ).toBe('42501')
      await app.query('rollback')
      await setSeal(app, ofA)
      expect(await notesSeen(app)).toBe(0)
    })
  })
})
