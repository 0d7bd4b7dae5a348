// What row security does not hide, held by tests so that docs/isolation.md stays true in both directions.
import { createTwoWorlds, mintToken, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

describe('a tenant login can learn', () => {
  it('how large a shared table is and how many rows it has, without a seal', async () => {
    await withClient(database().adminUrl, (admin) => admin.query('analyze notes'))
    await withClient(database().appUrl, async (app) => {
      const { rows } = await app.query(
        "select reltuples::int as rows, pg_relation_size(oid) > 0 as sized from pg_class where oid = 'notes'::regclass",
      )
      expect(rows).toEqual([{ rows: 6, sized: true }])
      expect((await app.query("select from pg_stats where tablename = 'notes'")).rowCount).toBe(0)
    })
  })

  it('that somebody is connected, but no query of another organization and no lock', async () => {
    await withClient(database().appUrl, async (victim) => {
      await victim.query('begin')
      await worlds.b.enter(victim)
      await victim.query("select * from notes where body = 'secret of B'")
      await withClient(database().appUrl, async (app) => {
        expect(await sqlstateOf(app.query('select * from pg_locks'))).toBe('42501')
        const activity = await app.query('select to_jsonb(a) as backend from pg_stat_activity a')
        expect(JSON.stringify(activity.rows)).not.toContain('secret of B')
      })
    })
  })
})

describe('whoever holds the signing key', () => {
  it('acts for every organization, as every actor; an injection does not hold it', async () => {
    await withClient(database().appUrl, async (app) => {
      await app.query('begin')
      const token = mintToken(database(), { org: worlds.b.organizationId, kind: 'service', service: 'anything' })
      expect(await sqlstateOf(app.query('select rowhouse.enter($1)', [token]))).toBe('done')
      expect((await app.query('select from notes')).rowCount).toBe(3)
      expect(await sqlstateOf(app.query('select inner_pad from rowhouse.keys'))).toBe('42501')
    })
  })
})
