// The control plane seals and prunes by itself, with a login that reads no line.
import { sealKeyOf, sealOrganization, verifyOrganization } from '@rowhouse/database'
import type { ChainReport } from '@rowhouse/database'
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { startTestServer } from '../test-server.ts'
import { openCatalogue } from './catalogue.ts'
import type { Catalogue } from './catalogue.ts'
import { keepLogProven } from './log-proof.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let catalogue: Catalogue
beforeEach(async () => {
  worlds = await createTwoWorlds(database())
  catalogue = openCatalogue(database().controlUrl, () => undefined)
})
afterEach(() => catalogue.close())

const verify = (organizationId: string): Promise<ChainReport> =>
  withClient(database().migratorUrl, async (client) =>
    verifyOrganization(client, organizationId, await sealKeyOf(client, database().signingKey)),
  )
const write = (body: string): Promise<void> =>
  withClient(database().appUrl, async (app) => {
    await app.query('begin')
    await worlds.a.enter(app)
    await app.query('insert into notes (body) values ($1)', [body])
    await app.query('commit')
  })

it('seals what is new, once, however many processes do', async () => {
  const errors: unknown[] = []
  const keepers = [1, 2, 3].map(() =>
    keepLogProven(catalogue, database().signingKey, (where, error) => errors.push([where, error]), { sealEveryMs: 20 }),
  )
  for (const body of ['one', 'two', 'three']) {
    await write(body)
    await vi.waitFor(async () => expect((await verify(worlds.a.organizationId)).unsealed).toBe(0), { timeout: 60_000 })
  }
  await Promise.all(keepers.map((keeper) => keeper.stop()))
  expect(errors).toEqual([])
  for (const { organizationId } of [worlds.a, worlds.b])
    expect(await verify(organizationId)).toMatchObject({ unsealed: 0, problems: [] })
  const { rows } = await withClient(database().adminUrl, (admin) =>
    admin.query<{ seals: number }>('select count(*)::int as seals from rowhouse.audit_seals'),
  )
  expect(keepers.reduce((sum, { counts }) => sum + counts.seals, 0)).toBe(rows[0]?.seals)
})

it('goes on with the others when one organization fails, and tries it again', async () => {
  const refuse = (statement: string): Promise<unknown> =>
    withClient(database().adminUrl, (admin) => admin.query(statement))
  await refuse(
    `alter table rowhouse.audit_seals add constraint broken check (organization_id <> '${worlds.a.organizationId}')`,
  )
  const errors: string[] = []
  const keeper = keepLogProven(catalogue, database().signingKey, (where) => errors.push(where), { sealEveryMs: 20 })
  await vi.waitFor(() => expect(keeper.counts.sealFailures).toBeGreaterThan(1), { timeout: 60_000 })
  expect(new Set(errors)).toEqual(new Set([`audit seal of ${worlds.a.organizationId}`]))
  expect(await verify(worlds.b.organizationId)).toMatchObject({ unsealed: 0, problems: [] })
  await refuse('alter table rowhouse.audit_seals drop constraint broken')
  await vi.waitFor(async () => expect((await verify(worlds.a.organizationId)).unsealed).toBe(0), { timeout: 60_000 })
  await keeper.stop()
})

it('prunes what has expired, once however many processes do', async () => {
  const { organizationId } = worlds.a
  await withClient(database().adminUrl, async (admin) => {
    // Lines and their seal as they would be a hundred days on.
    const { rows } = await admin.query<{ definition: string }>(
      `select pg_get_functiondef('rowhouse.prepare_seal(uuid, int)'::regprocedure) as definition`,
    )
    const definition = rows[0]?.definition ?? ''
    await admin.query(
      `alter table rowhouse.change_log disable trigger is_append_only;
       update rowhouse.change_log set at = at - interval '100 days' where organization_id = '${organizationId}';
       alter table rowhouse.change_log enable always trigger is_append_only`,
    )
    const past = definition.replace(
      'draft.at := clock_timestamp()',
      "draft.at := clock_timestamp() - interval '100 days'",
    )
    expect(past).not.toBe(definition)
    await admin.query(past)
    await sealOrganization(admin, organizationId, await sealKeyOf(admin, database().signingKey))
    await admin.query(definition)
  })
  const before = await verify(organizationId)
  expect(before).toMatchObject({ pruned: 0, problems: [] })
  await catalogue.query('select rowhouse.set_log_retention($1, 90)', [organizationId])

  const errors: unknown[] = []
  const keepers = [1, 2].map(() =>
    keepLogProven(catalogue, database().signingKey, (where, error) => errors.push([where, error]), {
      sealEveryMs: 20,
      pruneEveryMs: 1,
    }),
  )
  await vi.waitFor(async () => expect((await verify(organizationId)).pruned).toBe(before.lines), { timeout: 60_000 })
  await Promise.all(keepers.map((keeper) => keeper.stop()))
  expect(errors).toEqual([])
  expect(keepers.reduce((sum, { counts }) => sum + counts.prunedLines, 0)).toBe(before.lines)
  expect(await verify(organizationId)).toMatchObject({ lines: 0, problems: [] })
})

it('is not ended by a database that refuses', async () => {
  const errors: string[] = []
  const broken = { query: () => Promise.reject(new Error('gone')), session: () => Promise.reject(new Error('gone')) }
  const keeper = keepLogProven(broken, database().signingKey, (where) => errors.push(where), { sealEveryMs: 5 })
  await vi.waitFor(() => expect(keeper.counts.sealFailures).toBeGreaterThan(2), { timeout: 60_000 })
  await keeper.stop()
  expect(new Set(errors)).toEqual(new Set(['audit seal']))
})

it('runs in the server, and is metered', async () => {
  const server = await startTestServer(database())
  try {
    await vi.waitFor(
      async () => {
        const text = await (await fetch(`${server.url}/metrics`)).text()
        expect(text).toMatch(/rowhouse_audit_seals_total [1-9]/)
        expect(text).toMatch(/rowhouse_audit_failures_total\{work="seal"\} 0/)
      },
      { timeout: 60_000 },
    )
  } finally {
    await server.stop()
  }
})
