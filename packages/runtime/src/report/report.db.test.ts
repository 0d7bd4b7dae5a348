// Reading across organizations: what the owner approved, in every organization, and nothing besides.
import { randomUUID } from 'node:crypto'

import { createTwoWorlds, untilWaiting, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { createRowhouse } from '../index.ts'
import type { Rowhouse } from '../index.ts'

const database = useTestDatabase()
const reason = 'board meeting'
let worlds: TwoWorlds
let rowhouse: Rowhouse

const asMigrator = (text: string, values: readonly unknown[] = []): Promise<unknown> =>
  withClient(database().migratorUrl, (client) => client.query(text, [...values]))

async function define(
  name: string,
  statement: string,
  columns: string,
  combine: string | null = null,
  rowsMax = 10_000,
): Promise<void> {
  await asMigrator('select rowhouse.define_report($1, $2, $3, $4, rows_max => $5)', [
    name,
    statement,
    columns,
    combine,
    rowsMax,
  ])
}

const approve = (name: string): Promise<unknown> =>
  asMigrator('select rowhouse.approve_report($1, $2)', [name, 'asked for by finance'])

async function defineAndApprove(...definition: Parameters<typeof define>): Promise<void> {
  await define(...definition)
  await approve(definition[0])
}

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  rowhouse = createRowhouse({ url: database().appUrl, signingKey: database().signingKey, pool: { max: 4 } })
  await defineAndApprove(
    'notes_by_folder',
    'select f.name as folder, count(*) as notes from notes n join folders f on f.id = n.folder_id group by f.name',
    'folder text, notes bigint',
    'select folder, sum(notes) as notes, count(distinct organization_id) as organizations from results group by folder order by folder',
  )
})
afterAll(() => rowhouse.close())

test('it is run in every organization, and the answers are combined', async () => {
  const seen: string[] = []
  const result = await rowhouse.report('notes_by_folder', {
    reason,
    onProgress: (done, total) => seen.push(`${done}/${total}`),
  })
  expect(result).toMatchObject({
    rows: [
      { folder: 'Alder', notes: 3, organizations: 1 },
      { folder: 'Birch', notes: 3, organizations: 1 },
    ],
    organizations: 2,
    refused: [],
  })
  expect(seen).toEqual(['1/2', '2/2'])
})

test('the read is in the log of each organization it entered, with its reason', async () => {
  await rowhouse.report('notes_by_folder', {
    reason: 'only Alder',
    organizationIds: [worlds.a.organizationId],
    arguments: { since: '2026-01-01' },
    requestId: 'request-7',
  })
  const readsOf = async ({ organizationId, ownerId }: TwoWorlds['a']): Promise<unknown> => {
    const { rows } = await rowhouse
      .as({ organizationId, userId: ownerId })
      .query(
        `select action, actor_kind, actor, "table", record, new, request_id from rowhouse.audit_log where reason = 'only Alder'`,
      )
    return rows
  }
  expect(await readsOf(worlds.a)).toEqual([
    {
      action: 'read',
      actor_kind: 'report',
      actor: 'notes_by_folder',
      table: 'reports',
      record: 'notes_by_folder',
      new: { arguments: { since: '2026-01-01' } },
      request_id: 'request-7',
    },
  ])
  expect(await readsOf(worlds.b)).toEqual([])
})

test('numbers stay exact, arguments arrive, and without a combination rows come as they are', async () => {
  await defineAndApprove(
    'exact',
    "select 9007199254740993 as big, ($1 ->> 'factor')::numeric * 1.5 as scaled, null::text as nothing",
    'big bigint, scaled numeric, nothing text',
  )
  const { rows } = await rowhouse.report('exact', { reason, arguments: { factor: 3 } })
  expect(new Set(rows.map((row) => row['organization_id']))).toEqual(
    new Set([worlds.a.organizationId, worlds.b.organizationId]),
  )
  for (const row of rows) expect(row).toMatchObject({ big: '9007199254740993', scaled: 4.5, nothing: null })
})

describe('nothing besides', () => {
  test.each([
    ['an unknown report', 'nobody_defined_this'],
    ['one that is not approved', 'draft'],
    ['one that was changed after its approval', 'changed'],
    ['one whose approval was taken back', 'revoked'],
  ])('%s is refused', async (_, name) => {
    await define('draft', 'select 1 as n', 'n int')
    await defineAndApprove('changed', 'select 1 as n', 'n int')
    await define('changed', 'select 2 as n', 'n int')
    await defineAndApprove('revoked', 'select 1 as n', 'n int')
    await asMigrator('select rowhouse.revoke_report($1)', ['revoked'])
    await expect(rowhouse.report(name, { reason })).rejects.toMatchObject({ code: 'report_not_approved' })
    const inside = rowhouse.as({ organizationId: worlds.a.organizationId, report: name, reason })
    await expect(inside.query('select * from notes')).rejects.toMatchObject({ code: 'report_not_approved' })
  })

  test('the same definition again keeps its approval', async () => {
    await defineAndApprove('same', 'select 1 as n', 'n int')
    await define('same', 'select 1 as n', 'n int')
    await expect(rowhouse.report('same', { reason })).resolves.toMatchObject({ organizations: 2 })
  })

  test('an approval taken back ends a run with the next organization', async () => {
    await defineAndApprove('ended', 'select 1 as n from (select pg_advisory_xact_lock_shared(4711)) waits', 'n int')
    await withClient(database().migratorUrl, async (holder) => {
      await holder.query('begin')
      await holder.query('select pg_advisory_xact_lock(4711)')
      const run = rowhouse.report('ended', { reason, concurrency: 1 }).then(
        () => 'finished',
        (error: { code: string }) => error.code,
      )
      await untilWaiting(database(), 'advisory')
      await asMigrator('select rowhouse.revoke_report($1)', ['ended'])
      await holder.query('commit')
      expect(await run).toBe('report_not_approved')
    })
  })

  test('the login of tenants can neither define, approve nor read one, nor run one without its seal', async () => {
    await withClient(database().appUrl, async (app) => {
      const refusalOf = (text: string): Promise<unknown> =>
        app.query(text).then(
          () => 'done',
          (error: { code: string }) => error.code,
        )
      expect(await refusalOf("select rowhouse.define_report('x', 'select 1 as n', 'n int')")).toBe('42501')
      expect(await refusalOf("select rowhouse.approve_report('draft', 'please')")).toBe('42501')
      expect(await refusalOf("update rowhouse.reports set approved_by = 'me'")).toBe('42501')
      expect(await refusalOf('select * from rowhouse.report_organizations()')).toBe('RH012')
      expect(await refusalOf("select rowhouse.run_report('{}')")).toBe('RH012')
    })
    const owner = rowhouse.as({ organizationId: worlds.a.organizationId, userId: worlds.a.ownerId })
    for (const text of [
      'select * from rowhouse.report_organizations()',
      "select rowhouse.run_report('{}')",
      "select rowhouse.begin_report('{}')",
      "select rowhouse.combine_report('{}', '[]')",
    ]) {
      await expect(owner.query(text)).rejects.toMatchObject({ code: 'permission_denied' })
    }
  })

  test('the statement writes nothing, whatever it calls', async () => {
    await asMigrator(`create or replace function public.sneak() returns int language plpgsql as $$
      begin insert into notes (body) values ('sneaked'); return 1; end $$;
      grant execute on function public.sneak() to rowhouse_app`)
    await defineAndApprove('sneaky', 'select public.sneak() as n', 'n int')
    await expect(rowhouse.report('sneaky', { reason })).rejects.toMatchObject({ code: 'report_incomplete' })
    const { rows } = await withClient(database().migratorUrl, (client) =>
      client.query("select from notes where body = 'sneaked'"),
    )
    expect(rows).toEqual([])
  })

  test('the combination sees the answers and no table of a tenant', async () => {
    await defineAndApprove('peeking', 'select 1 as n', 'n int', 'select count(*) as n from notes')
    await expect(rowhouse.report('peeking', { reason })).rejects.toMatchObject({ code: 'no_active_organization' })
  })
})

describe('what cannot run', () => {
  test.each([
    ['no SELECT', 'delete from notes returning id', 'id uuid', null],
    ['two statements', 'select 1 as n; select 2', 'n int', null],
    ['other columns than it says', "select 'x' as n", 'n int', null],
    ['an unknown table', 'select * from nowhere', 'n int', null],
    ['a combination that does not parse', 'select 1 as n', 'n int', 'select sum(m) from results'],
    ['no columns', 'select 1 as n', '', null],
  ])('%s is refused when it is defined', async (_, statement, columns, combine) => {
    await expect(define('broken', statement, columns, combine)).rejects.toMatchObject({ code: 'RH081' })
  })

  test('too many rows of one organization', async () => {
    await defineAndApprove('large', 'select generate_series(1, 11) as n', 'n int', null, 10)
    await expect(rowhouse.report('large', { reason })).rejects.toMatchObject({
      code: 'report_incomplete',
      details: { refused: [{ code: 'report_too_large' }, { code: 'report_too_large' }] },
    })
  })

  test('options that make no sense', async () => {
    await expect(rowhouse.report('exact', { reason: ' ' })).rejects.toMatchObject({ code: 'invalid_option' })
    await expect(rowhouse.report('exact', { reason, concurrency: 0 })).rejects.toMatchObject({ code: 'invalid_option' })
    await expect(rowhouse.report('exact', { reason, organizationIds: [randomUUID()] })).rejects.toMatchObject({
      code: 'organization_not_found',
    })
    await expect(rowhouse.report('exact', { reason, signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })
})

describe('an organization that cannot be read', () => {
  beforeEach(() => defineAndApprove('even', 'select 1 / (count(*) - 4) as n from notes', 'n bigint'))

  test('fails the run by name, or is left out and named', async () => {
    await rowhouse
      .as({ organizationId: worlds.b.organizationId, userId: worlds.b.ownerId })
      .query("insert into notes (body) values ('the fourth')")
    await expect(rowhouse.report('even', { reason })).rejects.toMatchObject({
      code: 'report_incomplete',
      details: { refused: [{ organizationId: worlds.b.organizationId, code: 'query_failed' }] },
    })
    const result = await rowhouse.report('even', { reason, partial: true })
    expect(result).toMatchObject({ organizations: 1, refused: [{ organizationId: worlds.b.organizationId }] })
    expect(result.rows).toHaveLength(1)
  })

  test('because it is suspended is named and not entered', async () => {
    const status = (to: string): Promise<unknown> =>
      withClient(database().controlUrl, (control) =>
        control.query('select rowhouse.set_organization_status($1, $2)', [worlds.b.organizationId, to]),
      )
    await status('suspended')
    const result = await rowhouse.report('notes_by_folder', { reason })
    await status('active')
    expect(result).toMatchObject({
      rows: [{ folder: 'Alder' }],
      organizations: 1,
      refused: [{ organizationId: worlds.b.organizationId, code: 'organization_suspended' }],
    })
  })
})

test('without the read-only switch the statement would reach the tables', async () => {
  await asMigrator(`create or replace function public.touch() returns int language plpgsql security definer as $$
    begin create table if not exists public.touched (); return 1; end $$;
    grant execute on function public.touch() to rowhouse_app`)
  await defineAndApprove('touching', 'select public.touch() as n', 'n int')
  const run = (): Promise<unknown> =>
    rowhouse.report('touching', { reason, partial: true, concurrency: 1 }).then(({ organizations }) => organizations)
  expect(await run()).toBe(0)
  const { rows } = await withClient(database().migratorUrl, (client) =>
    client.query<{ source: string }>(
      "select pg_get_functiondef('rowhouse.run_report(jsonb, bigint)'::regprocedure) as source",
    ),
  )
  const source = rows[0]?.source ?? ''
  await asMigrator(source.replace(/perform pg_catalog\.set_config\('transaction_read_only'.*?;/, ''))
  expect(await run()).toBe(2)
  await asMigrator(source)
})
