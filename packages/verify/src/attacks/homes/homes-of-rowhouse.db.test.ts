// Homes as the fleet makes them, attacked: the login of one in the other's, at its doors, and what lies in the shared tables.
import { withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { cloneTwoWorlds } from '../../clone/clone-two-worlds.ts'
import type { VerifyReport } from '../../report/report.ts'
import { verifyDatabase } from '../../verify-database.ts'
import type { VerifyDatabaseOptions } from '../../verify-database.ts'
import { arenaOfHomes } from './arena-of-homes.ts'
import { attackHomes } from './attack-homes.ts'
import { moveIn } from './move-in.ts'
import { makeFleetHomes } from './test-fleet-homes.ts'
import type { FleetHomes } from './test-fleet-homes.ts'

const patience = { shrinksMax: 3, statementTimeoutMs: 10_000, attackSeconds: 900 }
/** @param only where a hole is: that nothing else is one, a whole attack has shown */
const attack = (url: string, options: VerifyDatabaseOptions = {}, only?: readonly string[]): Promise<VerifyReport> =>
  verifyDatabase(url, {
    attack: { ...patience, clone: { scratch: 'same-server' }, ...(only !== undefined && { only }) },
    ...options,
  })
const byAttack = ({ findings }: VerifyReport): string[] =>
  findings.filter(({ source }) => source === 'attack').map(({ code, object }) => `${code}: ${object}`)

describe('two homes that are schemas', () => {
  let made: FleetHomes
  beforeAll(async () => {
    made = await makeFleetHomes('schema')
  })
  afterAll(() => made?.drop())
  /** Past the guard, which before Postgres 17 holds a superuser too. */
  const onCatalogue = (text: string): Promise<unknown> =>
    withClient(made.catalogue.adminUrl, (admin) => admin.query(`set session_replication_role = replica; ${text}`))

  it('are planted as two organizations that live there, and each sees its own rows by its own login', async () => {
    const [a, b] = made.homes
    const worlds = await cloneTwoWorlds(made.catalogue.adminUrl, { scratch: 'same-server' })
    try {
      const { homes } = worlds
      expect(homes).toMatchObject({
        a: { schema: a.schema, login: a.login, organizationId: a.organizationId },
        b: { schema: b.schema, login: b.login, organizationId: b.organizationId },
        alone: false,
      })
      expect(worlds.notCovered.filter(({ probe }) => probe.startsWith('plant'))).toEqual([])
      const rows = (table: string) => worlds.planted.find((planted) => planted.table === table)
      expect(rows(`${a.schema}.contacts`)).toMatchObject({ a: { length: 3 }, b1: { length: 0 }, b2: { length: 0 } })
      expect(rows(`${b.schema}.contacts`)).toMatchObject({ a: { length: 0 }, b1: { length: 3 }, b2: { length: 4 } })

      await moveIn(worlds, homes as NonNullable<typeof homes>)
      const [context] = arenaOfHomes(worlds, homes as NonNullable<typeof homes>).contexts
      const seen = await withClient(worlds.world2.adminUrl, async (client) => {
        await client.query('begin')
        await client.query(`set local session authorization ${a.login}`)
        for (const message of context?.enter(1) ?? []) await client.query(message)
        return (await client.query(`select organization_id from ${a.schema}.contacts`)).rows
      })
      expect(seen).toEqual(Array.from({ length: 3 }, () => ({ organization_id: a.organizationId })))
    } finally {
      await worlds.close()
    }
  })

  it('are apart: nothing is found by any probe, at any door, by any privilege', async () => {
    const report = await attack(made.catalogue.adminUrl)
    expect([byAttack(report), report.undecided]).toEqual([[], []])
    const unplanted = (report.attack?.notCovered ?? []).filter(({ object }) =>
      made.homes.some(({ schema }) => object.includes(schema)),
    )
    expect(unplanted).toEqual([])
  }, 300_000)

  it('are not apart where a policy, a grant and a function let the other in', async () => {
    const [a, b] = made.homes
    await onCatalogue(`
      grant usage on schema ${b.schema} to ${a.login}; grant select on ${b.schema}.contacts to ${a.login};
      alter table ${b.schema}.contacts disable row level security;
      create function ${a.schema}.look(home text) returns setof text language plpgsql security definer as
        $$ begin return query execute format('select name from %s.companies', home); end $$;
      grant execute on function ${a.schema}.look(text) to ${a.login}; alter function ${a.schema}.look(text) owner to rowhouse_migrator`)
    const holes = [`${b.schema}.contacts`, `${a.schema}.look`]
    const found = byAttack(await attack(made.catalogue.adminUrl, {}, holes))
    await onCatalogue(`
      revoke usage on schema ${b.schema} from ${a.login}; revoke select on ${b.schema}.contacts from ${a.login};
      alter table ${b.schema}.contacts enable row level security; drop function ${a.schema}.look(text)`)
    expect(found).toEqual(
      expect.arrayContaining([
        `home_of_another_organization_reached: role ${a.login} in home ${b.schema}`,
        `rows_of_another_organization_seen: table ${b.schema}.contacts`,
        `rows_seen_without_context: table ${b.schema}.contacts`,
        `function_shows_another_organization: function ${a.schema}.look(text)`,
      ]),
    )
  }, 300_000)
})

describe('one home that is a schema, beside the shared tables', () => {
  let made: FleetHomes
  beforeAll(async () => {
    made = await makeFleetHomes('schema', ['alder'])
  })
  afterAll(() => made?.drop())

  it('is apart from who lives in the shared tables, until grants and a policy let one into the other', async () => {
    const [{ schema, login, organizationId }] = made.homes
    const worlds = await cloneTwoWorlds(made.catalogue.adminUrl, { scratch: 'same-server' })
    try {
      const homes = worlds.homes as NonNullable<typeof worlds.homes>
      expect(homes).toEqual({ a: { schema, login, organizationId }, b: null, alone: false })
      const rows = (table: string) => worlds.planted.find((planted) => planted.table === table)
      expect(rows(`${schema}.contacts`)).toMatchObject({ a: { length: 3 }, b1: { length: 0 }, b2: { length: 0 } })
      expect(rows('public.notes')).toMatchObject({ b1: { length: 3 }, b2: { length: 4 } })

      const found = async (only?: readonly string[]): Promise<[string[], readonly string[]]> => {
        const part = only === undefined ? {} : { only }
        const { findings, undecided } = await attackHomes(worlds, homes, { ...patience, ...part })
        return [findings.map(({ code, object }) => `${code}: ${object}`), undecided]
      }
      expect(await found()).toEqual([[], []])

      for (const { adminUrl } of [worlds.world1, worlds.world2]) {
        await withClient(adminUrl, (admin) =>
          admin.query(`set session_replication_role = replica;
            grant usage on schema public to ${login}; grant select on public.notes to ${login};
            alter table public.notes disable row level security;
            grant usage on schema ${schema} to rowhouse_app; grant select on ${schema}.contacts to rowhouse_app`),
        )
      }
      const [opened] = await found(['public.notes', `${schema}.contacts`])
      expect(opened).toEqual(
        expect.arrayContaining([
          'rows_of_another_organization_seen: table public.notes',
          'rows_seen_without_context: table public.notes',
          `home_of_another_organization_reached: role rowhouse_app in home ${schema}`,
        ]),
      )
    } finally {
      await worlds.close()
    }
  }, 300_000)
})

describe('two homes that are databases', () => {
  let made: FleetHomes
  beforeAll(async () => {
    made = await makeFleetHomes('database')
  })
  afterAll(() => made?.drop())

  it('are apart: the login of one enters its own, and not the other', async () => {
    const [a, b] = made.homes
    const report = await attack(a.url, { tenantDatabases: [a.database, b.database] })
    expect([byAttack(report), report.undecided]).toEqual([[], []])
    expect(report.attack?.cells).toBeGreaterThan(500)
  }, 300_000)

  it('are entered where PUBLIC may connect, and reached where row security is off and PUBLIC may read', async () => {
    const [a, b] = made.homes
    await withClient(b.url, (admin) => admin.query(`grant connect on database ${b.database} to public`))
    const options = { tenantDatabases: [a.database, b.database] }
    const object = `role ${a.login} in database ${b.database}`
    const part = ['public.contacts']
    expect(byAttack(await attack(a.url, options, part))).toEqual([
      `database_of_another_organization_entered: ${object}`,
    ])
    await withClient(b.url, (admin) =>
      admin.query(
        'set session_replication_role = replica; grant usage on schema public to public; grant select on contacts to public; alter table contacts disable row level security',
      ),
    )
    expect(byAttack(await attack(a.url, options, part))).toEqual([
      `database_of_another_organization_reached: ${object}`,
    ])
  }, 300_000)
})
