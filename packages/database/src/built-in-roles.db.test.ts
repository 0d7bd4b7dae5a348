// What the built-in roles permit is folded into a session's plans, as the keys are; a new version that changes one of them
// must be heard by every session, and a role of an organization is none of them.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

/** As an upgrade does it: nobody else may change a built-in role. */
const setOwner = (permissions: string, alsoBefore = '', alsoAfter = ''): Promise<unknown> =>
  withClient(database().adminUrl, (admin) =>
    admin.query(`begin; ${alsoBefore}
      alter table rowhouse.roles disable trigger check_role;
      update rowhouse.roles set permissions = '${permissions}' where organization_id is null and name = 'owner';
      alter table rowhouse.roles enable trigger check_role;
      ${alsoAfter} commit`),
  )
const original = '{*}'
afterEach(() => setOwner(original))

const may = async (client: Client, begin = 'begin'): Promise<boolean | undefined> => {
  await client.query(begin)
  await worlds.a.enter(client)
  const { rows } = await client.query<{ may: boolean }>(`select rowhouse.can('data.write') as may`)
  await client.query('commit')
  return rows[0]?.may
}

describe('a built-in role that is changed', () => {
  it('counts from the next transaction on, in sessions that had folded it', async () => {
    await withClient(database().appUrl, async (session) => {
      expect(await may(session)).toBe(true)
      await setOwner('{data.read}')
      expect(await may(session)).toBe(false)
      await setOwner('{data.write}')
      expect(await may(session)).toBe(true)
    })
  })

  it('and would not, were the sessions not told', async () => {
    await withClient(database().appUrl, async (session) => {
      expect(await may(session)).toBe(true)
      await setOwner(
        '{data.read}',
        'alter table rowhouse.roles disable trigger forget_changed_constant;',
        'alter table rowhouse.roles enable trigger forget_changed_constant;',
      )
      expect(await may(session)).toBe(true)
    })
  })

  it('is not folded from an old snapshot', async () => {
    await withClient(database().appUrl, async (session) => {
      await session.query('begin isolation level repeatable read')
      await session.query('select 1')
      await setOwner('{data.read}')
      await worlds.a.enter(session)
      await session.query(`select rowhouse.can('data.write')`)
      await session.query('commit')
      expect(await may(session)).toBe(false)
      expect(await may(session, 'begin isolation level repeatable read')).toBe(false)
    })
  })
})

it('nobody may anything without a permission named, nor without an organization', async () => {
  await withClient(database().appUrl, async (session) => {
    const ask = async (): Promise<unknown[]> =>
      (await session.query(`select rowhouse.can(null) as nothing, rowhouse.can('data.write') as write`)).rows
    expect(await ask()).toEqual([{ nothing: false, write: false }])
    await session.query('begin')
    await worlds.a.enter(session)
    expect(await ask()).toEqual([{ nothing: false, write: true }])
    await session.query('rollback; begin')
    await worlds.a.enter(session, { org: null })
    expect(await ask()).toEqual([{ nothing: false, write: false }])
  })
})
