// Organizations, roles and members: what rowhouse_control keeps, and how little of it a tenant login sees.
import { randomUUID } from 'node:crypto'
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { Claims, TwoWorlds, World } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

const control = <Result>(use: (client: Client) => Promise<Result>): Promise<Result> =>
  withClient(database().controlUrl, use)
const ids = (world: World, text: string, changes?: Claims): Promise<unknown[]> =>
  withClient(database().appUrl, async (app) => {
    await app.query('begin')
    await world.enter(app, changes)
    const { rows } = await app.query<{ id: unknown }>(text)
    await app.query('commit')
    return rows.map(({ id }) => id)
  })

describe('the catalogue', () => {
  it('shows a tenant its own organization, members, people and connections only', async () => {
    const { a, b } = worlds
    await control(async (client) => {
      await client.query("insert into rowhouse.roles values ($1, 'clerk', '{data.read}'), ($2, 'clerk', '{}')", [
        a.organizationId,
        b.organizationId,
      ])
      await client.query('insert into rowhouse.connections (organization_id) values ($1)', [b.organizationId])
    })
    expect(await ids(a, 'select id from rowhouse.organizations')).toEqual([a.organizationId])
    expect(await ids(a, 'select distinct organization_id as id from rowhouse.members')).toEqual([a.organizationId])
    expect(new Set(await ids(a, 'select id from rowhouse.users'))).toEqual(new Set([a.ownerId, a.memberId, a.viewerId]))
    expect(await ids(a, 'select id from rowhouse.connections')).toEqual([])
    expect(await ids(a, 'select distinct organization_id as id from rowhouse.roles order by 1')).toEqual([
      a.organizationId,
      null,
    ])
  })

  it('shows nothing without a seal, and lets a tenant login change nothing', async () => {
    await withClient(database().appUrl, async (app) => {
      for (const table of ['organizations', 'members', 'users', 'roles', 'connections', 'change_log']) {
        expect((await app.query(`select from rowhouse.${table}`)).rowCount).toBe(0)
        expect(await sqlstateOf(app.query(`delete from rowhouse.${table}`))).toBe('42501')
      }
      const create = app.query("select rowhouse.create_organization('x', 'x', null)")
      expect(await sqlstateOf(create)).toBe('42501')
      expect(await sqlstateOf(app.query("select rowhouse.set_organization_status(null, 'active')"))).toBe('42501')
    })
  })

  it('shows a person without an active organization all the own memberships, and no others', async () => {
    const { a, b } = worlds
    await control((client) =>
      client.query("insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'viewer')", [
        b.organizationId,
        a.ownerId,
      ]),
    )
    const both = [a.organizationId, b.organizationId].sort()
    expect(await ids(a, 'select id from rowhouse.organizations order by 1', { org: null })).toEqual(both)
    expect(await ids(a, 'select distinct user_id as id from rowhouse.members', { org: null })).toEqual([a.ownerId])
    expect(await ids(a, 'select id from rowhouse.organizations')).toEqual([a.organizationId])
  })

  it('makes an organization with its placement and owner, once per slug', async () => {
    await control(async (client) => {
      const create = (name: string, slug: string, plan: string | null = null): Promise<string> =>
        sqlstateOf(
          client.query('select rowhouse.create_organization($1, $2, $3, $4)', [name, slug, randomUUID(), plan]),
        )
      expect(await create('Cedar', 'cedar')).toBe('done')
      expect(await create('Cedar', 'cedar')).toBe('RH030')
      expect(await create('Cedar', 'Not A Slug')).toBe('23514')
      expect(await create('Cedar', '-cedar')).toBe('23514')
      expect(await create('   ', 'blank')).toBe('23514')
      expect(await create('Cedar', 'cedar-2', 'no such plan')).toBe('RH033')
      const { rows } = await client.query(
        `select o.plan, o.status, p.isolation, p.state, m.role from rowhouse.organizations o
         join rowhouse.placements p on p.organization_id = o.id join rowhouse.members m on m.organization_id = o.id
         where o.slug = 'cedar'`,
      )
      expect(rows).toEqual([
        { plan: 'standard', status: 'active', isolation: 'shared', state: 'active', role: 'owner' },
      ])
      const absent = client.query("select rowhouse.set_organization_status(gen_random_uuid(), 'suspended')")
      expect(await sqlstateOf(absent)).toBe('RH007')
    })
  })

  it('gives members only roles that the organization has, and keeps roles that are in use', async () => {
    const { a, b } = worlds
    await control(async (client) => {
      const run = (text: string, ...values: unknown[]): Promise<string> => sqlstateOf(client.query(text, values))
      const setRole = 'update rowhouse.members set role = $3 where organization_id = $1 and user_id = $2'
      expect(await run("insert into rowhouse.roles values ($1, 'seller', '{data.read}')", a.organizationId)).toBe(
        'done',
      )
      expect(await run(setRole, a.organizationId, a.viewerId, 'seller')).toBe('done')
      expect(await run(setRole, b.organizationId, b.viewerId, 'seller')).toBe('RH031')
      expect(await run(setRole, a.organizationId, a.viewerId, 'root')).toBe('RH031')
      expect(await run("delete from rowhouse.roles where name = 'seller'")).toBe('RH032')
      expect(await run("update rowhouse.roles set name = 'vendor' where name = 'seller'")).toBe('RH032')
      expect(await run("insert into rowhouse.roles values ($1, 'owner', '{}')", a.organizationId)).toBe('RH032')
      expect(await run("delete from rowhouse.roles where organization_id is null and name = 'viewer'")).toBe('RH032')
      expect(await run("update rowhouse.roles set permissions = '{*}' where organization_id is null")).toBe('RH032')
      expect(await run(setRole, a.organizationId, a.viewerId, 'viewer')).toBe('done')
      expect(await run("delete from rowhouse.roles where name = 'seller'")).toBe('done')
    })
  })

  it('goes with its organization', async () => {
    await control(async (client) => {
      const { rows } = await client.query<{ id: string }>(
        "select rowhouse.create_organization('Short', 'short', gen_random_uuid()) as id",
      )
      const id = rows[0]?.id
      await client.query("insert into rowhouse.roles values ($1, 'temp', '{}')", [id])
      await client.query("insert into rowhouse.members values ($1, gen_random_uuid(), 'temp')", [id])
      expect(await sqlstateOf(client.query('delete from rowhouse.organizations where id = $1', [id]))).toBe('done')
    })
  })

  it('lets control neither read a key nor a change', async () => {
    await control(async (client) => {
      expect(await sqlstateOf(client.query('select * from rowhouse.keys'))).toBe('42501')
      expect(await sqlstateOf(client.query('select * from rowhouse.database'))).toBe('42501')
      expect(await sqlstateOf(client.query('select old, new from rowhouse.change_log'))).toBe('42501')
      expect(await sqlstateOf(client.query('select * from notes'))).toBe('42501')
    })
  })
})

describe('can()', () => {
  const cases: [string, Claims, Record<string, boolean>][] = [
    ['an owner', {}, { 'data.write': true, 'organization.manage': true, 'anything.else': true }],
    ['a service', { kind: 'service', user: null, service: 's' }, { 'data.write': true, 'anything.else': true }],
    ['an operator', { kind: 'operator', user: null, service: 'o', reason: 'r' }, { 'data.write': true }],
    [
      'a report',
      { kind: 'report', user: null, service: 'usage', reason: 'r' },
      { 'data.read': true, 'data.write': false },
    ],
    ['somebody without an organization', { org: null }, { 'data.read': false, 'organization.read': false }],
  ]
  it.each(cases)('of %s', async (_, claims, expected) => {
    for (const [permission, allowed] of Object.entries(expected)) {
      expect(await ids(worlds.a, `select rowhouse.can('${permission}') as id`, claims)).toEqual([allowed])
    }
  })

  it('of a member and of a viewer', async () => {
    const asked =
      "select unnest(array[rowhouse.can('data.write'), rowhouse.can('members.manage'), rowhouse.can(null)]) as id"
    expect(await ids(worlds.a, asked, { user: worlds.a.memberId })).toEqual([true, false, false])
    expect(await ids(worlds.a, asked, { user: worlds.a.viewerId })).toEqual([false, false, false])
  })

  it('of nobody', async () => {
    await withClient(database().appUrl, async (app) => {
      expect((await app.query("select rowhouse.can('data.read') as can")).rows).toEqual([{ can: false }])
    })
  })
})
