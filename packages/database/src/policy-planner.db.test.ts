// What the planner makes of the policy. A query that compares organization_id itself puts a value beside the policy's into
// one class of equals; the planner then asks once whether the two are equal, and reads by the one it likes. A setting can
// change between the two, within one statement. The policy's second comparison belongs to no such class.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds, World } from '@rowhouse/testkit'
import type { ClientBase } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

/** Sealed for a world, with a setting that holds its organization, and rolled back. */
async function sealed<Value>(
  world: World,
  act: (client: ClientBase) => Promise<Value>,
  claims: Record<string, unknown> = {},
): Promise<Value> {
  return withClient(database().appUrl, async (client) => {
    await client.query('begin')
    await world.enter(client, claims)
    await client.query(`select set_config('x.own', $1, true)`, [world.organizationId])
    await client.query(`select set_config('x.user', $1, true)`, [world.ownerId])
    try {
      return await act(client)
    } finally {
      await client.query('rollback')
    }
  })
}

/** Changes the setting inside the statement, after the planner's question and before the scan. */
const flip = (name: string): string => `f as materialized (select set_config('x.${name}', $1, true))`
const condition = (table: string): string => `${table}.organization_id = current_setting('x.own')::uuid`

const reads: readonly (readonly [string, string])[] = [
  ['a table', `with ${flip('own')} select n.* from f, notes n where ${condition('n')}`],
  [
    'a table, by its key',
    `with ${flip('own')} select n.* from f, notes n where ${condition('n')} order by n.id limit 5`,
  ],
  ['a count', `with ${flip('own')} select 1 from f, notes n where ${condition('n')} group by n.organization_id`],
  [
    'two tables',
    `with ${flip('own')} select n.* from f, notes n join folders d on d.organization_id = n.organization_id where ${condition('d')}`,
  ],
  [
    'a lateral look',
    `with ${flip('own')} select n.* from f, lateral (select * from notes n where ${condition('n')} offset 0) n`,
  ],
  ['the change log', `with ${flip('own')} select c.* from f, rowhouse.change_log c where ${condition('c')}`],
  [
    'the audit log',
    `with ${flip('own')} select c.* from f, rowhouse.audit_log c where c.organization = current_setting('x.own')::uuid`,
  ],
  ['the connections', `with ${flip('own')} select c.* from f, rowhouse.connections c where ${condition('c')}`],
  ['invitations', `with ${flip('own')} select i.id from f, rowhouse.invitations i where ${condition('i')}`],
  ['what sync keeps', `with ${flip('own')} select l.* from f, rowhouse_home.sync_fences l where ${condition('l')}`],
  ['memberships', `with ${flip('own')} select m.* from f, rowhouse.members m where ${condition('m')}`],
]

async function plant({ organizationId, ownerId }: World): Promise<void> {
  await withClient(database().migratorUrl, async (migrator) => {
    await migrator.query('insert into rowhouse.connections (organization_id) values ($1)', [organizationId])
    await migrator.query(
      `insert into rowhouse_home.sync_fences (organization_id, connection_id, lane, epoch)
       values ($1, gen_random_uuid(), 'inbound', 1)`,
      [organizationId],
    )
    await migrator.query('insert into rowhouse.active_organizations (user_id, organization_id) values ($2, $1)', [
      organizationId,
      ownerId,
    ])
  })
}

describe('a setting that changes inside the statement', () => {
  beforeAll(async () => {
    await plant(worlds.a)
    await plant(worlds.b)
  })

  it.each(reads)('shows nothing of another organization: %s', async (_, text) => {
    const { a, b } = worlds
    const rows = await sealed(a, async (client) => (await client.query(text, [b.organizationId])).rows)
    expect(rows).toEqual([])
  })

  it('shows no other person’s choice', async () => {
    const text = `with ${flip('user')} select c.* from f, rowhouse.active_organizations c where c.user_id = current_setting('x.user')::uuid`
    const rows = await sealed(worlds.a, async (client) => (await client.query(text, [worlds.b.ownerId])).rows)
    expect(rows).toEqual([])
  })

  it.each([
    ['update', `with ${flip('own')} update notes n set body = 'taken' from f where ${condition('n')}`],
    ['delete', `with ${flip('own')} delete from notes n using f where ${condition('n')}`],
    ['lock', `with ${flip('own')} select n.* from f, notes n where ${condition('n')} for update of n`],
  ])('reaches nothing of another organization by %s', async (_, text) => {
    const count = await sealed(
      worlds.a,
      async (client) => (await client.query(text, [worlds.b.organizationId])).rowCount,
    )
    expect(count).toBe(0)
  })

  it('shows what is the organization’s own', async () => {
    const text = 'select n.* from notes n where n.organization_id = current_setting($1)::uuid'
    expect(await sealed(worlds.a, async (client) => (await client.query(text, ['x.own'])).rowCount)).toBe(3)
  })
})

it('without the second comparison the other organization is read', async () => {
  await withClient(database().adminUrl, async (admin) => {
    await admin.query('begin')
    const { rows } = await admin.query<{ on: string }>(
      `select set_config('event_triggers', 'off', true) as on where current_setting('server_version_num')::int >= 170000`,
    )
    expect(rows.length).toBeLessThanOrEqual(1)
    await admin.query(
      'alter policy rowhouse_organization on notes using (organization_id = (select rowhouse.organization_id()))',
    )
    await admin.query('commit')
  })
  const [, text] = reads[0] as (typeof reads)[number]
  const { a, b } = worlds
  const rows = await sealed(a, async (client) => (await client.query(text, [b.organizationId])).rows)
  expect(rows).toHaveLength(3)
  expect(new Set(rows.map((row: { organization_id: string }) => row.organization_id))).toEqual(
    new Set([b.organizationId]),
  )
  await withClient(database().migratorUrl, (migrator) => migrator.query(`select rowhouse.protect('notes')`))
  expect(await sealed(a, async (client) => (await client.query(text, [b.organizationId])).rows)).toEqual([])
})

it('the plan still reads by the key and in its order', async () => {
  const plan = await sealed(worlds.a, async (client) => {
    await client.query('set local enable_seqscan = off')
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      'explain (costs off) select * from notes order by id limit 1',
    )
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  })
  expect(plan).toMatch(/Index Scan using notes_pkey/)
  expect(plan).toMatch(/Index Cond: \(organization_id = /)
  expect(plan).not.toMatch(/Sort/)
})
