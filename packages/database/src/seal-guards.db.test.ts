// Each guard of the seal, taken away once: the attack it stops must then succeed, so that the tests of the seal are
// known to look in the right place.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

const asApp = <Result>(use: (app: Client) => Promise<Result>): Promise<Result> => withClient(database().appUrl, use)
const enter = (client: Client, token: string | null): Promise<string> =>
  sqlstateOf(client.query('select rowhouse.enter($1)', [token]))

const organizationOf = async (client: Client): Promise<string | null> =>
  (await client.query<{ id: string | null }>('select rowhouse.organization_id() as id')).rows[0]?.id ?? null
const sealOf = async (client: Client): Promise<string> =>
  (await client.query<{ seal: string }>("select current_setting('rowhouse.seal', true) as seal")).rows[0]?.seal ?? ''
const setSeal = (client: Client, seal: string, isLocal = false): Promise<unknown> =>
  client.query("select set_config('rowhouse.seal', $1, $2)", [seal, isLocal])
const notesSeen = async (client: Client): Promise<number> => (await client.query('select from notes')).rowCount ?? 0

describe('a guard taken away lets the attack through', () => {
  /** Runs `attack` as the app after `sabotage` by an admin, and puts the database right again. */
  async function without(sabotage: string, repair: string, attack: (app: Client) => Promise<void>): Promise<void> {
    await withClient(database().adminUrl, async (admin) => {
      await admin.query(sabotage)
      try {
        await asApp(attack)
      } finally {
        await admin.query(repair)
      }
    })
  }

  it('the policy', async () => {
    await without('drop policy rowhouse_organization on notes', "select rowhouse.protect('notes')", async (app) => {
      expect(await notesSeen(app)).toBe(6)
    })
  })

  it('the backend and the transaction in the MAC', async () => {
    const { rows } = await withClient(database().adminUrl, (admin) =>
      admin.query<{ name: string; definition: string }>(
        `select p.proname as name, pg_get_functiondef(p.oid) as definition from pg_proc p
         where p.pronamespace = 'rowhouse'::regnamespace and p.proname in ('key_part', 'enter', 'sealed', 'organization_id')`,
      ),
    )
    const bound =
      /\|\| int4send\(pg_backend_pid\(\)\)|operator\(pg_catalog\.\|\|\) pg_catalog\.timestamptz_send\(pg_catalog\.now\(\)\)/g
    const definitions = rows.map(({ definition }) => definition)
    const unbound = definitions.map((definition) => definition.replaceAll(bound, ''))
    expect(unbound).not.toEqual(definitions)
    await without(unbound.join(';\n'), definitions.join(';\n'), async (app) => {
      const seal = await asApp(async (victim) => {
        await victim.query('begin')
        await worlds.b.enter(victim)
        return sealOf(victim)
      })
      await setSeal(app, seal)
      expect(await organizationOf(app)).toBe(worlds.b.organizationId)
      expect(await notesSeen(app)).toBe(3)
    })
  })

  it('the membership', async () => {
    await without(
      `insert into rowhouse.members (organization_id, user_id, role)
       values ('${worlds.a.organizationId}', '${worlds.b.memberId}', 'member')`,
      `delete from rowhouse.members where organization_id = '${worlds.a.organizationId}' and user_id = '${worlds.b.memberId}'`,
      async (app) => {
        expect(await enter(app, worlds.a.token({ user: worlds.b.memberId }))).toBe('done')
      },
    )
  })

  it('the privileges on the keys', async () => {
    await without(
      'grant select on rowhouse.keys to rowhouse_app',
      'revoke select on rowhouse.keys from rowhouse_app',
      async (app) => {
        expect((await app.query('select * from rowhouse.keys')).rowCount).toBe(1)
      },
    )
  })
})
