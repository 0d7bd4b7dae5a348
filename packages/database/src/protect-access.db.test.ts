// The options access and own: who may do what inside an organization.
import type { Claims } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

import { act, outcome, useTables } from './test-tables.ts'

const tables = useTables()
const memberOfA = (): Claims => ({ user: tables().worlds.a.memberId })
const viewerOfA = (): Claims => ({ user: tables().worlds.a.viewerId })
const tryAs = (claims: Claims | undefined, statement: string): Promise<number | string | null> =>
  act(tables(), tables().worlds.a, outcome(statement), claims)

describe('access', () => {
  it('members read, admins write', async () => {
    const { migrator, protect } = tables()
    await migrator.query('create table items (id int primary key, n int)')
    const options = { read: 'data.read', write: 'data.manage' }
    await protect('items', options)
    expect(await protect('items', options)).toEqual([])
    expect(await tryAs(undefined, 'insert into items values (1)')).toBe(1)
    for (const reader of [memberOfA(), viewerOfA()]) {
      expect(await tryAs(reader, 'select from items')).toBe(1)
      expect(await tryAs(reader, 'insert into items values (2)')).toBe('42501')
      expect(await tryAs(reader, 'update items set n = 1')).toBe(0)
      expect(await tryAs(reader, 'delete from items')).toBe(0)
    }
    expect(await tryAs(undefined, 'update items set n = 1')).toBe(1)
  })

  it('names a permission for each command, and what it does not name keeps its short form', async () => {
    const { migrator, protect } = tables()
    await migrator.query('create table items (id int primary key, n int)')
    const options = { access: { select: null, insert: 'data.read', delete: 'data.manage' } }
    await protect('items', options)
    expect(await protect('items', options)).toEqual([])
    expect(await tryAs(viewerOfA(), 'insert into items values (1)')).toBe(1)
    expect(await tryAs(viewerOfA(), 'update items set n = 1')).toBe(0)
    expect(await tryAs(memberOfA(), 'update items set n = 1')).toBe(1)
    expect(await tryAs(memberOfA(), 'delete from items')).toBe(0)
    expect(await tryAs(undefined, 'delete from items')).toBe(1)
    expect(await protect('items', { read: 'data.read', access: { delete: null } })).toEqual([
      'dropped policy rowhouse_read',
      'created policy rowhouse_read',
      'dropped policy rowhouse_insert',
      'created policy rowhouse_insert',
      'dropped policy rowhouse_delete',
      'created policy rowhouse_delete',
    ])
  })

  it('own: members change what they created, admins everything', async () => {
    const { migrator, protect } = tables()
    await migrator.query('create table items (id int primary key, n int)')
    const options = { timestamps: true, own: 'data.manage' }
    await protect('items', options)
    expect(await protect('items', options)).toEqual([])
    await tryAs(undefined, 'insert into items values (1)')
    await tryAs(memberOfA(), 'insert into items values (2)')
    expect(await tryAs(memberOfA(), 'select from items')).toBe(2)
    expect(await tryAs(memberOfA(), 'update items set n = 1')).toBe(1)
    expect(await tryAs(memberOfA(), 'update items set n = 1 where id = 1')).toBe(0)
    // Nobody can take a row over, nor give one away and keep it.
    expect(await tryAs(memberOfA(), 'update items set created_by = rowhouse.user_id()')).toBe(1)
    expect(await tryAs(memberOfA(), 'delete from items where id = 1')).toBe(0)
    expect(await tryAs(undefined, 'update items set n = 3')).toBe(2)
    for (const actor of [
      { user: null, kind: 'service', service: 'billing' },
      { user: null, kind: 'operator', service: 'ann', reason: 'ticket 7' },
    ] as Claims[]) {
      expect(await tryAs(actor, 'update items set n = n + 1')).toBe(2)
    }
    expect(await tryAs(viewerOfA(), 'delete from items')).toBe(0)
    expect(await tryAs(memberOfA(), 'delete from items')).toBe(1)
  })

  it('own.select: members see what they created only', async () => {
    const { migrator, protect } = tables()
    await migrator.query('create table items (id int primary key, n int)')
    const options = { timestamps: true, write: null, own: { select: 'data.manage' } }
    await protect('items', options)
    expect(await protect('items', options)).toEqual([])
    await tryAs(undefined, 'insert into items values (1)')
    expect(await tryAs(viewerOfA(), 'insert into items values (2) returning id')).toBe(1)
    expect(await tryAs(viewerOfA(), 'select from items')).toBe(1)
    expect(await tryAs(memberOfA(), 'select from items')).toBe(0)
    expect(await tryAs(undefined, 'select from items')).toBe(2)
  })

  it.each<[string, unknown]>([
    ['access that is no object', { access: 'data.read' }],
    ['access of an unknown command', { access: { truncate: 'data.read' } }],
    ['access with a permission that is no name', { access: { select: 7 } }],
    ['read twice', { read: 'data.read', access: { select: 'data.read' } }],
    ['write twice', { write: null, access: { delete: 'data.manage' } }],
    ['own without created_by', { own: 'data.manage' }],
    ['own, and timestamps switched off', { own: 'data.manage', timestamps: false }],
    ['own of insert', { timestamps: true, own: { insert: 'data.manage' } }],
    ['own that is null inside', { timestamps: true, own: { delete: null } }],
    ['own that is a list', { timestamps: true, own: ['data.manage'] }],
    ['timestamps that are no boolean', { timestamps: 'yes' }],
    ['partitions that are no number', { partitions: '16' }],
    ['one partition', { partitions: 1 }],
    ['too many partitions', { partitions: 5000 }],
    ['policies of another kind', { policies: 'drop' }],
  ])('refuses %s, and changes nothing', async (_, options) => {
    const { migrator } = tables()
    await migrator.query('create table items (id int primary key)')
    expect(await tables().refusal("select rowhouse.protect('items', $1)", [options])).toBe('RH023')
    const { rows } = await migrator.query("select from pg_attribute where attrelid = 'items'::regclass and attnum > 1")
    expect(rows).toEqual([])
  })
})

describe('a policy made by hand', () => {
  it('that is restrictive stays: it narrows', async () => {
    const { migrator, protect } = tables()
    await migrator.query(`create table items (id int primary key, secret boolean);
      create policy no_secrets on items as restrictive using (secret is not true)`)
    await protect('items')
    await tryAs(undefined, 'insert into items values (1)')
    expect(await tryAs(undefined, 'insert into items values (2, true)')).toBe('42501')
    expect(await protect('items')).toEqual([])
  })

  it('that is permissive is refused with the statement that drops it, or kept when asked; never beyond the organization', async () => {
    const { migrator, protect, refusal, worlds } = tables()
    await migrator.query('create table items (id int primary key); create policy "all of it" on items using (true)')
    expect(await refusal("select rowhouse.protect('items')")).toBe('RH022')
    await expect(protect('items')).rejects.toMatchObject({
      hint: expect.stringContaining('drop policy "all of it" on shop.items'),
    })
    await protect('items', { policies: 'keep' })
    await tryAs(undefined, 'insert into items values (1)')
    expect(await tryAs(viewerOfA(), 'delete from items')).toBe(1)
    await tryAs(undefined, 'insert into items values (1)')
    expect(await act(tables(), worlds.b, outcome('delete from items'))).toBe(0)
  })
})
