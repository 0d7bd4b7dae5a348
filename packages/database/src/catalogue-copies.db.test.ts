// What a database outside the catalogue knows of the organizations that live there: never older than a token, never more than
// concerns it, and what holds that.
import { carryCopy } from '@rowhouse/fleet'
import { mintToken, useHomes, withClient } from '@rowhouse/testkit'
import type { Tenant } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

import { attempt, without } from './test-doors.ts'

describe('in a database of its own', () => {
  const homes = useHomes('database')
  const versionOf = (url: string, tenant: Tenant): Promise<string | undefined> =>
    withClient(url, async (control) => {
      const { rows } = await control.query<{ version: string }>(
        'select version from rowhouse.organizations where id = $1',
        [tenant.organizationId],
      )
      return rows[0]?.version
    })

  it('a copy that is older than the token lets nobody in', async () => {
    const { a } = homes()
    const version = Number(await versionOf(a.home?.controlUrl ?? '', a))
    const entering = (claims: Record<string, unknown>): Promise<string> => attempt(a.url, [a.enter, a.token(claims)])
    expect(await entering({ version })).toBe('done')
    expect(await entering({ version: version + 1 })).toBe('RH083')
    // Without a version nobody knows how old the copy may be.
    expect(await entering({ version: undefined })).toBe('RH002')
    const guard = '(here operator(pg_catalog.>=)'
    const removed = await without(
      a.home?.adminUrl ?? '',
      'enter_home',
      guard,
      '(true or here operator(pg_catalog.>=)',
      () => entering({ version: version + 1 }),
    )
    expect(removed).toBe('done')
  })

  it('a forged token learns nothing of the version', async () => {
    const { a } = homes()
    const forged = a.token({ version: 999 }).replace(/.$/, 'x')
    expect(await attempt(a.url, [a.enter, forged])).toBe('RH002')
    const resigned = mintToken(
      { databaseId: a.home?.databaseId ?? '', signingKey: 'another key that nobody has installed here' },
      { org: a.organizationId, user: a.ownerId, version: 999 },
    )
    expect(await attempt(a.url, [a.enter, resigned])).toBe('RH003')
    expect(await attempt(a.url, [a.enter, 'nonsense'])).toBe('RH002')
    expect(await attempt(a.url, [a.enter, null])).toBe('RH001')
  })

  it("a token for the catalogue's database is none for the home's, and the other way round", async () => {
    const { a, database } = homes()
    const catalogues = mintToken(database, { org: a.organizationId, user: a.ownerId, version: 1 })
    expect(await attempt(a.url, [a.enter, catalogues])).toBe('RH003')
    expect(await attempt(database.appUrl, ['select rowhouse.enter($1)', a.token()])).toBe('RH003')
    expect(await attempt(database.appUrl, ['select rowhouse.enter($1)', catalogues])).toBe('RH009')
  })

  it('the copy holds what concerns the organization, and nothing of others', async () => {
    const { a, b, database } = homes()
    const count = (url: string, text: string): Promise<unknown> =>
      withClient(url, async (client) => (await client.query<{ ids: unknown }>(text)).rows[0]?.ids)
    const url = a.home?.controlUrl ?? ''
    expect(await count(url, 'select array_agg(id) as ids from rowhouse.organizations')).toEqual([a.organizationId])
    expect(await count(url, 'select array_agg(user_id order by user_id) as ids from rowhouse.members')).toEqual(
      [a.ownerId, a.memberId, a.viewerId].toSorted(),
    )
    expect(await count(url, `select count(*)::int as ids from rowhouse.users where id = '${b.ownerId}'`)).toBe(0)
    expect(await versionOf(url, a)).toBe(await versionOf(database.controlUrl, a))
  })

  it('is applied again without harm, never goes back, and overwrites no organization of this catalogue', async () => {
    const { a, database } = homes()
    const copyOf = (): Promise<Record<string, unknown>> =>
      withClient(database.controlUrl, async (control) => {
        const { rows } = await control.query<{ copy: Record<string, unknown> }>(
          'select rowhouse.catalogue_copy($1) as copy',
          [a.organizationId],
        )
        return rows[0]?.copy as Record<string, unknown>
      })
    const apply = (url: string, copy: unknown): Promise<unknown> =>
      withClient(url, async (control) => {
        const { rows } = await control.query<{ applied: boolean }>(
          'select rowhouse.apply_catalogue_copy($1) as applied',
          [JSON.stringify(copy)],
        )
        return rows[0]?.applied
      })
    const url = a.home?.controlUrl ?? ''
    await homes().carry(a)
    const copy = await copyOf()
    expect(await apply(url, copy)).toBe(false)
    await homes().change(a, `update rowhouse.organizations set name = 'Alder & Sons' where id = $1`, [a.organizationId])
    expect(await apply(url, await copyOf())).toBe(false)
    await expect(apply(url, copy)).rejects.toMatchObject({ code: 'RH084' })
    await expect(apply(url, {})).rejects.toMatchObject({ code: 'RH084' })
    await expect(apply(database.controlUrl, await copyOf())).rejects.toMatchObject({ code: 'RH084' })
    await expect(apply(a.url, copy)).rejects.toMatchObject({ code: '42501' })
  })

  it('takes away what is gone: members, roles, connections, and names of people who belong nowhere here', async () => {
    const { a, database } = homes()
    const userId = '11111111-1111-4111-8111-111111111111'
    await withClient(database.controlUrl, async (control) => {
      await control.query(`insert into rowhouse.users (id, email, name) values ($1, 'ann@example.com', 'Ann')`, [
        userId,
      ])
      await control.query(
        `insert into rowhouse.roles (organization_id, name, permissions) values ($1, 'clerk', '{data.read}')`,
        [a.organizationId],
      )
      await control.query(`insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'clerk')`, [
        a.organizationId,
        userId,
      ])
      await control.query('insert into rowhouse.connections (organization_id) values ($1)', [a.organizationId])
    })
    await homes().carry(a)
    const held = (): Promise<unknown> =>
      withClient(a.home?.controlUrl ?? '', async (control) => {
        const { rows } = await control.query(
          `select (select email from rowhouse.users where id = $2),
            (select count(*)::int from rowhouse.members where user_id = $2) as member,
            (select count(*)::int from rowhouse.roles where organization_id = $1) as roles,
            (select count(*)::int from rowhouse.connections where organization_id = $1) as connections`,
          [a.organizationId, userId],
        )
        return rows[0]
      })
    expect(await held()).toEqual({ email: 'ann@example.com', member: 1, roles: 1, connections: 1 })
    await withClient(database.controlUrl, async (control) => {
      await control.query('delete from rowhouse.members where user_id = $1', [userId])
      await control.query('delete from rowhouse.roles where organization_id = $1', [a.organizationId])
      await control.query('delete from rowhouse.connections where organization_id = $1', [a.organizationId])
    })
    await homes().carry(a)
    expect(await held()).toEqual({ email: null, member: 0, roles: 0, connections: 0 })
  })

  it('nobody changes it in place', async () => {
    const { a } = homes()
    const url = a.home?.controlUrl ?? ''
    const insert = [
      `insert into rowhouse.members (organization_id, user_id, role) values ($1, gen_random_uuid(), 'owner')`,
      a.organizationId,
    ] as const
    expect(await attempt(url, insert)).toBe('RH084')
    expect(
      await attempt(url, [`update rowhouse.members set role = 'owner' where organization_id = $1`, a.organizationId]),
    ).toBe('RH084')
    expect(await attempt(url, ['select rowhouse.catalogue_copy($1)', a.organizationId])).toBe('RH084')
    expect(await attempt(url, ['delete from rowhouse.members where organization_id = $1', a.organizationId])).toBe(
      'RH084',
    )
    const guard = 'if rowhouse.is_copy(organization)'
    expect(
      await without(
        a.home?.adminUrl ?? '',
        'refuse_in_copy',
        guard,
        'if false and rowhouse.is_copy(organization)',
        () => attempt(url, insert),
      ),
    ).toBe('done')
  })

  it('its administrators neither: what they take away there would be back, or be gone there alone', async () => {
    const { a, database } = homes()
    await withClient(database.controlUrl, (control) =>
      control.query(
        `insert into rowhouse.roles (organization_id, name, permissions) values ($1, 'clerk', '{data.read}')`,
        [a.organizationId],
      ),
    )
    await homes().carry(a)
    const version = Number(await versionOf(a.home?.controlUrl ?? '', a))
    const remove = (): Promise<string> =>
      attempt(a.url, [a.enter, a.token({ version })], [`select rowhouse.remove_role('clerk')`])
    expect(await remove()).toBe('RH084')
    const guard = 'perform rowhouse.refuse_in_copy(o.organization_id)'
    expect(await without(a.home?.adminUrl ?? '', 'count_membership_version', guard, 'perform 1', remove)).toBe('done')
  })

  it('is applied while a tenant of the database holds whatever lock it can', async () => {
    const { a } = homes()
    const version = Number(await versionOf(a.home?.controlUrl ?? '', a))
    await withClient(a.url, async (tenant) => {
      await tenant.query('begin')
      await tenant.query(a.enter, [a.token({ version })])
      await tenant.query(`select pg_advisory_xact_lock(hashtextextended('rowhouse copy ' || $1::uuid, 0))`, [
        a.organizationId,
      ])
      await tenant.query('select count(*) from rowhouse.organizations, rowhouse.members')
      expect(await attempt(a.url, ['select from rowhouse.copies_in_turn for update'])).toBe('42501')
      await homes().change(a, 'delete from rowhouse.members where organization_id = $1 and user_id = $2', [
        a.organizationId,
        a.memberId,
      ])
      await tenant.query('rollback')
    })
  })

  it('a slug that was given on is no obstacle', async () => {
    const { a, b, database } = homes()
    // Both in one data database, as organizations that share one are.
    const b2 = await withClient(database.controlUrl, async (control) => {
      const { rows } = await control.query<{ copy: Record<string, never> }>(
        'select rowhouse.catalogue_copy($1) as copy',
        [b.organizationId],
      )
      return rows[0]?.copy as Record<string, Record<string, unknown>>
    })
    const { rows } = await withClient(a.home?.controlUrl ?? '', (control) =>
      control.query<{ slug: string }>('select slug from rowhouse.organizations where id = $1', [a.organizationId]),
    )
    const stolen = { ...b2, organization: { ...b2['organization'], slug: rows[0]?.slug } }
    expect(
      await attempt(a.home?.controlUrl ?? '', ['select rowhouse.apply_catalogue_copy($1)', JSON.stringify(stolen)]),
    ).toBe('done')
  })

  it('where the organization has moved on, the former database lets nobody in', async () => {
    const { a, database } = homes()
    const moved = await withClient(database.controlUrl, async (control) => {
      const { rows } = await control.query<{ copy: Record<string, Record<string, unknown>> }>(
        'select rowhouse.catalogue_copy($1) as copy',
        [a.organizationId],
      )
      const copy = rows[0]?.copy as Record<string, Record<string, unknown>>
      return {
        ...copy,
        version: Number(copy['version']) + 1,
        placement: { ...copy['placement'], databaseName: 'other' },
      }
    })
    await withClient(a.home?.controlUrl ?? '', async (control) => {
      await control.query('begin')
      await control.query('select rowhouse.apply_catalogue_copy($1)', [JSON.stringify(moved)])
      const { rows } = await control.query('select state from rowhouse.placements where organization_id = $1', [
        a.organizationId,
      ])
      expect(rows).toEqual([{ state: 'moved' }])
      await control.query('rollback')
    })
  })
})

describe('copies that are due', () => {
  const homes = useHomes('database')

  it('are taken by one worker each, and settled only by the newest version', async () => {
    const { a, b, database } = homes()
    await homes().changeCatalogue(`update rowhouse.organizations set name = name || '!' where id = any ($1)`, [
      [a.organizationId, b.organizationId],
    ])
    await withClient(database.controlUrl, async (control) => {
      const take = async (): Promise<string[]> =>
        (await control.query<{ id: string }>('select id from rowhouse.take_copies_due(10) as id')).rows.map(
          ({ id }) => id,
        )
      expect((await take()).toSorted()).toEqual([a.organizationId, b.organizationId].toSorted())
      expect(await take()).toEqual([])
      await control.query('select rowhouse.settle_copy($1, 1)', [a.organizationId])
      expect(await take()).toEqual([a.organizationId])
      await carryCopy(
        { catalogue: control, catalogueUrl: database.adminUrl, signingKey: database.signingKey },
        a.organizationId,
      )
      const { rows } = await control.query('select organization_id as id from rowhouse.copies_due')
      expect(rows).toEqual([{ id: b.organizationId }])
    })
  })
})
