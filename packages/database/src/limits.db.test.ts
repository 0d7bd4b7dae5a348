// What row security does not hide, held by tests so that docs/isolation.md stays true in both directions.
import { createTwoWorlds, mintToken, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import type { Client } from 'pg'
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

  it('that another organization is busy, but neither its id nor its queries', async () => {
    await withClient(database().appUrl, async (victim) => {
      await victim.query('begin')
      await worlds.b.enter(victim)
      await victim.query("select * from notes where body = 'secret of B'")
      await withClient(database().appUrl, async (app) => {
        // Other databases of the cluster have locks of their own.
        const locks = await app.query(
          `select to_jsonb(l) as lock from pg_locks l join pg_database d on d.oid = l.database
           where l.locktype = 'advisory' and d.datname = current_database()`,
        )
        expect(locks.rowCount).toBe(1)
        expect(JSON.stringify(locks.rows)).not.toContain(worlds.b.organizationId)
        const activity = await app.query('select to_jsonb(a) as backend from pg_stat_activity a')
        expect(JSON.stringify(activity.rows)).not.toContain('secret of B')
      })
    })
  })
})

describe('a tenant login can hold up', () => {
  it('rollouts and whatever else takes its turn by an advisory lock, as long as its transaction runs', async () => {
    const lead = (client: Client): Promise<unknown> =>
      client
        .query<{ leads: boolean }>('select pg_try_advisory_lock(rowhouse.rollout_lock_key()) as leads')
        .then(({ rows }) => rows[0]?.leads)
    await withClient(database().appUrl, async (app) => {
      await app.query('begin')
      await app.query("select pg_advisory_xact_lock(hashtextextended('rowhouse rolls out', 0))")
      expect(await withClient(database().migratorUrl, lead)).toBe(false)
      await app.query('rollback')
      expect(await withClient(database().migratorUrl, lead)).toBe(true)
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
