// The change log's months are made ahead, and a write that comes before its month is kept, read and put in its place.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import { expect, it, vi } from 'vitest'

import { openCatalogue } from './catalogue.ts'
import { keepLogMonths } from './log-months.ts'

const database = useTestDatabase()

it('are made while the control plane runs; until then lines wait in the rest, and none is lost', async () => {
  const worlds = await createTwoWorlds(database())
  const partsOf = (sql: string): Promise<string[]> =>
    withClient(database().adminUrl, async (admin) => {
      const { rows } = await admin.query<{ name: string }>(sql)
      return rows.map(({ name }) => name)
    })
  const months = (): Promise<string[]> => partsOf('select name from rowhouse.change_log_partitions order by starts_at')
  const holding = (): Promise<string[]> =>
    partsOf('select distinct tableoid::regclass::text as name from rowhouse.change_log order by 1')
  const made = await months()
  expect(made).toHaveLength(4)

  // As if nobody had looked for months.
  await withClient(database().adminUrl, async (admin) => {
    for (const name of made) await admin.query(`drop table rowhouse.${name}`)
    await admin.query('delete from rowhouse.change_log_partitions')
  })
  await withClient(database().appUrl, async (app) => {
    await app.query('begin')
    await worlds.a.enter(app)
    await app.query("insert into notes (body) values ('early')")
    await app.query('commit')
  })
  expect(await holding()).toEqual(['rowhouse.change_log_rest'])

  const catalogue = openCatalogue(database().controlUrl, () => undefined)
  const errors: unknown[] = []
  const keeper = keepLogMonths(catalogue, (error) => errors.push(error), 20)
  await vi.waitFor(async () => expect(await months()).toHaveLength(4), { timeout: 60_000 })
  await keeper.stop()
  await catalogue.close()
  expect(errors).toEqual([])
  const [adopted] = await months()
  expect(await holding()).toEqual([`rowhouse.${adopted}`])
  await withClient(database().adminUrl, async (admin) => {
    const { rows } = await admin.query("select new ->> 'body' as body from rowhouse.change_log")
    expect(rows).toEqual([{ body: 'early' }])
    await expect(admin.query('delete from rowhouse.change_log')).rejects.toMatchObject({ code: 'RH050' })
    await expect(admin.query(`truncate rowhouse.${adopted}`)).rejects.toMatchObject({ code: 'RH050' })
  })
})
