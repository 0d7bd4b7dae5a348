// What an application relies on, the same code in every isolation model: queries, transactions, attacks of one organization
// on the other, who is let in, and tables that change while statements are kept.
import { describeInEveryModel, sqlstateOf, useHomes, withClient } from '@rowhouse/testkit'
import type { Tenant } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

import type { Organization, Rowhouse } from '../index.ts'

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as { code: string }).code,
  )

describeInEveryModel('an application', (homes) => {
  let rowhouse: Rowhouse
  let a: Tenant
  let b: Tenant
  const as = (tenant: Tenant, userId: string = tenant.ownerId): Organization =>
    rowhouse.as({ organizationId: tenant.organizationId, userId })
  /** Everything of an organization, as its migrator sees it. */
  const rowsOf = (tenant: Tenant): Promise<unknown[]> =>
    withClient(tenant.home?.adminUrl ?? homes().database.adminUrl, async (admin) => {
      const { rows } = await admin.query(
        `select id, folder_id, body from ${tenant.notes} where organization_id = $1 order by id`,
        [tenant.organizationId],
      )
      return rows as unknown[]
    })

  beforeAll(() => {
    rowhouse = homes().open()
    ;({ a, b } = homes())
  })

  it('reads and writes the own rows by the same statements', async () => {
    const acme = as(a)
    const read = await acme.query<{ id: string }>('select id from notes order by id')
    expect(read.rows.map(({ id }) => id)).toEqual(a.noteIds.toSorted())
    const { rows } = await acme.query<{ id: string; organization_id: string }>(
      'insert into notes (body) values ($1) returning *',
      ['new'],
    )
    expect(rows[0]?.organization_id).toBe(a.organizationId)
    const id = rows[0]?.id
    expect((await acme.query('update notes set body = $2 where id = $1', [id, 'newer'])).rowCount).toBe(1)
    expect((await acme.query('delete from notes where id = $1', [id])).rowCount).toBe(1)
  })

  it('commits a transaction, and rolls it back where it throws', async () => {
    const count = async (): Promise<number> => (await as(a).query('select from notes')).rowCount ?? 0
    const before = await count()
    const made = await as(a).transaction(
      async (tx) => {
        const folder = await tx.query<{ id: string }>(`insert into folders (name) values ('one') returning id`)
        return tx.query<{ id: string }>(`insert into notes (folder_id, body) values ($1, 'in it') returning id`, [
          folder.rows[0]?.id,
        ])
      },
      { isolation: 'repeatable read' },
    )
    const failed = as(a).transaction(async (tx) => {
      await tx.query(`insert into notes (body) values ('gone')`)
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await count()).toBe(before + 1)
    await as(a).query('delete from notes where id = $1', [made.rows[0]?.id])
  })

  it('does not reach the rows of another organization by any name', async () => {
    const before = await rowsOf(b)
    const attacks: readonly (readonly [string, readonly unknown[]])[] = [
      ['select * from notes where id = $1', [b.noteIds[0]]],
      [`select * from ${b.notes} where id = $1`, [b.noteIds[0]]],
      [`update ${b.notes} set body = 'stolen'`, []],
      ['update notes set organization_id = $1', [b.organizationId]],
      [`delete from ${b.notes} where organization_id = $1`, [b.organizationId]],
      [`insert into ${b.notes} (organization_id, body) values ($1, 'planted')`, [b.organizationId]],
      [`insert into ${b.notes} (organization_id, body) values ($1, 'planted')`, [a.organizationId]],
      ['select * from public.notes where id = any ($1)', [b.noteIds]],
      ['insert into notes (folder_id) select id from folders where name = $1', ['Birch']],
    ]
    for (const [text, values] of attacks) {
      // Its own rows may well be changed by some of these; what counts is what it gets, and what the other has.
      const rows = await as(a)
        .transaction(async (tx) => {
          const found = await tx.query<{ organization_id?: string }>(text, values)
          const all = found.rows
          throw Object.assign(new Error('undone'), { all })
        })
        .catch((error: { all?: { organization_id?: string }[] }) => error.all ?? [])
      expect(rows.filter(({ organization_id: id }) => id === b.organizationId)).toEqual([])
    }
    expect(await rowsOf(b)).toEqual(before)
  })

  it('keeps hundreds of interleaved queries of both apart', async () => {
    const results = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const tenant = index % 2 === 0 ? a : b
        const { rows } = await as(tenant).query<{ organization_id: string }>('select organization_id from notes')
        return rows.length >= 3 && rows.every(({ organization_id: id }) => id === tenant.organizationId)
      }),
    )
    expect(results).toEqual(Array(200).fill(true))
  })

  it('refuses who is no member, and an organization that is not', async () => {
    expect(await codeOf(as(a, b.ownerId).query('select 1'))).toBe('not_a_member')
    const nobody = rowhouse.as({ organizationId: '00000000-0000-4000-8000-000000000000', service: 'billing' })
    expect(await codeOf(nobody.query('select 1'))).toBe('organization_not_found')
  })

  it('lets a new member in and a removed one out, on the next request', async () => {
    const insert = `insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'member')`
    await homes().change(a, insert, [a.organizationId, b.viewerId])
    expect(await codeOf(as(a, b.viewerId).query('select 1'))).toBe('done')
    await homes().change(a, 'delete from rowhouse.members where organization_id = $1 and user_id = $2', [
      a.organizationId,
      b.viewerId,
    ])
    expect(await codeOf(as(a, b.viewerId).query('select 1'))).toBe('not_a_member')
    expect(await codeOf(as(a, b.viewerId).transaction((tx) => tx.query('select 1')))).toBe('not_a_member')
  })

  it('goes by the role that a member has now', async () => {
    const can = async (): Promise<unknown> =>
      (await as(a, a.memberId).query<{ can: boolean }>(`select rowhouse.can('members.manage') as can`)).rows[0]?.can
    expect(await can()).toBe(false)
    const change = 'update rowhouse.members set role = $3 where organization_id = $1 and user_id = $2'
    await homes().change(a, change, [a.organizationId, a.memberId, 'admin'])
    expect(await can()).toBe(true)
    await homes().change(a, change, [a.organizationId, a.memberId, 'member'])
  })

  it('refuses a suspended organization, and the other goes on', async () => {
    await homes().change(a, `select rowhouse.set_organization_status($1, 'suspended')`, [a.organizationId])
    expect(await codeOf(as(a).query('select 1'))).toBe('organization_suspended')
    expect(await codeOf(as(b).query('select 1'))).toBe('done')
    await homes().change(a, `select rowhouse.set_organization_status($1, 'active')`, [a.organizationId])
    expect(await codeOf(as(a).query('select 1'))).toBe('done')
  })

  it('bounds the time of a statement as the plan says', async () => {
    await homes().change(
      a,
      `insert into rowhouse.organization_limits (organization_id, statement_timeout_ms) values ($1, 50)`,
      [a.organizationId],
    )
    expect(await codeOf(as(a).query('select pg_sleep(10)'))).toBe('statement_timeout')
    expect(await codeOf(as(b).query('select pg_sleep(0.2)'))).toBe('done')
    await homes().change(a, 'delete from rowhouse.organization_limits where organization_id = $1', [a.organizationId])
    expect(await codeOf(as(a).query('select pg_sleep(0.2)'))).toBe('done')
  })

  it('survives a column that is added while its statements are kept', async () => {
    const one = homes().open({ pool: { max: 1 } })
    const acme = one.as({ organizationId: a.organizationId, userId: a.ownerId })
    const alter = (change: string): Promise<unknown> =>
      withClient(a.home?.adminUrl ?? homes().database.adminUrl, (admin) =>
        admin.query(`alter table ${a.notes} ${change}`),
      )
    await acme.query('select * from notes')
    await alter('add column later text')
    expect((await acme.query('select * from notes')).fields.map(({ name }) => name)).toContain('later')
    const seen = await acme.transaction(async (tx) => {
      await tx.query('select * from notes')
      return tx.query('select * from notes')
    })
    expect(seen.fields.map(({ name }) => name)).toContain('later')
    await alter('drop column later')
    const { fields } = await acme.transaction((tx) => tx.query('select * from notes'))
    expect(fields.map(({ name }) => name)).not.toContain('later')
  })

  it('answers for the catalogue wherever its rows are, and takes no empty table for its own', async () => {
    const catalogue = as(a).inCatalogue()
    const { rows } = await catalogue.query<{ id: string }>('select user_id as id from rowhouse.members')
    expect(rows.map(({ id }) => id).toSorted()).toEqual([a.ownerId, a.memberId, a.viewerId].toSorted())
    expect(await codeOf(catalogue.query('select * from public.notes'))).toBe('organization_moved')
    expect(await codeOf(catalogue.query(`insert into public.notes (body) values ('lost')`))).toBe('organization_moved')
    expect(await codeOf(as(a, b.ownerId).inCatalogue().query('select 1'))).toBe('not_a_member')
  })
})

describe.each(['schema', 'database'] as const)('the login of a home (%s)', (model) => {
  const homes = useHomes(model)
  const attempt = (tenant: Tenant, statements: readonly (readonly [string, readonly unknown[]])[]): Promise<string> =>
    withClient(tenant.url, async (client) => {
      await client.query('begin')
      for (const [text, values] of statements.slice(0, -1)) await client.query(text, [...values])
      const [text, values] = statements.at(-1) as readonly [string, readonly unknown[]]
      return sqlstateOf(client.query(text, [...values]))
    })

  it('enters its own organization', async () => {
    const { a } = homes()
    expect(
      await attempt(a, [
        [a.enter, [a.token()]],
        ['select * from notes', []],
      ]),
    ).toBe('done')
  })

  it('cannot enter another one with a valid token of it', async () => {
    const { a, b } = homes()
    // In another database the token is for that database; in the same one the organization lives elsewhere.
    expect(await attempt(a, [[a.enter, [b.token()]]])).toBe(model === 'database' ? 'RH003' : 'RH009')
    const forged = a.token({ org: b.organizationId, user: b.ownerId })
    expect(await attempt(a, [[a.enter, [forged]]])).toBe('RH009')
  })

  it('has no other door', async () => {
    const { a } = homes()
    for (const door of ['enter', 'enter_catalogue', 'placement']) {
      expect(await attempt(a, [[`select rowhouse.${door}($1)`, [a.token()]]])).toBe('42501')
    }
  })

  it('reads neither another home, nor the shared tables, nor the catalogue', async () => {
    const { a, b } = homes()
    const tables = ['rowhouse.placements', 'rowhouse.homes', 'rowhouse.clusters', 'rowhouse.keys', 'rowhouse.database']
    if (model === 'schema') tables.push(b.notes, 'public.notes')
    for (const table of tables) {
      const outcome = await attempt(a, [
        [a.enter, [a.token()]],
        [`select * from ${table}`, []],
      ])
      expect(outcome).toBe('42501')
    }
  })

  it('is the only one that enters: rowhouse_app is sent away, never shown an empty table', async () => {
    const { a, database } = homes()
    const enter = (door: string): Promise<string> =>
      withClient(database.appUrl, (app) => sqlstateOf(app.query(`select rowhouse.${door}($1)`, [a.token()])))
    // A token for the home's database is none for the catalogue's.
    const refused = model === 'database' ? 'RH003' : 'RH009'
    expect([await enter('enter'), await enter('enter_home')]).toEqual([refused, refused])
  })
})
