// Rows as canonical text and back, in whatever zone and style the database speaks.
import { withClient } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { useHouse } from '../fixtures/house.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { insertRows, lockRows, updateRows } from './rows.ts'

const house = useHouse()

const field = (column: string, type: string): MappedObject['fields'][number] => ({
  column,
  field: column,
  type,
  readOnly: false,
})
const mapped: MappedObject = {
  object: 'moment',
  schema: 'public',
  table: 'moments',
  fields: [
    field('at', 'timestamp with time zone'),
    field('day', 'date'),
    field('amount', 'numeric'),
    field('note', 'text'),
  ],
  references: [],
  matchBy: [],
  uniqueFields: [],
  pageSizeMax: 100,
  batchSizeMax: 100,
  hasCreateToken: false,
}

beforeAll(async () => {
  await withClient(house().database.migratorUrl, (client) =>
    client.query(`
      create table moments (
        organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
        at timestamptz, day date, amount numeric, note text, primary key (organization_id, id)
      );
      select rowhouse.protect('moments');`),
  )
  await withClient(house().database.adminUrl, async (admin) => {
    const { rows } = await admin.query<{ name: string }>('select current_database() as name')
    const name = `"${rows[0]?.name}"`
    await admin.query(`alter database ${name} set timezone = 'America/New_York'`)
    await admin.query(`alter database ${name} set datestyle = 'SQL, DMY'`)
    await admin.query(`alter database ${name} set intervalstyle = 'sql_standard'`)
  })
})

const values = [
  // The hour that New York does not have, the one it has twice, both sides of the change in Europe, a day before 1970.
  { at: '2026-03-08T07:30:00.000Z', day: '2026-03-08' },
  { at: '2026-11-01T05:30:00.000Z', day: '2026-11-01' },
  { at: '2026-11-01T06:30:00.000Z', day: '2026-11-01' },
  { at: '2026-03-29T00:59:59.999Z', day: '2026-03-29' },
  { at: '2026-03-29T01:00:00.000Z', day: '2026-12-31' },
  { at: '1969-12-31T23:59:59.001Z', day: '1900-02-28' },
]

describe('moments', () => {
  it('are the same instants and days, whatever the session’s zone and style', async () => {
    const { organizationId } = house().owners[0] as { organizationId: string }
    const organization = house().rowhouse.as({ organizationId, service: 'sync' })
    const { rows } = await organization.query<{ zone: string; style: string }>(
      `select current_setting('timezone') as zone, current_setting('datestyle') as style`,
    )
    expect(rows).toEqual([{ zone: 'America/New_York', style: 'SQL, DMY' }])
    const writes = values.map((value, index) => ({
      id: `00000000-0000-4000-8000-00000000000${index}`,
      values: { ...value, amount: '9007199254740993.10', note: '' },
    }))
    const ids = writes.map(({ id }) => id)
    await organization.transaction((tx) => insertRows(tx, mapped, writes))
    const read = async (): Promise<unknown[]> =>
      [...(await organization.transaction((tx) => lockRows(tx, mapped, ids))).values()].map(({ fields }) => fields)
    const expected = values.map((value) => ({ ...value, amount: '9007199254740993.10', note: null }))
    expect(await read()).toEqual(expected)
    await organization.transaction((tx) => updateRows(tx, mapped, writes))
    expect(await read()).toEqual(expected)
  })

  it('without an end are no emptiness', async () => {
    const { organizationId } = house().owners[0] as { organizationId: string }
    const organization = house().rowhouse.as({ organizationId, service: 'sync' })
    const id = '00000000-0000-4000-8000-0000000000ff'
    await organization.query(`insert into moments (id, at, day) values ($1, 'infinity', '-infinity')`, [id])
    const rows = await organization.transaction((tx) => lockRows(tx, mapped, [id]))
    expect(rows.get(id)?.fields).toMatchObject({ at: 'infinity', day: '-infinity' })
  })
})
