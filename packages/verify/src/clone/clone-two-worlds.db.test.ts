// Two worlds that differ in what is B's alone, on schemas of several makes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { cloneTwoWorlds } from './clone-two-worlds.ts'
import { compareFingerprints, fingerprint } from './fingerprint.ts'
import type { PlantedTable, ScratchWorld, TwoWorlds } from './clone-two-worlds.ts'
import type { Context } from './contexts/contexts.ts'

const database = useTestDatabase()

const tableOf = (worlds: TwoWorlds, name: string): PlantedTable =>
  worlds.planted.find(({ table }) => table === name) as PlantedTable

const contextOf = (world: ScratchWorld, kind: Context['kind'], organization: 'A' | 'B' = 'A'): Context =>
  world.contexts.find((context) => context.kind === kind && context.organization === organization) as Context

/** Runs a query as a request of the context would. */
async function ask(world: ScratchWorld, context: Context, sql: string): Promise<unknown[]> {
  return withClient(world.adminUrl, async (client) => {
    await client.query(`set session authorization "${context.login}"`)
    await client.query('begin')
    for (const statement of context.statements()) await client.query(statement)
    const { rows } = await client.query<Record<string, unknown>>(sql)
    await client.query('rollback')
    return rows
  })
}

describe('a schema that Rowhouse protects', () => {
  let worlds: TwoWorlds
  beforeAll(async () => {
    const sql = readFileSync(
      join(import.meta.dirname, '../../../embedded/src/demo/schema/10000101000000_demo_crm.sql'),
      'utf8',
    )
    await withClient(database().migratorUrl, (migrator) => migrator.query(sql))
    worlds = await cloneTwoWorlds(database().adminUrl, { scratch: 'same-server' })
  })
  afterAll(() => worlds?.close())

  it('is copied and planted whole', () => {
    // Roles are of the whole server: another file may be making or changing some.
    expect(worlds.notCovered.filter(({ object }) => !object.startsWith('role '))).toEqual([])
    const kindsOf = (table: string, rows: readonly (readonly unknown[])[]): [string, boolean[]] => [
      table,
      rows.map(({ length }) => length > 0),
    ]
    const expected = worlds.planted.map(({ table, shared }): [string, boolean[]] =>
      worlds.model.ownership.get(table)?.kind === 'global'
        ? kindsOf(table, [shared, [], [], []])
        : [table, [false, true, true, true]],
    )
    expect(worlds.planted.map(({ table, shared, a, b1, b2 }) => kindsOf(table, [shared, a, b1, b2]))).toEqual(expected)
  })

  it('is after planting what it was: triggers, row security and privileges are as in the source', async () => {
    const source = await withClient(database().adminUrl, fingerprint)
    for (const { adminUrl } of [worlds.world1, worlds.world2])
      expect(compareFingerprints(source, await withClient(adminUrl, fingerprint), true)).toEqual([])
  })

  it('gives A the same rows in both worlds and B others, and one more', () => {
    const { a, b1, b2 } = tableOf(worlds, 'public.contacts')
    expect(new Set(a.map((row) => row['organization_id']))).toEqual(new Set([worlds.world1.a.organizationId]))
    expect([a.length, b1.length, b2.length]).toEqual([3, 3, 4])
    const values = (rows: readonly Record<string, unknown>[]): unknown[] =>
      rows.flatMap((row) => Object.entries(row).flatMap(([name, value]) => (name === 'organization_id' ? [] : [value])))
    expect(values(b1).filter((value) => values(b2).includes(value) || values(a).includes(value))).toEqual([])
    expect(worlds.world1.b.organizationId).toBe(worlds.world2.b.organizationId)
  })

  it('lets A in by a token of the scratch database, and shows A only what is its own', async () => {
    for (const world of [worlds.world1, worlds.world2]) {
      const rows = await ask(world, contextOf(world, 'rowhouse'), 'select id::text from public.contacts order by id')
      expect(rows).toEqual(
        tableOf(worlds, 'public.contacts')
          .a.map(({ id }) => ({ id }))
          .toSorted((x, y) => ((x.id ?? '') < (y.id ?? '') ? -1 : 1)),
      )
      expect(
        await ask(world, contextOf(world, 'rowhouse', 'B'), 'select count(*)::int as n from public.contacts'),
      ).toEqual([{ n: world.number === 1 ? 3 : 4 }])
    }
  })
})

describe('one of each kind of object', () => {
  let worlds: TwoWorlds
  beforeAll(async () => {
    const sql = readFileSync(join(import.meta.dirname, 'fixtures/torture.sql'), 'utf8')
    await withClient(database().adminUrl, (admin) => admin.query(sql))
    worlds = await cloneTwoWorlds(database().adminUrl, { scratch: 'same-server', tenantTable: 'torture.organizations' })
  })
  afterAll(() => worlds?.close())

  it('has rows in every table', () => {
    expect(worlds.notCovered.filter(({ probe }) => probe.startsWith('plant'))).toEqual([])
    const empty = worlds.planted.filter(({ a, shared }) => a.length + shared.length === 0).map(({ table }) => table)
    expect(empty.filter((table) => !table.startsWith('rowhouse.'))).toEqual([])
  })
})
