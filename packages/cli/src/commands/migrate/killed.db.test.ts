// A rollout that is killed -9 at each of its steps: nothing is half done, and the next one goes on to the end. Each step is held
// by a lock of the test's, so that the process is there when it is killed.
import { checkDrift, readMigrations, rollOut } from '@rowhouse/fleet'
import type { RolloutResult } from '@rowhouse/fleet'
import { makeHomes, useTestDatabase } from '@rowhouse/testkit'
import type { TestHome } from '@rowhouse/testkit'
import { Client } from 'pg'
import { expect, it } from 'vitest'

import { useMigrations } from './test-migrate.ts'

const database = useTestDatabase()
const { folder, write, start, admin, untilWaiting } = useMigrations(database)

const HOMES = 4
const VERSION = '20260102000000'
const CONTACTS = `create table contacts (id uuid primary key default gen_random_uuid(), email text);
select rowhouse.protect('contacts');`
const PHONE = 'alter table contacts add column phone text'
const INDEX = `create index concurrently contacts_by_phone on contacts (organization_id, email)`

type Hold = (holder: Client, homes: readonly TestHome[]) => Promise<unknown>
const tableOf =
  (home: (homes: readonly TestHome[]) => string): Hold =>
  (holder, homes) =>
    holder.query(`lock table ${home(homes)}.contacts in access share mode`)
const own =
  (at: number) =>
  (homes: readonly TestHome[]): string =>
    homes[at]?.schemaName ?? ''

interface Step {
  readonly name: string
  readonly sql: string
  /** Holds the process at the step. */
  readonly hold: Hold
  /** Where the step comes after others that write the same: what is held until the process is on its way there. */
  readonly first?: Hold
  /** Whether the rollout may have been noted as done all the same. */
  readonly mayHaveSaidSo?: boolean
}
const steps: readonly Step[] = [
  {
    name: 'while it writes the migrations into the ledger',
    sql: PHONE,
    hold: (holder) => holder.query('lock table rowhouse.tenant_migrations in share mode'),
  },
  {
    name: 'while it opens the rollout',
    sql: PHONE,
    hold: (holder) => holder.query('lock table rowhouse.rollouts in share mode'),
  },
  {
    name: 'while it keeps older runners out of a database',
    sql: PHONE,
    hold: (holder) => holder.query('select from rowhouse.rollout_fence for update'),
  },
  { name: 'in the transaction of the first home', sql: PHONE, hold: tableOf(own(0)) },
  {
    name: 'between the commit of a home and its note in the ledger',
    sql: PHONE,
    hold: (holder, homes) => holder.query('select from rowhouse.homes where id = $1 for update', [homes[0]?.id]),
  },
  {
    name: 'while it gives the migration to new homes',
    sql: PHONE,
    first: tableOf(own(0)),
    hold: (holder) => holder.query('lock table rowhouse.tenant_migrations in share mode'),
  },
  { name: 'in the transaction of a later wave', sql: PHONE, hold: tableOf(own(2)) },
  { name: 'in the transaction of what many share', sql: PHONE, hold: tableOf(() => 'public') },
  {
    name: 'while it says that it is done',
    sql: PHONE,
    // The statement is with the server already, which learns of the end of whoever sent it when it answers.
    mayHaveSaidSo: true,
    first: tableOf(() => 'public'),
    hold: (holder) => holder.query('select from rowhouse.rollouts for no key update'),
  },
  {
    name: 'while it builds an index CONCURRENTLY',
    sql: INDEX,
    hold: (holder, homes) => holder.query(`lock table ${own(1)(homes)}.contacts in row exclusive mode`),
  },
]

it.each(steps)(
  '$name: no home is half done, and the next one brings all to the end',
  async ({ sql, hold, first, mayHaveSaidSo = false }) => {
    const homes = await makeHomes(database(), HOMES)
    write('20260101000000_create_contacts.sql', CONTACTS)
    await goOn()
    write(`${VERSION}_next.sql`, sql)

    const holders = [new Client(database().adminUrl), new Client(database().adminUrl)] as const
    for (const holder of holders) {
      await holder.connect()
      await holder.query('begin')
    }
    const up = ['up', '--dir', '.', '--json', '--lock-timeout', '60000', '--connections', '1', '--canary', 'org-0']
    try {
      await (first ?? hold)(holders[0], homes)
      const killed = start(up)
      await untilWaiting()
      if (first !== undefined) {
        await hold(holders[1], homes)
        await holders[0].query('rollback')
        await untilWaitingFor(holders[1])
      }
      killed.child.kill('SIGKILL')
      expect(await killed.ended).toMatchObject({ code: null })
    } finally {
      for (const holder of holders) await holder.end()
    }
    await expect.poll(sessions, { timeout: 120_000 }).toBe(0)

    // No home says that it has what it has not. An index commits by itself, so it may be there before its home says so.
    const { onlyNoted, onlyMade } = await halves()
    expect(onlyNoted).toBe(0)
    expect(onlyMade).toBeLessThanOrEqual(sql === INDEX ? 1 : 0)
    const next = await goOn()
    expect(next).toMatchObject({
      state: mayHaveSaidSo && next['state'] === 'nothing' ? 'nothing' : 'done',
      target: VERSION,
    })
    expect(await halves()).toEqual({ onlyNoted: 0, onlyMade: 0 })
    expect(await checkDrift({ catalogueUrl: database().migratorUrl })).toMatchObject({
      homes: HOMES + 1,
      behind: 0,
      drifted: [],
      unreachable: [],
    })
    expect(await admin(`select state from rowhouse.rollouts where target = '${VERSION}'`)).toEqual([{ state: 'done' }])
  },
)

/** The next run, in this process. */
const goOn = async (): Promise<RolloutResult> =>
  rollOut({
    catalogueUrl: database().migratorUrl,
    migrations: await readMigrations(folder()),
    // As long as a slow machine needs: what is asked here is whether it gets there.
    pace: { lockTimeoutMs: 60_000, lockAttempts: 100 },
  })

async function untilWaitingFor(holder: Client): Promise<void> {
  await expect.poll(() => waitingFor(holder), { timeout: 120_000 }).toBe(true)
}

/** Whether a session of the rollout waits for this one. */
async function waitingFor(holder: Client): Promise<boolean> {
  const { rows } = await holder.query<{ pid: number }>('select pg_backend_pid() as pid')
  const waiting = await admin<{ waits: boolean }>(
    `select coalesce(bool_or($1 = any (pg_blocking_pids(pid))), false) as waits from pg_stat_activity
     where application_name = 'rowhouse migrate' and datname = current_database()`,
    [rows[0]?.pid],
  )
  return waiting[0]?.waits === true
}

/** The server notices that a client is gone when it looks: what the client had under way has ended then. */
const sessions = async (): Promise<number> =>
  (
    await admin<{ sessions: number }>(
      `select count(*)::int as sessions from pg_stat_activity where application_name = 'rowhouse migrate' and datname = current_database()`,
    )
  )[0]?.sessions ?? 0

interface Halves {
  readonly onlyNoted: number
  readonly onlyMade: number
}

/** Homes that have what the migration makes and do not note it, and the other way round. */
async function halves(): Promise<Halves> {
  const [row] = await admin<Halves>(
    `select (count(*) filter (where noted.it and not made.it))::int as "onlyNoted",
       (count(*) filter (where made.it and not noted.it))::int as "onlyMade"
     from rowhouse.homes h
     cross join lateral (select exists (
       select from pg_attribute a where a.attrelid = to_regclass(h.schema_name || '.contacts') and a.attname = 'phone'
     ) or exists (
       select from pg_index i where i.indexrelid = to_regclass(h.schema_name || '.contacts_by_phone') and i.indisvalid
     ) as it) made
     cross join lateral (select exists (
       select from rowhouse.applied_tenant_migrations t where t.schema_name = h.schema_name and t.version = '${VERSION}'
     ) as it) noted`,
  )
  return row as Halves
}
