// The token hook and the views that supabase-js lists organizations through.
import { randomUUID } from 'node:crypto'
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

const asControl = (statement: string, values: readonly unknown[]): Promise<unknown> =>
  withClient(database().controlUrl, (control) => control.query(statement, [...values]))

describe('the access token hook', () => {
  const hook = async (event: unknown): Promise<Record<string, unknown>> =>
    withClient(database().adminUrl, async (admin) => {
      const { rows } = await admin.query<{ event: { claims: { app_metadata: Record<string, unknown> } } }>(
        'select rowhouse.custom_access_token_hook($1) as event',
        [JSON.stringify(event)],
      )
      return rows[0]?.event.claims.app_metadata ?? {}
    })
  const eventOf = (user: string, metadata?: unknown): unknown => ({
    user_id: user,
    authentication_method: 'password',
    claims: { sub: user, role: 'authenticated', app_metadata: metadata },
  })
  const ofA = () => ({
    organization_id: worlds.a.organizationId,
    tenant_id: worlds.a.organizationId,
    organization_plan: 'standard',
  })
  const ofB = () => ({
    organization_id: worlds.b.organizationId,
    tenant_id: worlds.b.organizationId,
    organization_plan: 'standard',
  })

  it('names the only organization, and keeps what else is there', async () => {
    expect(await hook(eventOf(worlds.a.viewerId, { provider: 'email' }))).toEqual({
      provider: 'email',
      ...ofA(),
      organization_role: 'viewer',
    })
    expect(await hook(eventOf(worlds.a.viewerId))).toEqual({ ...ofA(), organization_role: 'viewer' })
  })

  it('names the chosen one of several, and none while the choice is open', async () => {
    const user = randomUUID()
    await asControl(
      "insert into rowhouse.members (organization_id, user_id, role) values ($1, $3, 'member'), ($2, $3, 'admin')",
      [worlds.a.organizationId, worlds.b.organizationId, user],
    )
    expect(await hook(eventOf(user))).toEqual({})
    expect(await hook(eventOf(user, ofB()))).toEqual({ ...ofB(), organization_role: 'admin' })
    expect(await hook(eventOf(user, ofA()))).toEqual({ ...ofA(), organization_role: 'member' })
    expect(await hook(eventOf(user, { organization_id: randomUUID() }))).toEqual({})
    await asControl('delete from rowhouse.members where user_id = $1', [user])
  })

  it('takes away a membership that is not there, and a suspended organization', async () => {
    const stale = { ...ofA(), organization_role: 'owner' }
    expect(await hook(eventOf(randomUUID(), stale))).toEqual({})
    const suspend = (status: string): Promise<unknown> =>
      asControl('select rowhouse.set_organization_status($1, $2)', [worlds.a.organizationId, status])
    await suspend('suspended')
    expect(await hook(eventOf(worlds.a.memberId, stale))).toEqual({})
    await suspend('active')
  })

  it('refuses what is no event, and is for nobody but Supabase Auth', async () => {
    expect(await sqlstateOf(hook({}))).toBe('RH019')
    expect(await sqlstateOf(hook({ user_id: worlds.a.memberId, claims: [] }))).toBe('RH019')
    expect(await sqlstateOf(hook({ user_id: 'auth0|7', claims: {} }))).toBe('RH019')
    for (const url of [database().appUrl, database().controlUrl]) {
      await withClient(url, async (client) => {
        expect(await sqlstateOf(client.query("select rowhouse.custom_access_token_hook('{}')"))).toBe('42501')
      })
    }
  })
})

describe('exposed organizations', () => {
  it('show the active organization, those of the person without one, and nothing to nobody', async () => {
    await withClient(database().migratorUrl, async (migrator) => {
      await migrator.query('select rowhouse.expose_organizations()')
      await migrator.query('select rowhouse.expose_organizations()')
    })
    await withClient(database().appUrl, async (app) => {
      const seen = async (): Promise<unknown> =>
        (
          await app.query(
            `select o.id, count(m.user_id)::int as members
             from organizations o left join organization_members m on m.organization_id = o.id group by 1`,
          )
        ).rows
      await app.query('begin')
      await worlds.a.enter(app, { user: worlds.a.viewerId })
      expect(await seen()).toEqual([{ id: worlds.a.organizationId, members: 3 }])
      await app.query('rollback; begin')
      await worlds.a.enter(app, { org: null, user: worlds.a.viewerId })
      expect(await seen()).toEqual([{ id: worlds.a.organizationId, members: 1 }])
      await app.query('rollback')
      expect(await seen()).toEqual([])
      expect(await sqlstateOf(app.query('delete from organizations'))).toBe('42501')
      // A view of two tables takes no writes at all.
      expect(await sqlstateOf(app.query("update organization_members set role = 'owner'"))).toBe('55000')
    })
    await withClient(database().adminUrl, async (admin) => {
      expect((await admin.query('select * from rowhouse.findings()')).rows).toEqual([])
      expect(await sqlstateOf(admin.query('set role anon; select * from organizations'))).toBe('42501')
    })
  })

  it('do not replace what is there', async () => {
    await withClient(database().migratorUrl, async (migrator) => {
      await migrator.query('begin')
      await migrator.query('drop view if exists organizations; create table organizations (id int)')
      expect(await sqlstateOf(migrator.query('select rowhouse.expose_organizations()'))).toBe('RH034')
      await migrator.query('rollback')
    })
  })
})

describe('questions about membership', () => {
  const ask = async (user: string | null, changes = {}): Promise<unknown> =>
    withClient(database().appUrl, async (app) => {
      await app.query('begin')
      if (user !== null) await worlds.a.enter(app, { user, ...changes })
      const { rows } = await app.query<Record<string, unknown>>(
        `select rowhouse.is_org_member($1) as member, rowhouse.is_org_admin($1) as admin,
           rowhouse.is_org_member($2) or rowhouse.is_org_admin($2) as other,
           array(select rowhouse.get_user_organizations()) as organizations`,
        [worlds.a.organizationId, worlds.b.organizationId],
      )
      await app.query('rollback')
      return rows[0]
    })

  it('are answered for the person who is sealed, with or without an active organization', async () => {
    const organizations = [worlds.a.organizationId]
    for (const changes of [{}, { org: null }]) {
      expect(await ask(worlds.a.ownerId, changes)).toEqual({ member: true, admin: true, other: false, organizations })
      expect(await ask(worlds.a.viewerId, changes)).toEqual({ member: true, admin: false, other: false, organizations })
    }
    expect(await ask(randomUUID(), { org: null })).toMatchObject({ member: false, admin: false, organizations: [] })
    expect(await ask(null)).toEqual({ member: false, admin: false, other: false, organizations: [] })
  })

  it('count a role of the organization by its permissions', async () => {
    const user = randomUUID()
    await asControl("insert into rowhouse.roles values ($1, 'manager', '{organization.manage}')", [
      worlds.a.organizationId,
    ])
    await asControl("insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'manager')", [
      worlds.a.organizationId,
      user,
    ])
    expect(await ask(user)).toMatchObject({ admin: true })
    await asControl('delete from rowhouse.members where user_id = $1', [user])
  })
})
