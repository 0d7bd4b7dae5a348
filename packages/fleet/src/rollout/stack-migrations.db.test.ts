// Tables that a development stack brings: in every home, before a folder's, and no affair of the folder.
import { dropHomes, makeHomes, useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { homeMigrations } from './apply/apply-tenant-migrations.ts'
import { checkDrift } from './drift/drift.ts'
import { contacts, prepareAll } from './fixtures/test-fleet.ts'
import { migrationFile } from './migration/read-folder.ts'
import { planRollout } from './run/plan.ts'
import { rollOut } from './run/roll-out.ts'
import { bringStackMigrations } from './stack-migrations.ts'

const database = useTestDatabase()
const [first, second] = ['10000101000000', '10000101000001'] as const
const deals = contacts.replaceAll('contacts', 'deals')
const ours = `create table calls (id uuid primary key); select rowhouse.protect('calls');`

const bring = (...files: readonly (readonly [string, string])[]): Promise<void> =>
  bringStackMigrations({
    catalogueUrl: database().migratorUrl,
    files: files.map(([version, sql]) => migrationFile(version, 'demo', sql)),
    onUnreachable: () => undefined,
  })
const admin = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Row>(text, values)).rows)
const homesWith = async (table: string): Promise<number> =>
  (await admin(`select from pg_class where relname = $1 and relkind = 'r'`, [table])).length

beforeAll(async () => {
  await makeHomes(database(), 2, 1)
})
afterAll(() => dropHomes(database()))

describe('what the stack brings', () => {
  it('is in every home, once, and first in those that are made later', async () => {
    await bring([first, contacts])
    expect(await homesWith('contacts')).toBe(4)
    await bring([first, contacts])
    const migrations = homeMigrations({ query: (text: string) => admin(text).then((rows) => ({ rows })) } as never)
    expect(await migrations.version()).toBe(first)
  })

  it('is asked for by no folder, which goes on from there', async () => {
    const folder = await prepareAll(['20260101000000', ours])
    const plan = await planRollout({ catalogueUrl: database().migratorUrl, migrations: folder })
    expect(plan.pending.map(({ version }) => version)).toEqual(['20260101000000'])
    await rollOut({ catalogueUrl: database().migratorUrl, migrations: folder })
    expect(await homesWith('calls')).toBe(4)
    // A home that is behind on both gets both, in their order.
    await makeHomes(database(), 0, 1)
    expect((await rollOut({ catalogueUrl: database().migratorUrl, migrations: folder })).homes).toBe(1)
    expect([await homesWith('contacts'), await homesWith('calls')]).toEqual([5, 5])
    expect(await admin('select version, origin from rowhouse.tenant_migrations order by version')).toEqual([
      { version: first, origin: 'stack' },
      { version: '20260101000000', origin: 'folder' },
    ])
    expect((await checkDrift({ catalogueUrl: database().migratorUrl })).drifted).toEqual([])
  })

  it('may grow later: homes that have a folder’s migrations get it too', async () => {
    await bring([first, contacts], [second, deals])
    expect(await homesWith('deals')).toBe(5)
    const folder = await prepareAll(['20260101000000', ours])
    expect((await rollOut({ catalogueUrl: database().migratorUrl, migrations: folder })).state).toBe('nothing')
    expect((await checkDrift({ catalogueUrl: database().migratorUrl })).drifted).toEqual([])
  })

  it('is not mixed with a table of the same name: refused in the plan, and allowed by name', async () => {
    const same = 'create table if not exists contacts (id uuid primary key, fax text);'
    const folder = await prepareAll(['20260101000000', ours], ['20260102000000', same])
    await expect(rollOut({ catalogueUrl: database().migratorUrl, migrations: folder })).rejects.toMatchObject({
      code: 'migration_refused',
      details: { problems: [expect.objectContaining({ check: 'taken_table', line: 1 })] },
    })
    const meant = await prepareAll(
      ['20260101000000', ours],
      ['20260102000000', `-- rowhouse: allow taken_table because it is the demo's that is meant\n${same}`],
    )
    expect((await rollOut({ catalogueUrl: database().migratorUrl, migrations: meant })).state).toBe('done')
  })

  it('does not change, and has a version that nobody else would give', async () => {
    await expect(bring([first, `${contacts} `])).rejects.toMatchObject({ code: 'tenant_migration_changed' })
    await expect(bring(['20260101000000', contacts])).rejects.toMatchObject({ code: 'migration_invalid' })
  })
})
