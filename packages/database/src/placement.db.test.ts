// The doors of homes and of the catalogue, who may ask where an organization lives, and what holds each of it: taken away
// once to see what it held.
import { mintToken, sqlstateOf, useHomes, withClient } from '@rowhouse/testkit'
import type { Homes } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

import { attempt, without } from './test-doors.ts'

const shared = (homes: Homes, changes: Record<string, unknown>): string => mintToken(homes.database, changes)

describe('in a schema of the same database', () => {
  const homes = useHomes('schema')
  const ownLogin = 'p.login is null or p.login operator(pg_catalog.=) session_user'

  it('rowhouse_app is refused by enter(), and not by a membership alone', async () => {
    const { a, database } = homes()
    const entering = (): Promise<string> => attempt(database.appUrl, ['select rowhouse.enter($1)', a.token()])
    expect(await entering()).toBe('RH009')
    expect(await without(database.adminUrl, 'enter', ownLogin, 'true', entering)).toBe('done')
  })

  it('a service is refused the same way', async () => {
    const { a, database } = homes()
    const token = a.token({ kind: 'service', user: null, service: 'billing' })
    const entering = (): Promise<string> => attempt(database.appUrl, ['select rowhouse.enter($1)', token])
    expect(await entering()).toBe('RH009')
    const guard = '(p.login is null or p.login = session_user)'
    expect(await without(database.adminUrl, 'admit', guard, 'true', entering)).toBe('done')
  })

  it('a home login enters no organization that shares tables', async () => {
    const { a, database } = homes()
    const { rows } = await withClient(database.controlUrl, (control) =>
      control.query<{ org: string; user: string }>(
        `select m.organization_id as org, m.user_id as "user" from rowhouse.members m
         join rowhouse.placements p on p.organization_id = m.organization_id and p.login is null limit 1`,
      ),
    )
    const token = shared(homes(), { ...rows[0], version: 1 })
    const entering = (): Promise<string> => attempt(a.url, ['select rowhouse.enter_home($1)', token])
    expect(await entering()).toBe('RH009')
    const guard = "not pg_catalog.starts_with(session_user::pg_catalog.text, 'rowhouse_h_')"
    expect(await without(database.adminUrl, 'enter_home', guard, 'true', entering)).toBe('done')
  })

  it('neither the other organization of a home of its own', async () => {
    const { a, b, database } = homes()
    const entering = (): Promise<string> => attempt(a.url, ['select rowhouse.enter_home($1)', b.token()])
    expect(await entering()).toBe('RH009')
    // Both doors hold it: the one of homes, and enter() behind it.
    const guard = 'p.login operator(pg_catalog.=) session_user'
    const outer = await without(database.adminUrl, 'enter_home', guard, 'true', async () => [
      await entering(),
      await without(database.adminUrl, 'enter', ownLogin, 'true', entering),
    ])
    expect(outer).toEqual(['RH009', 'done'])
  })

  it('a home login that was given the other doors is refused by them', async () => {
    const { a, database } = homes()
    await withClient(database.adminUrl, (admin) =>
      admin.query(`grant execute on function rowhouse.enter_catalogue(text), rowhouse.placement(text),
        rowhouse.placement_changes(text, pg_snapshot) to ${a.home?.login}`),
    )
    const doors = (): Promise<string[]> =>
      Promise.all([
        attempt(a.url, ['select rowhouse.enter_catalogue($1)', a.token()]),
        attempt(a.url, ['select rowhouse.placement($1)', a.token()]),
        attempt(a.url, [
          'select rowhouse.placement_changes($1, null)',
          shared(homes(), { kind: 'service', service: 'rowhouse runtime' }),
        ]),
      ])
    expect(await doors()).toEqual(['RH012', 'RH012', 'RH012'])
    const guard = "starts_with(session_user::text, 'rowhouse_h_')"
    const open = await without(database.adminUrl, 'refuse_home_login', guard, 'false', doors)
    expect(open).toEqual(['done', 'done', 'done'])
  })

  it('what was entered before the organization moved writes nothing after it', async () => {
    const { a, database } = homes()
    const write = (): Promise<string> =>
      withClient(a.url, async (client) => {
        await client.query('begin')
        await client.query('savepoint before')
        await client.query('select rowhouse.enter_home($1)', [a.token()])
        const { rows } = await client.query<{ seal: string }>(`select current_setting('rowhouse.seal') as seal`)
        // Rolling back lets the lock go, and the seal is only a setting: it can be set again.
        await client.query('rollback to before')
        await withClient(database.adminUrl, (admin) =>
          admin.query(`update rowhouse.placements set login = null, isolation = 'shared' where organization_id = $1`, [
            a.organizationId,
          ]),
        )
        try {
          await client.query(`select set_config('rowhouse.seal', $1, true)`, [rows[0]?.seal])
          return await sqlstateOf(client.query(`insert into notes (body) values ('late')`))
        } finally {
          await client.query('rollback')
          await withClient(database.adminUrl, (admin) =>
            admin.query(`update rowhouse.placements set login = $2, isolation = 'schema' where organization_id = $1`, [
              a.organizationId,
              a.home?.login,
            ]),
          )
        }
      })
    // Shared now: rowhouse_app's to enter, and the seal of the home's login is not refused for its login alone.
    expect(await write()).toBe('done')
  })

  it('the catalogue answers for it to rowhouse_app, and its tables do not', async () => {
    const { a, database } = homes()
    const enter = ['select rowhouse.enter_catalogue($1)', a.token()] as const
    expect(await attempt(database.appUrl, enter, ['select * from rowhouse.members'])).toBe('done')
    expect(await attempt(database.appUrl, enter, ['select * from notes'])).toBe('RH009')
    expect(await attempt(database.appUrl, enter, [`insert into notes (body) values ('lost')`])).toBe('RH009')
    expect(await attempt(database.appUrl, enter, enter)).toBe('RH006')
  })

  it('where it lives is said to who has a token, and of no other organization', async () => {
    const { a, b, database } = homes()
    const placed = (token: string): Promise<unknown[]> =>
      withClient(database.appUrl, async (app) => {
        const { rows } = await app.query('select login, schema_name, database_name from rowhouse.placement($1)', [
          token,
        ])
        return rows as unknown[]
      })
    expect(await placed(a.token())).toEqual([
      { login: a.home?.login, schema_name: a.home?.schemaName, database_name: null },
    ])
    await expect(placed(a.token().replace(a.organizationId, b.organizationId))).rejects.toMatchObject({ code: 'RH003' })
    await expect(placed(a.token({ exp: 1 }))).rejects.toMatchObject({ code: 'RH004' })
    await expect(placed(a.token({ exp: Date.now() / 1000 + 90 }))).rejects.toMatchObject({ code: 'RH002' })
    const nobody = shared(homes(), { kind: 'service', service: 'x', org: '00000000-0000-4000-8000-000000000000' })
    await expect(placed(nobody)).rejects.toMatchObject({ code: 'RH007' })
    expect(await attempt(database.appUrl, ['select * from rowhouse.placements'])).toBe('42501')
    expect(await attempt(database.appUrl, ['select cluster from rowhouse.plans'])).toBe('42501')
  })

  it('what changed is said to the runtime alone', async () => {
    const { a, database } = homes()
    const changes = (token: string, since: string | null): Promise<{ snapshot: string; ids: string[] | null }> =>
      withClient(database.appUrl, async (app) => {
        const { rows } = await app.query<{ snapshot: string; ids: string[] | null }>(
          'select snapshot::text, organization_ids as ids from rowhouse.placement_changes($1, $2)',
          [token, since],
        )
        return rows[0] as { snapshot: string; ids: string[] | null }
      })
    await expect(changes(a.token(), null)).rejects.toMatchObject({ code: 'RH002' })
    const runtime = shared(homes(), { kind: 'service', service: 'rowhouse runtime' })
    await expect(changes(shared(homes(), { kind: 'service', service: 'billing' }), null)).rejects.toMatchObject({
      code: 'RH002',
    })
    const first = await changes(runtime, null)
    expect(first.ids).toBeNull()
    expect((await changes(runtime, first.snapshot)).ids).toEqual([])
    // Open while the next question is asked, and told all the same when it commits.
    await withClient(database.controlUrl, async (control) => {
      await control.query('begin')
      await control.query('delete from rowhouse.members where organization_id = $1 and user_id = $2', [
        a.organizationId,
        a.viewerId,
      ])
      const between = await changes(runtime, first.snapshot)
      expect(between.ids).toEqual([])
      await control.query('commit')
      expect((await changes(runtime, between.snapshot)).ids).toEqual([a.organizationId])
    })
  })
})

describe('a version', () => {
  const homes = useHomes('shared')

  it('grows with every change of who may do what, and with nothing else', async () => {
    const { a, database } = homes()
    const id = a.organizationId
    const changes: readonly (readonly [string, number])[] = [
      [
        `insert into rowhouse.members (organization_id, user_id, role) values ('${id}', gen_random_uuid(), 'viewer')`,
        1,
      ],
      [`update rowhouse.members set role = 'viewer' where organization_id = '${id}' and user_id = '${a.memberId}'`, 1],
      [`delete from rowhouse.members where organization_id = '${id}' and user_id = '${a.viewerId}'`, 1],
      [`insert into rowhouse.roles (organization_id, name, permissions) values ('${id}', 'clerk', '{data.read}')`, 1],
      [`update rowhouse.roles set permissions = '{data.write}' where organization_id = '${id}'`, 1],
      [`delete from rowhouse.roles where organization_id = '${id}'`, 1],
      [`select rowhouse.set_organization_status('${id}', 'suspended')`, 1],
      [`select rowhouse.set_organization_status('${id}', 'active')`, 1],
      [`insert into rowhouse.plans (id, name, connections_max) values ('big', 'Big', 3)`, 0],
      [`update rowhouse.organizations set plan = 'big' where id = '${id}'`, 1],
      [`update rowhouse.plans set connections_max = 4 where id = 'big'`, 1],
      [`insert into rowhouse.organization_limits (organization_id, concurrency_max) values ('${id}', 2)`, 1],
      [`insert into rowhouse.connections (organization_id) values ('${id}')`, 1],
      [`update rowhouse.connections set health = '{"lag":1}' where organization_id = '${id}'`, 0],
      [`delete from rowhouse.connections where organization_id = '${id}'`, 1],
      [`update rowhouse.placements set epoch = epoch + 1 where organization_id = '${id}'`, 1],
      [`update rowhouse.organizations set updated_at = now() where id = '${id}'`, 0],
    ]
    await withClient(database.controlUrl, async (control) => {
      const version = async (): Promise<number> => {
        const { rows } = await control.query<{ version: string }>(
          'select version from rowhouse.organizations where id = $1',
          [id],
        )
        return Number(rows[0]?.version)
      }
      for (const [change, growth] of changes) {
        const before = await version()
        await control.query(change)
        expect([change, (await version()) - before]).toEqual([change, growth])
      }
      const { rows } = await control.query('select limits from rowhouse.organizations where id = $1', [id])
      expect(rows).toEqual([{ limits: { connections: 4, concurrency: 2 } }])
    })
  })

  it('makes no copy due where the organization shares tables with the catalogue', async () => {
    const { database } = homes()
    const { rows } = await withClient(database.controlUrl, (control) =>
      control.query('select from rowhouse.copies_due'),
    )
    expect(rows).toEqual([])
  })

  it('a plan that wants another home than there is leaves the organization without one, and nobody enters', async () => {
    const { database } = homes()
    const placed = await withClient(database.controlUrl, async (control) => {
      await control.query(`insert into rowhouse.plans (id, name, isolation) values ('own', 'Own', 'database')`)
      const { rows } = await control.query<{ id: string }>(
        `select rowhouse.create_organization('Own', 'own', gen_random_uuid(), 'own') as id`,
      )
      const id = rows[0]?.id
      const placement = await control.query(
        'select state, wanted_isolation, login from rowhouse.placements where organization_id = $1',
        [id],
      )
      return { id, placement: placement.rows[0] as unknown }
    })
    expect(placed.placement).toEqual({ state: 'placing', wanted_isolation: 'database', login: null })
    const token = mintToken(database, { org: placed.id, kind: 'service', service: 'x' })
    expect(await attempt(database.appUrl, ['select rowhouse.enter($1)', token])).toBe('RH010')
  })
})
