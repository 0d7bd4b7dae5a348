// Who reads the change log reads by an index: in a log of several months and many organizations no reader goes through a
// month line by line, and a poll reads one entry a statement. Counted by Postgres in the transaction of the reader.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds, World } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

import { coveredLines } from './audit/seal.ts'
import { changedOrganizations, positionAtStart, readChanges } from './changes.ts'

const database = useTestDatabase()
let worlds: TwoWorlds

const ORGANIZATIONS = 100
const LINES = 60_000

/** Lines of two months that are over and of this one, each of a statement of its own, as a superuser may write them. */
const filling = `
  set role rowhouse_owner;
  select rowhouse.make_change_log_month(m at time zone 'UTC')
  from generate_series(date_trunc('month', now() at time zone 'UTC') - interval '2 months', date_trunc('month', now() at time zone 'UTC') - interval '1 month', interval '1 month') m;
  reset role;
  create temporary table organizations as
    select row_number() over () as n, id from (select gen_random_uuid() as id from generate_series(1, ${ORGANIZATIONS})) x;
  insert into rowhouse.change_log (
    organization_id, xid, at, table_schema, table_name, record_id, record_hash, action, new, actor_kind, origin
  )
  select o.id, (3 + line * (pg_current_xact_id()::text::bigint - 4) / ${LINES})::text::xid8, now() - line * interval '60 days' / ${LINES}, 'public', 'notes', 'r' || line,
    rowhouse.record_hash('r' || line), 'insert', '{}', 'migrator', 'migrator'
  from generate_series(${LINES}, 1, -1) line join organizations o on o.n = 1 + line % ${ORGANIZATIONS};
  analyze rowhouse.change_log`

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  await withClient(database().migratorUrl, (migrator) =>
    migrator.query("create table people (id int primary key, name text); select rowhouse.protect('people')"),
  )
  // A tick of which nobody has a connection need not read the log at all.
  await withClient(database().controlUrl, async (control) => {
    for (const { organizationId } of [worlds.a, worlds.b]) {
      await control.query(
        `with connection as (insert into rowhouse.connections (organization_id, state) values ($1, 'live') returning id)
         insert into rowhouse.sync_units (connection_id, lane, organization_id, enabled)
         select id, 'outbound', $1, true from connection`,
        [organizationId],
      )
    }
  })
  await withClient(database().adminUrl, (admin) => admin.query(filling))
})

async function write(world: World, statement: string): Promise<void> {
  await withClient(database().appUrl, async (app) => {
    await app.query('begin')
    await world.enter(app)
    await app.query(statement)
    await app.query('commit')
  })
}

interface Reads {
  /** Lines that were read by going through a month. */
  readonly gone_through: number
  /** Entries of each index that were read, by the name of the log's index. */
  readonly entries: Record<string, number>
}

/** What `use` reads of the log, in a transaction that nobody else's reads are counted in. */
async function readsOf(client: Client, use: () => Promise<unknown>): Promise<Reads> {
  // What a session counted in earlier transactions it keeps for a second, and shows as this one's.
  await client.query('select pg_stat_force_next_flush()')
  await client.query('begin')
  await use()
  const { rows } = await client.query<Reads>(`
    select
      (select sum(pg_stat_get_xact_tuples_returned(p.relid))::int from pg_partition_tree('rowhouse.change_log'::regclass) p) as gone_through,
      (
        select jsonb_object_agg(name, entries) from (
          select i.relname as name, sum(pg_stat_get_xact_tuples_returned(p.relid))::int as entries
          from pg_class i, pg_partition_tree(i.oid) p
          where i.relkind = 'I' and i.relname like 'change_log%'
          group by i.relname
          having sum(pg_stat_get_xact_numscans(p.relid)) > 0
        ) x
      ) as entries`)
  await client.query('rollback')
  return rows[0] as Reads
}

const asControl = <Result>(use: (control: Client) => Promise<Result>): Promise<Result> =>
  withClient(database().controlUrl, use)
const asEntered = <Result>(use: (app: Client) => Promise<Result>): Promise<Result> => withClient(database().appUrl, use)

describe('a poll', () => {
  it('names who wrote and reads one entry a statement, however many rows that wrote', async () => {
    await asControl(async (control) => {
      const { snapshot } = await changedOrganizations(control, null)
      await write(worlds.a, "insert into people (id, name) select n, 'n' from generate_series(1, 3000) n")
      await write(worlds.a, "update people set name = 'm'")
      await write(worlds.a, 'delete from people where id > 1000')
      await write(worlds.b, "insert into notes (body) values ('n')")
      let named: string[] = []
      const reads = await readsOf(control, async () => {
        named = (await changedOrganizations(control, snapshot)).organizationIds
      })
      expect(named.sort()).toEqual([worlds.a.organizationId, worlds.b.organizationId].sort())
      expect(reads).toEqual({ gone_through: 0, entries: { change_log_new: 4 } })

      // The tick of the sync engine asks the same, and for whose connection it was.
      const tick = await readsOf(control, () =>
        control.query("select * from rowhouse.sync_tick($1, 'worker', 1000, 0, '{}', 0)", [snapshot]),
      )
      expect(tick).toEqual({ gone_through: 0, entries: { change_log_new: 4 } })
    })
  })

  it('names who wrote whatever wrote it: hidden columns, keys of several, an update of some rows, many organizations', async () => {
    await withClient(database().migratorUrl, (migrator) =>
      migrator.query(`
        create table secrets (
          organization_id uuid not null default rowhouse.organization_id(), kind text, n int, value text,
          primary key (organization_id, kind, n));
        select rowhouse.protect('secrets', '{"mask": ["value"]}')`),
    )
    await asControl(async (control) => {
      let { snapshot } = await changedOrganizations(control, null)
      const named = async (): Promise<string[]> => {
        const changed = await changedOrganizations(control, snapshot)
        snapshot = changed.snapshot
        return changed.organizationIds.sort()
      }
      for (const statement of [
        "insert into secrets (kind, n, value) select 'a', n, 'v' from generate_series(1, 3) n",
        "update secrets set value = case n when 1 then value else 'w' end",
        'update secrets set n = n + 10',
        'delete from secrets where n > 11',
        `merge into secrets s using (values (11), (12)) v (n) on s.n = v.n
         when matched then delete when not matched then insert (kind, n) values ('b', v.n)`,
      ]) {
        await write(worlds.a, statement)
        expect([statement, await named()]).toEqual([statement, [worlds.a.organizationId]])
      }
      const both = [worlds.a.organizationId, worlds.b.organizationId].sort()
      await withClient(database().migratorUrl, async (migrator) => {
        await migrator.query(
          "insert into secrets (organization_id, kind, n) select o, 'c', n from unnest($1::uuid[]) o, generate_series(1, 2) n",
          [both],
        )
        expect(await named()).toEqual(both)
        await migrator.query("update secrets set value = 'moved' where kind = 'c'")
        expect(await named()).toEqual(both)
        await migrator.query('truncate secrets')
        expect(await named()).toEqual(both)
      })
    })
    const { rows } = await withClient(database().adminUrl, (admin) =>
      admin.query(
        `select organization_id, xid from rowhouse.change_log  group by organization_id, xid, origin having not bool_or(is_first)`,
      ),
    )
    expect(rows).toEqual([])
  })

  it('would read every line, if each stood for itself', async () => {
    await withClient(database().adminUrl, async (admin) => {
      const { snapshot } = await changedOrganizations(admin, null)
      await admin.query("insert into notes (organization_id, body) select $1, 'n' from generate_series(1, 500)", [
        worlds.a.organizationId,
      ])
      const { entries } = await readsOf(admin, () => changedOrganizations(admin, snapshot))
      expect(entries['change_log_new']).toBeGreaterThanOrEqual(500)
    })
  })
})

describe('an organization', () => {
  const entered = async (world: World, use: (app: Client) => Promise<unknown>): Promise<Reads> =>
    asEntered((app) =>
      readsOf(app, async () => {
        await world.enter(app)
        await use(app)
      }),
    )

  it('reads its changes from snapshot to snapshot, and from the beginning, by their indexes', async () => {
    const { snapshot } = await asControl((control) => changedOrganizations(control, null))
    await write(worlds.a, "insert into notes (body) select 'x' from generate_series(1, 20)")
    await withClient(database().adminUrl, (admin) => admin.query('analyze rowhouse.change_log'))
    const fresh = await entered(worlds.a, async (app) => {
      const { changes } = await readChanges(app, { since: snapshot, until: null, afterSeq: '0' })
      expect(changes).toHaveLength(20)
    })
    expect(fresh).toMatchObject({ gone_through: 0, entries: { change_log_by_transaction: 20 } })

    const all = await entered(worlds.b, (app) => readChanges(app, positionAtStart))
    expect(all.gone_through).toBe(0)
  })

  it('finds a record by its hash', async () => {
    const id = worlds.a.noteIds[0]
    const reads = await entered(worlds.a, (app) =>
      app.query(
        `select from rowhouse.change_log l
         where l.record_hash = rowhouse.record_hash($1) and l.record_id = $1 order by l.seq desc limit 100`,
        [id],
      ),
    )
    expect(reads.gone_through).toBe(0)
    expect(Object.keys(reads.entries)).toEqual(['change_log_by_record'])
  })

  it('is verified seal by seal, each by its own lines and none that came later', async () => {
    const { organizationId } = worlds.b
    const seals = 20
    const lines = 50
    // As of a server on which nothing else is under way: what is holds the bounds of real snapshots up.
    const taken = await withClient(database().adminUrl, async (admin) => {
      const snapshots: string[] = []
      for (let number = 0; number <= seals; number += 1) {
        await write(worlds.b, `insert into notes (body) select 'x' from generate_series(1, ${lines})`)
        const { rows } = await admin.query<{ next: string }>(
          'select (max(xid::text::bigint) + 1)::text as next from rowhouse.change_log where organization_id = $1',
          [organizationId],
        )
        snapshots.push(`${rows[0]?.next}:${rows[0]?.next}:`)
      }
      await admin.query('analyze rowhouse.change_log')
      return snapshots
    })
    const readsOfAll = (statement: string): Promise<Reads> =>
      withClient(database().migratorUrl, (client) =>
        readsOf(client, async () => {
          await client.query('set local row_security = off')
          for (const [index, since] of taken.slice(0, -1).entries()) {
            const bounds = [organizationId, since, taken[index + 1], '0', null, lines * 2]
            expect((await client.query(statement, bounds)).rows).toHaveLength(lines)
          }
        }),
      )
    const reads = await readsOfAll(coveredLines)
    expect(reads).toMatchObject({ gone_through: 0, entries: { change_log_by_transaction: seals * lines } })
    const unbounded = await readsOfAll(coveredLines.replace('and l.xid < pg_snapshot_xmax($3::pg_snapshot)', ''))
    const read = Object.values(unbounded.entries).reduce((sum, entries) => sum + entries, 0)
    expect(read).toBeGreaterThan(5 * seals * lines)
  })

  it('is sealed by its own lines', async () => {
    await asControl(async (control) => {
      const reads = await readsOf(control, () =>
        control.query('select from rowhouse.prepare_seal($1)', [worlds.b.organizationId]),
      )
      expect(reads.gone_through).toBe(0)
    })
  })
})
