// organization_id → rowhouse.organizations: declared or enforced, and an organization with rows stays either way.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
let admin: Client
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  admin = new Client({ connectionString: database().adminUrl })
  await admin.connect()
})
afterAll(() => admin?.end())

const protect = async (options: unknown): Promise<string[]> => {
  const { rows } = await admin.query<{ line: string }>("select rowhouse.protect('items', $1) as line", [options])
  return rows.map(({ line }) => line).filter((line) => line.includes('organizations') || line.startsWith('dropped r'))
}
const references = async (): Promise<unknown[]> =>
  (
    await admin.query<{ definition: string }>(
      `select pg_get_constraintdef(oid) as definition from pg_constraint
       where conrelid = 'items'::regclass and contype = 'f' and confrelid = 'rowhouse.organizations'::regclass`,
    )
  ).rows.map(({ definition }) => definition)
const enforced = 'FOREIGN KEY (organization_id) REFERENCES rowhouse.organizations(id)'

const isBlocked = async (client: Client): Promise<boolean> => {
  const { rows } = await admin.query<{ blocked: boolean }>('select cardinality(pg_blocking_pids($1)) > 0 as blocked', [
    (client as unknown as { processID: number }).processID,
  ])
  return rows[0]?.blocked === true
}

describe('the reference to organizations', () => {
  it('is declared where the server can, and changes its kind only when asked to', async () => {
    await admin.query('create table items (id int primary key)')
    expect(await protect({})).toEqual(['organization_id refers to rowhouse.organizations (declared)'])
    expect(await references()).toEqual([`${enforced} NOT ENFORCED`])
    expect(await protect({ organization_reference: 'enforced' })).toEqual([
      'dropped rowhouse_organization_exists, which was declared',
      'organization_id refers to rowhouse.organizations (enforced)',
    ])
    expect(await protect({})).toEqual([])
    expect(await references()).toEqual([enforced])
    expect(await sqlstateOf(admin.query('insert into items values (1, gen_random_uuid())'))).toBe('23503')
    expect(await protect({ organization_reference: 'none' })).toEqual([
      'dropped rowhouse_organization_exists, which was enforced',
    ])
    expect(await references()).toEqual([])
    for (const value of ['maybe', 7, true]) {
      expect(await sqlstateOf(protect({ organization_reference: value }))).toBe('RH023')
    }
    await admin.query('drop table items')
  })

  it('is replaced without standing in the way of who has entered and comes to the table', async () => {
    await admin.query('create table items (id int primary key)')
    await protect({ organization_reference: 'enforced' })
    const replaceBesideOneWhoEntered = (before: string): Promise<string> =>
      withClient(database().adminUrl, async (entered) =>
        withClient(database().adminUrl, async (replacing) => {
          await entered.query("begin; set local lock_timeout = '500ms'; select from rowhouse.organizations")
          const replaced = replacing.query(
            `begin; ${before}; select rowhouse.protect('items', '{"organization_reference": "declared"}'); rollback`,
          )
          await expect.poll(() => isBlocked(replacing)).toBe(true)
          const seen = await sqlstateOf(entered.query('select from items'))
          await entered.query('rollback')
          await replaced
          return seen
        }),
      )
    expect(await replaceBesideOneWhoEntered('select')).toBe('done')
    // In the other order each waits for what the other holds.
    expect(await replaceBesideOneWhoEntered('lock table items in access exclusive mode')).toBe('55P03')
    await admin.query('drop table items')
  })

  it('that cascades is replaced: rows never go along with their organization', async () => {
    await admin.query(`create table items (organization_id uuid references rowhouse.organizations on delete cascade,
      id int, primary key (organization_id, id))`)
    expect(await protect({})).toEqual([
      `dropped items_organization_id_fkey, which was ${enforced} ON DELETE CASCADE`,
      'organization_id refers to rowhouse.organizations (declared)',
    ])
    await admin.query('drop table items')
  })
})

describe('an organization with rows', () => {
  it('is not removed, and control learns no more than the name of a table; without the trigger it would go', async () => {
    await withClient(database().controlUrl, async (control) => {
      const remove = (): Promise<unknown> =>
        control.query('delete from rowhouse.organizations where id = $1', [worlds.b.organizationId])
      expect(await sqlstateOf(remove())).toBe('RH035')
      await control.query('begin')
      expect(await sqlstateOf(remove())).toBe('RH035')
      await control.query('rollback')
      expect((await control.query("select current_setting('rowhouse.seal', true) as seal")).rows[0]).toEqual({
        seal: '',
      })
    })
    await admin.query('begin')
    await admin.query('alter table rowhouse.organizations disable trigger refuse_organization_with_rows')
    const removal = admin.query('delete from rowhouse.organizations where id = $1', [worlds.b.organizationId])
    expect((await removal).rowCount).toBe(1)
    await admin.query('rollback')
  })

  it('is removed when its rows are', async () => {
    await admin.query('delete from notes where organization_id = $1', [worlds.b.organizationId])
    await admin.query('delete from folders where organization_id = $1', [worlds.b.organizationId])
    await withClient(database().controlUrl, async (control) => {
      await control.query('begin')
      const removal = control.query('delete from rowhouse.organizations where id = $1', [worlds.b.organizationId])
      expect((await removal).rowCount).toBe(1)
      // The look at the rows left no seal behind.
      expect((await control.query('select rowhouse.organization_id() as id')).rows).toEqual([{ id: null }])
      await control.query('commit')
    })
  })
})
