// Probes that share a transaction: each finds the context as it was entered, whatever those before it did.
import { withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { AttackContext } from './arena.ts'
import { buildHouse } from './fixtures/house.ts'
import { COMPANY_MAX, Session } from './session.ts'
import type { HandMade } from './test-arena.ts'
import { Witness } from './witness.ts'

describe('probes in company', () => {
  let house: HandMade
  let session: Session
  let context: AttackContext
  beforeAll(async () => {
    house = await buildHouse({
      hole: `
        do $$ begin create role {login}_within; exception when duplicate_object then null; end $$;
        grant {login}_within to {login};
        revoke all on app.projects from {login};
        grant usage on schema app, private to {login}_within;
        grant execute on function private.me() to {login}_within;
        grant select, update, delete on app.projects to {login}_within;
        create procedure app.ends() language plpgsql as $$ begin commit; end $$`,
    })
    const { login, arena } = house
    // What is entered is a role that the login takes on, and a setting.
    context = {
      name: 'within',
      login,
      enter: () => [`set local role ${login}_within`, `select set_config('app.mark', 'A', true)`],
      actsForA: true,
    }
    const witness = await withClient(arena.worlds[0], (admin) =>
      Witness.look([admin, admin], [], new Map(), arena.organizations),
    )
    session = new Session({ url: arena.worlds[0], world: 0, statementTimeoutMs: 10_000, hasDeferred: false, witness })
  })
  afterAll(async () => {
    await session.close()
    await withClient(house.arena.worlds[1], (admin) => admin.query(`drop owned by ${house.login}_within`))
    await withClient(house.arena.worlds[0], (admin) => admin.query(`drop owned by ${house.login}_within`))
    await house.drop()
  })

  const who = `select current_user, session_user, current_setting('app.mark'), count(*) from app.projects`
  const run = (sql: string, writes = false, inCompany = true) => session.attempt(context, { sql, writes }, inCompany)
  const look = async (inCompany = true) => (await run(who, false, inCompany)).results[0]?.rows
  const began = async (inCompany = true) => (await run('select now()', false, inCompany)).results[0]?.rows[0]?.[0]

  it('share a transaction, so many and no more, and others have their own', async () => {
    await session.rest()
    const times: (string | null | undefined)[] = []
    for (let count = 0; count <= COMPANY_MAX; count += 1) times.push(await began())
    expect(new Set(times.slice(0, COMPANY_MAX)).size).toBe(1)
    expect(times[COMPANY_MAX]).not.toBe(times[0])
    const alone = [await began(false), await began(false)]
    expect(new Set([...alone, times[COMPANY_MAX]]).size).toBe(3)
  })

  it.each([
    ['is refused', 'select 1 / 0', false],
    ['cannot be parsed', 'select from from', false],
    ['writes', `update app.projects set name = 'another'`, true],
    ['writes and is refused', `update app.projects set organization_id = null`, true],
    ['takes another role', 'set local role none', false],
    ['sets what was entered', `select set_config('app.mark', 'B', true)`, false],
    ['ends its transaction', 'call app.ends()', true],
    ['commits', 'commit', false],
    ['goes back', 'rollback', false],
  ])('find the context as it was after one that %s', async (_, sql, writes) => {
    await session.rest()
    const before = await look(false)
    expect(before?.[0]).toEqual([`${house.login}_within`, house.login, 'A', '2'])
    // First in company, and after others.
    for (const others of [0, 1]) {
      for (let other = 0; other < others; other += 1) expect(await look()).toEqual(before)
      await run(sql, writes)
      expect(await look()).toEqual(before)
    }
    const names = await run('select name from app.projects order by 1')
    expect(names.results[0]?.rows).toEqual([['amber-door'], ['amber-lamp']])
  })

  it('keep no lock on what one has read or written', async () => {
    await session.rest()
    for (const [sql, writes] of [
      ['select * from app.projects for update', false],
      [`update app.projects set name = 'another'`, true],
      [`update app.projects set organization_id = null`, true],
    ] as const) {
      await look()
      await run(sql, writes)
      const locked = await withClient(house.arena.worlds[0], (admin) =>
        admin.query(`begin; set local lock_timeout = 5000; lock table app.projects in access exclusive mode; rollback`),
      )
      expect(locked).toHaveLength(4)
    }
  })
})
