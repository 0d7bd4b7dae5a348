// One connection, granted to a role or to a member: what can() answers, what SQL shows, who may grant, and what goes when
// the connection, the member or the role goes.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { Claims, TwoWorlds, World } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
/** Two connections of A, one of B. */
let one = ''
let two = ''
let foreign = ''

const control = <Result>(use: (client: Client) => Promise<Result>): Promise<Result> =>
  withClient(database().controlUrl, use)
const admin = <Result>(use: (client: Client) => Promise<Result>): Promise<Result> =>
  withClient(database().adminUrl, use)

async function asked<Row>(world: World, text: string, values: unknown[], changes?: Claims): Promise<Row[]> {
  return withClient(database().appUrl, async (app) => {
    await app.query('begin')
    await world.enter(app, changes)
    const { rows } = await app.query(text, values)
    await app.query('commit')
    return rows as Row[]
  })
}
const viewer = (): Claims => ({ user: worlds.a.viewerId })
const can = async (permission: string, changes: Claims = viewer(), world = worlds.a): Promise<boolean> =>
  (await asked<{ can: boolean }>(world, 'select rowhouse.can($1) as can', [permission], changes))[0]?.can === true
const grant = (
  connection: string,
  permission: string,
  to: { role?: string; user?: string },
  changes?: Claims,
): Promise<string> =>
  asked<{ id: string }>(
    worlds.a,
    'select rowhouse.grant_connection($1, $2, $3, $4) as id',
    [connection, permission, to.role ?? null, to.user ?? null],
    changes,
  ).then((rows) => rows[0]?.id ?? '')
const refusal = (tried: Promise<unknown>): Promise<string> => sqlstateOf(tried)

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  await control(async (client) => {
    const connect = async (organizationId: string): Promise<string> => {
      const { rows } = await client.query<{ id: string }>(
        'insert into rowhouse.connections (organization_id) values ($1) returning id',
        [organizationId],
      )
      return (rows[0] as { id: string }).id
    }
    one = await connect(worlds.a.organizationId)
    two = await connect(worlds.a.organizationId)
    foreign = await connect(worlds.b.organizationId)
    // A role that sees no connection by itself.
    await client.query(
      `insert into rowhouse.roles values ($1, 'clerk', '{organization.read,data.read,members.read}')`,
      [worlds.a.organizationId],
    )
  })
})
beforeEach(() => admin((client) => client.query('delete from rowhouse.connection_grants')))

const setRole = (user: string, role: string): Promise<unknown> =>
  control((client) =>
    client.query('update rowhouse.members set role = $3 where organization_id = $1 and user_id = $2', [
      worlds.a.organizationId,
      user,
      role,
    ]),
  )

describe('a connection that is granted', () => {
  it('to a member is theirs, and no other connection is', async () => {
    expect(await can(`connections.manage:${one}`)).toBe(false)
    await grant(one, 'connections.manage', { user: worlds.a.viewerId })
    expect(await can(`connections.manage:${one}`)).toBe(true)
    expect(await can(`connections.read:${one}`)).toBe(true)
    for (const word of [
      `connections.manage:${two}`,
      `connections.manage:${foreign}`,
      'connections.manage',
      'connections.manage:',
      `connections.manage:${one}x`,
      `connections.erase:${one}`,
      `data.write:${one}`,
    ])
      expect(await can(word)).toBe(false)
    expect(await can(`connections.manage:${one}`, { user: worlds.a.memberId })).toBe(false)
    expect(await can(`connections.manage:${one}`, { user: worlds.b.viewerId }, worlds.b)).toBe(false)
  })

  it('to a role is everybody’s who has it', async () => {
    await grant(one, 'connections.manage', { role: 'viewer' })
    expect(await can(`connections.manage:${one}`)).toBe(true)
    expect(await can(`connections.manage:${two}`)).toBe(false)
    expect(await can(`connections.manage:${one}`, { user: worlds.a.memberId })).toBe(false)
  })

  it('to be seen is not to be managed', async () => {
    await setRole(worlds.a.viewerId, 'clerk')
    await grant(one, 'connections.read', { user: worlds.a.viewerId })
    expect(await can(`connections.read:${one}`)).toBe(true)
    expect(await can(`connections.manage:${one}`)).toBe(false)
    expect(await can('connections.read')).toBe(false)
    await setRole(worlds.a.viewerId, 'viewer')
  })

  it('is all of the connections that SQL shows, and of what the sync engine noted', async () => {
    await setRole(worlds.a.viewerId, 'clerk')
    const shown = async (): Promise<string[]> =>
      (await asked<{ id: string }>(worlds.a, 'select id from rowhouse.connections', [], viewer())).map(({ id }) => id)
    const letters = async (): Promise<string[]> =>
      (
        await asked<{ id: string }>(
          worlds.a,
          'select connection_id as id from rowhouse_home.sync_dead_letters',
          [],
          viewer(),
        )
      ).map(({ id }) => id)
    await asked(
      worlds.a,
      `insert into rowhouse_home.sync_dead_letters (connection_id, object, direction, record_key, code, reason)
       select id, 'contacts', 'inbound', '1', 'x', 'x' from unnest($1::uuid[]) id`,
      [[one, two]],
      { kind: 'operator', user: null, service: 'o', reason: 'r' },
    )
    expect([await shown(), await letters()]).toEqual([[], []])
    await grant(one, 'connections.read', { user: worlds.a.viewerId })
    expect([await shown(), await letters()]).toEqual([[one], [one]])
    expect(
      await asked(worlds.a, "select rowhouse.permitted_connections('connections.manage') as id", [], viewer()),
    ).toEqual([])
    await setRole(worlds.a.viewerId, 'viewer')
    expect((await shown()).toSorted()).toEqual([one, two].toSorted())
  })

  it('would show the others too, without its part of the policy', async () => {
    await setRole(worlds.a.viewerId, 'clerk')
    const policy = `organization_id = (select rowhouse.organization_id())
      and organization_id operator(rowhouse.===) (select rowhouse.organization_id())`
    await admin(async (client) => {
      await client.query('begin')
      await client.query(`alter policy own_organization on rowhouse.connections using (${policy})`)
      await client.query('set local role rowhouse_app')
      await worlds.a.enter(client, viewer())
      expect((await client.query('select from rowhouse.connections')).rowCount).toBe(2)
      await client.query('rollback')
    })
    expect(await asked(worlds.a, 'select from rowhouse.connections', [], viewer())).toEqual([])
    await setRole(worlds.a.viewerId, 'viewer')
  })

  it('is named in one’s own words, also without an active organization', async () => {
    await grant(one, 'connections.manage', { user: worlds.a.viewerId })
    await grant(two, 'connections.read', { role: 'viewer' })
    const words = (organizationId: string, changes: Claims): Promise<unknown[]> =>
      asked(worlds.a, 'select rowhouse.granted_connections($1) as words', [organizationId], changes)
    const mine = [`connections.manage:${one}`, `connections.read:${two}`].toSorted()
    expect(await words(worlds.a.organizationId, { ...viewer(), org: null })).toEqual([{ words: mine }])
    expect(await words(worlds.b.organizationId, { ...viewer(), org: null })).toEqual([{ words: [] }])
  })
})

describe('granting', () => {
  it('needs roles.manage, a connection and a grantee of the organization, and what one gives', async () => {
    const to = { user: worlds.a.viewerId }
    expect(await refusal(grant(one, 'connections.manage', to, viewer()))).toBe('RH012')
    expect(await refusal(grant(foreign, 'connections.manage', to))).toBe('RH013')
    expect(await refusal(grant(one, 'connections.erase', to))).toBe('RH038')
    expect(await refusal(grant(one, 'connections.manage', {}))).toBe('RH038')
    expect(await refusal(grant(one, 'connections.manage', { ...to, role: 'viewer' }))).toBe('RH038')
    expect(await refusal(grant(one, 'connections.manage', { role: 'nobody' }))).toBe('RH031')
    expect(await refusal(grant(one, 'connections.manage', { user: worlds.b.ownerId }))).toBe('RH039')
    await control((client) =>
      client.query(`insert into rowhouse.roles values ($1, 'registrar', '{roles.manage}') on conflict do nothing`, [
        worlds.a.organizationId,
      ]),
    )
    await setRole(worlds.a.memberId, 'registrar')
    const registrar = { user: worlds.a.memberId }
    expect(await refusal(grant(one, 'connections.manage', registrar, registrar))).toBe('RH078')
    // Who was given one may give it on, and no other.
    await grant(one, 'connections.manage', registrar)
    await grant(one, 'connections.read', to, registrar)
    expect(await refusal(grant(two, 'connections.read', to, registrar))).toBe('RH078')
    await setRole(worlds.a.memberId, 'member')
  })

  it('twice is once; nobody writes the table past the functions', async () => {
    const first = await grant(one, 'connections.manage', { role: 'viewer' })
    expect(await grant(one, 'connections.manage', { role: 'viewer' })).toBe(first)
    await withClient(database().appUrl, async (app) => {
      await worlds.a.enter(app)
      for (const text of [
        'delete from rowhouse.connection_grants',
        `update rowhouse.connection_grants set permission = 'connections.read'`,
        `insert into rowhouse.connection_grants (organization_id, connection_id, permission, role) values
           ('${worlds.a.organizationId}', '${two}', 'connections.manage', 'viewer')`,
      ])
        expect(await sqlstateOf(app.query(text))).toBe('42501')
    })
    // And not even the catalogue's own keeper grants a connection of another organization.
    const crossed = admin((client) =>
      client.query(
        `insert into rowhouse.connection_grants (organization_id, connection_id, permission, role) values ($1, $2, 'connections.read', 'viewer')`,
        [worlds.a.organizationId, foreign],
      ),
    )
    expect(await refusal(crossed)).toBe('23503')
  })

  it('is taken back by who may grant, of the own organization only', async () => {
    const id = await grant(one, 'connections.manage', { user: worlds.a.viewerId })
    const take = (world: World, changes?: Claims, connection = one): Promise<unknown> =>
      asked(world, 'select rowhouse.revoke_connection($1, $2)', [connection, id], changes)
    expect(await refusal(take(worlds.a, viewer()))).toBe('RH012')
    expect(await refusal(take(worlds.b))).toBe('RH037')
    expect(await refusal(take(worlds.a, {}, two))).toBe('RH037')
    await take(worlds.a)
    expect(await can(`connections.manage:${one}`)).toBe(false)
    expect(await refusal(take(worlds.a))).toBe('RH037')
  })

  it('ends with the connection, with the membership, and with the role', async () => {
    const grants = async (): Promise<number> =>
      (await admin((client) => client.query('select from rowhouse.connection_grants'))).rowCount ?? 0
    const ended = async (end: string, values: unknown[]): Promise<void> => {
      expect(await grants()).toBe(1)
      await control((client) => client.query(end, values))
      expect(await grants()).toBe(0)
    }
    const { rows } = await control((client) =>
      client.query<{ id: string }>('insert into rowhouse.connections (organization_id) values ($1) returning id', [
        worlds.a.organizationId,
      ]),
    )
    await grant(rows[0]?.id as string, 'connections.read', { role: 'viewer' })
    await ended('delete from rowhouse.connections where id = $1', [rows[0]?.id])
    await control((client) =>
      client.query(`insert into rowhouse.members values ($1, $2, 'viewer')`, [
        worlds.a.organizationId,
        worlds.b.memberId,
      ]),
    )
    await grant(one, 'connections.manage', { user: worlds.b.memberId })
    await ended('delete from rowhouse.members where organization_id = $1 and user_id = $2', [
      worlds.a.organizationId,
      worlds.b.memberId,
    ])
    await control((client) =>
      client.query(`insert into rowhouse.roles values ($1, 'passing', '{}')`, [worlds.a.organizationId]),
    )
    await grant(one, 'connections.manage', { role: 'passing' })
    await ended(`delete from rowhouse.roles where organization_id = $1 and name = 'passing'`, [worlds.a.organizationId])
  })
})

describe('a role of the organization', () => {
  const set = (role: string, permissions: string[], changes?: Claims): Promise<unknown> =>
    asked(worlds.a, 'select rowhouse.set_role($1, $2)', [role, permissions], changes)
  const remove = (role: string, changes?: Claims): Promise<unknown> =>
    asked(worlds.a, 'select rowhouse.remove_role($1)', [role], changes)

  it('is made, changed and removed by who may, with at most what they may', async () => {
    expect(await refusal(set('seller', ['data.read'], viewer()))).toBe('RH012')
    await set('seller', ['data.read', 'data.read', 'app.own-word'])
    await setRole(worlds.a.memberId, 'admin')
    const asAdmin = { user: worlds.a.memberId }
    expect(await refusal(set('seller', ['*'], asAdmin))).toBe('RH078')
    // Nor does who may less change a role that may more.
    expect(await refusal(set('seller', ['data.read'], asAdmin))).toBe('RH078')
    await set('seller', ['data.read'])
    await set('seller', ['data.read', 'connections.manage'], asAdmin)
    expect(await refusal(set('owner', ['data.read']))).toBe('RH032')
    for (const bad of [[`connections.manage:${one}`], ['Data.Read'], ['data read'], ['']])
      expect(await refusal(set('seller', bad))).toBe('RH038')
    expect(await refusal(set('No Name', ['data.read']))).toBe('RH038')
    expect(await refusal(remove('seller', viewer()))).toBe('RH012')
    expect(await refusal(remove('viewer'))).toBe('RH032')
    await setRole(worlds.a.memberId, 'seller')
    expect(await refusal(remove('seller'))).toBe('RH032')
    await setRole(worlds.a.memberId, 'member')
    await remove('seller')
    expect(await refusal(remove('seller'))).toBe('RH031')
  })

  it('never holds a single connection, whoever writes it', async () => {
    const hidden = admin((client) =>
      client.query(`insert into rowhouse.roles values ($1, 'hidden', $2)`, [
        worlds.a.organizationId,
        [`connections.manage:${one}`],
      ]),
    )
    expect(await refusal(hidden)).toBe('23514')
  })
})
