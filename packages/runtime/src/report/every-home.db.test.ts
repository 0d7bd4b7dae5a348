// A report over organizations in every kind of home at once: the approval is the catalogue's, whatever a copy says.
import { withClient } from '@rowhouse/testkit'
import { farKinds, homeKinds, untilWaiting, useEveryHome } from '@rowhouse/testkit'
import { keepDatabases } from '@rowhouse/fleet'
import type { DatabaseKeeper } from '@rowhouse/fleet'
import type { ReportResult, Rowhouse } from '../index.ts'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

const homes = useEveryHome()
const reason = 'invoices of October'
const soon = { timeout: 60_000, interval: 50 }
let rowhouse: Rowhouse
let keeper: DatabaseKeeper
let catalogue: Client

const asMigrator = (text: string, values: readonly unknown[] = []): Promise<unknown> =>
  withClient(homes().database.migratorUrl, (client) => client.query(text, [...values]))
const define = (name: string, statement: string, columns: string, combine: string | null = null): Promise<unknown> =>
  asMigrator('select rowhouse.define_report($1, $2, $3, $4)', [name, statement, columns, combine])
const approve = (name: string): Promise<unknown> =>
  asMigrator('select rowhouse.approve_report($1, $2)', [name, 'asked for by finance'])
const elsewhere = () => homes().all.filter(({ isElsewhere }) => isElsewhere)
/** What the databases elsewhere know of a report. */
const known = (name: string): Promise<(boolean | undefined)[]> =>
  Promise.all(
    elsewhere().map(({ adminUrl }) =>
      withClient(adminUrl, async (admin) => {
        const { rows } = await admin.query<{ approved: boolean }>(
          'select approved_at is not null as approved from rowhouse.reports where name = $1',
          [name],
        )
        return rows[0]?.approved
      }),
    ),
  )
const carried = async (name: string): Promise<void> => {
  await vi.waitFor(async () => expect(await known(name)).toEqual(elsewhere().map(() => true)), soon)
}
function keep(): DatabaseKeeper {
  return keepDatabases({
    catalogue: { query: async (text, values) => ({ rows: (await catalogue.query(text, values as unknown[])).rows }) },
    catalogueUrl: homes().database.adminUrl,
    signingKey: homes().database.signingKey,
    everyMs: 50,
    onError: () => undefined,
  })
}

beforeAll(async () => {
  catalogue = new Client({ connectionString: homes().database.controlUrl })
  await catalogue.connect()
  keeper = keep()
  rowhouse = homes().open()
  await define(
    'notes_in_all',
    'select count(*) as notes from notes',
    'notes bigint',
    'select sum(notes) as notes, count(*) as organizations from results',
  )
  await approve('notes_in_all')
  await carried('notes_in_all')
})
afterAll(async () => {
  await keeper?.stop()
  await catalogue?.end()
})

/** So many in vain, and the others of a server are left alone. */
const UNREACHABLE_MAX = 3
/** The two worlds of the fixture share tables too. */
const SHARED_BESIDES = 2

describe('a report', () => {
  it('enters organizations in all models, on both servers, and combines what they answer', async () => {
    expect(await rowhouse.report('notes_in_all', { reason })).toMatchObject({
      rows: [{ notes: 3 * (homeKinds.length + SHARED_BESIDES), organizations: homeKinds.length + SHARED_BESIDES }],
      organizations: homeKinds.length + SHARED_BESIDES,
      refused: [],
    })
  })

  it('leaves its line with the reason in the log of each home, and in no other', async () => {
    await rowhouse.report('notes_in_all', {
      reason: 'only these',
      organizationIds: homes().all.map(({ organizationId }) => organizationId),
    })
    for (const kind of homeKinds) {
      const { rows } = await homes()
        .asOwner(rowhouse, kind)
        .query(`select actor_kind, actor, action, record from rowhouse.audit_log where reason = 'only these'`)
      expect([kind, rows]).toEqual([
        kind,
        [{ actor_kind: 'report', actor: 'notes_in_all', action: 'read', record: 'notes_in_all' }],
      ])
    }
  })

  it('writes nothing in any home', async () => {
    await define(
      'sly',
      `with gone as (select rowhouse.user_id()) select set_config('transaction_read_only', 'off', true) as x`,
      'x text',
    )
    await approve('sly')
    await carried('sly')
    for (const { organizationId, kind } of homes().all) {
      const run = rowhouse.report('sly', { reason, organizationIds: [organizationId], partial: true })
      expect([kind, (await run).refused[0]?.code]).toEqual([kind, expect.stringMatching(/query_failed|read_only/)])
    }
  })
})

describe('an approval', () => {
  it('that a database has not heard of is waited for, and named where it does not come', async () => {
    await keeper.stop()
    try {
      await define('late', 'select 1 as one', 'one int')
      await approve('late')
      const impatient = homes().open({ placement: { copyWaitMs: 100 } })
      const result = await impatient.report('late', { reason, partial: true })
      expect(result.refused.map(({ code }) => code)).toEqual(elsewhere().map(() => 'report_outdated'))
      expect(result.rows).toHaveLength(homes().all.length + SHARED_BESIDES - elsewhere().length)
      await expect(impatient.report('late', { reason })).rejects.toMatchObject({ code: 'report_incomplete' })
    } finally {
      keeper = keep()
    }
    const patient = homes().open({ placement: { copyWaitMs: 60_000 } })
    expect((await patient.report('late', { reason })).refused).toEqual([])
  })

  it('that was taken back holds nowhere, however old the copies are', async () => {
    await define('revoked', 'select count(*) as notes from notes', 'notes bigint')
    await approve('revoked')
    await carried('revoked')
    await keeper.stop()
    const [first, second] = elsewhere().toSorted((a, b) => (a.organizationId < b.organizationId ? -1 : 1))
    const organizationIds = [first?.organizationId ?? '', second?.organizationId ?? '']
    const holder = new Client({ connectionString: first?.adminUrl ?? '' })
    await holder.connect()
    try {
      // The first organization is read for as long as its table is locked; meanwhile the approval goes.
      const { rows } = await holder.query<{ place: string }>(
        `select oid::regclass::text as place from pg_class where relname = 'notes' and relkind = 'r' and relnamespace::regnamespace::text in (
           'public', (select schema_name from rowhouse.placements where organization_id = $1 and isolation = 'schema')) order by 1 limit 1`,
        [first?.organizationId],
      )
      await holder.query(`begin; lock table ${rows[0]?.place} in access exclusive mode`)
      const run = rowhouse.report('revoked', { reason, organizationIds, concurrency: 1 }).then(
        () => 'ran',
        (error: { code: string }) => error.code,
      )
      await untilWaiting({ adminUrl: first?.adminUrl ?? '' }, 'relation')
      await asMigrator(`select rowhouse.revoke_report('revoked')`)
      await holder.query('rollback')
      expect(await run).toBe('report_not_approved')
      expect(await known('revoked')).toEqual(elsewhere().map(() => true))
    } finally {
      await holder.end()
      keeper = keep()
    }
    await vi.waitFor(async () => expect(await known('revoked')).toEqual(elsewhere().map(() => false)), soon)
  })

  it('is of one text: a copy of an older one refuses, and would answer without the revision', async () => {
    await define('changing', 'select 1 as one', 'one int')
    await approve('changing')
    await carried('changing')
    await keeper.stop()
    const [home] = elsewhere()
    const organizationIds = [home?.organizationId ?? '']
    const impatient = homes().open({ placement: { copyWaitMs: 0 } })
    const admin = (text: string): Promise<unknown> =>
      withClient(home?.adminUrl ?? '', (client) => client.query<{ text: string }>(text))
    const { rows } = (await admin(
      `select pg_get_functiondef('rowhouse.begin_report(jsonb, bigint)'::regprocedure) as text`,
    )) as { rows: { text: string }[] }
    const guarded = rows[0]?.text ?? ''
    try {
      await define('changing', 'select 2 as one', 'one int')
      await approve('changing')
      const asked = (): Promise<unknown> => impatient.report('changing', { reason, organizationIds, partial: true })
      expect(await asked()).toMatchObject({ rows: [], refused: [{ code: 'report_outdated' }] })
      const open = guarded.replace('if coalesce(', 'if false and coalesce(')
      expect(open).not.toBe(guarded)
      await admin(open)
      expect(await asked()).toMatchObject({ rows: [{ one: 1 }], refused: [] })
    } finally {
      await admin(guarded)
      keeper = keep()
    }
  })

  it('is given in the catalogue alone: a copy is changed by nobody', async () => {
    const [home] = elsewhere()
    await withClient(home?.adminUrl ?? '', async (admin) => {
      for (const text of [
        `update rowhouse.reports set approved_by = 'me', approved_at = now(), approval_reason = 'x'`,
        `delete from rowhouse.reports`,
        `select rowhouse.define_report('mine', 'select 1 as x', 'x int')`,
        `select rowhouse.apply_reports('{"revision": 0, "reports": []}')`,
      ])
        await expect(admin.query(text)).rejects.toMatchObject({ code: 'RH084' })
    })
    await expect(asMigrator(`select rowhouse.apply_reports('{"revision": 99, "reports": []}')`)).rejects.toMatchObject({
      code: 'RH084',
    })
    await expect(catalogue.query(`select rowhouse.apply_reports('{}')`)).rejects.toMatchObject({ code: '42501' })
  })
})

describe('a server that is down', () => {
  it('leaves its organizations out of a partial answer and fails a whole one, which names them', async () => {
    await homes().stopFar()
    try {
      const far = farKinds.map((kind) => homes().of[kind].organizationId).toSorted()
      const partial = await rowhouse.report('notes_in_all', { reason, partial: true })
      expect(partial.rows).toEqual([
        expect.objectContaining({ organizations: homeKinds.length - farKinds.length + SHARED_BESIDES }),
      ])
      expect(partial.refused.map(({ organizationId }) => organizationId).toSorted()).toEqual(far)
      expect(new Set(partial.refused.map(({ code }) => code))).toEqual(new Set(['home_unreachable']))
      await expect(rowhouse.report('notes_in_all', { reason })).rejects.toMatchObject({ code: 'report_incomplete' })
    } finally {
      await homes().startFar()
    }
    await vi.waitFor(async () => expect((await rowhouse.report('notes_in_all', { reason })).refused).toEqual([]), soon)
  })
})

describe('databases that let nobody in', () => {
  it('on a server that answers are named, each of them and no other', async () => {
    const { fleet, database } = homes()
    const made: string[] = []
    for (let n = 1; n <= UNREACHABLE_MAX + 1; n += 1) {
      made.push(
        await fleet.createOrganization({
          name: `Nr ${n}`,
          slug: `nr-${n}`,
          ownerId: crypto.randomUUID(),
          plan: 'database',
        }),
      )
    }
    const ids = made.toSorted()
    const places = await withClient(database.adminUrl, async (admin) => {
      const { rows } = await admin.query<{ id: string; name: string }>(
        'select organization_id as id, database_name as name from rowhouse.placements where organization_id = any ($1)',
        [ids],
      )
      return new Map(rows.map(({ id, name }) => [id, name]))
    })
    const allow = (id: string, isAllowed: boolean): Promise<unknown> =>
      withClient(Object.assign(new URL(database.adminUrl), { pathname: '/postgres' }).href, (admin) =>
        admin.query(`alter database ${places.get(id)} allow_connections ${isAllowed}`),
      )
    await carried('notes_in_all')
    // In the order that a run takes them: the one that answers comes after as many as would say that the server is down.
    const closed = ids.slice(0, UNREACHABLE_MAX)
    const run = (): Promise<ReportResult> =>
      homes().open().report('notes_in_all', { reason, organizationIds: ids, concurrency: 1, partial: true })
    await vi.waitFor(async () => expect((await run()).refused).toEqual([]), soon)
    try {
      for (const id of closed) await allow(id, false)
      const { rows, organizations, refused } = await run()
      expect({ rows, organizations }).toEqual({ rows: [{ notes: 0, organizations: 1 }], organizations: 1 })
      expect(refused.map(({ organizationId, code }) => [organizationId, code])).toEqual(
        closed.map((id) => [id, 'home_unreachable']),
      )
      const all = rowhouse.report('notes_in_all', { reason, organizationIds: ids })
      const error = (await all.catch((caught: unknown) => caught)) as Error
      for (const id of closed) expect(error.message).toContain(id)
    } finally {
      for (const id of closed) await allow(id, true)
    }
    expect((await run()).refused).toEqual([])
  })
})
