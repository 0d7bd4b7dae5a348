// `rowhouse migrate plan|up|status|drift`, killed and stopped ones among them.
import { makeHomes, useTestDatabase } from '@rowhouse/testkit'
import type { TestHome } from '@rowhouse/testkit'
import { Client, escapeLiteral } from 'pg'
import { describe, expect, it } from 'vitest'

import { useMigrations } from './test-migrate.ts'

const database = useTestDatabase()
const { write, remove, start, rowhouse, admin, untilWaiting } = useMigrations(database)
let homes: TestHome[]

const CONTACTS = `create table contacts (id uuid primary key default gen_random_uuid(), email text);
select rowhouse.protect('contacts');`
const PHONES = `alter table contacts add column phone text;
create table calls (id uuid primary key default gen_random_uuid(), at timestamptz not null default now());
select rowhouse.protect('calls');`

const begin = async (organizations: number, spares = 0): Promise<void> => {
  homes = await makeHomes(database(), organizations, spares)
}

describe('a rollout that is killed', () => {
  it('at some of 120 homes leaves none half done, and the next one brings all of them to drift 0', async () => {
    await begin(120)
    write('20260101000000_create_contacts.sql', CONTACTS)
    expect(await rowhouse('up', '--dir', '.', '--json')).toMatchObject({ code: 0, stderr: '' })
    write('20260102000000_phones.sql', PHONES)

    const holder = new Client(database().adminUrl)
    await holder.connect()
    await holder.query('begin')
    await holder.query(`lock table ${homes[60]?.schemaName}.contacts in access share mode`)
    const killed = start(['up', '--dir', '.', '--json', '--lock-timeout', '60000', '--connections', '1'])
    await untilWaiting()
    killed.child.kill('SIGKILL')
    expect(await killed.ended).toMatchObject({ code: null })
    await holder.end()

    const state = await admin<{ homes: number; phones: number; calls: number; noted: number }>(
      `select count(*)::int as homes,
         (count(*) filter (where exists (select from pg_attribute a where a.attrelid = to_regclass(h.schema_name || '.contacts') and a.attname = 'phone')))::int as phones,
         (count(*) filter (where to_regclass(h.schema_name || '.calls') is not null))::int as calls,
         (count(*) filter (where exists (select from rowhouse.applied_tenant_migrations t where t.schema_name = h.schema_name and t.version = '20260102000000')))::int as noted
       from rowhouse.homes h where h.isolation = 'schema'`,
    )
    const [{ phones, calls, noted } = { phones: 0, calls: 0, noted: 0 }] = state
    expect(phones).toBeGreaterThan(0)
    expect(phones).toBeLessThan(120)
    expect({ calls, noted }).toEqual({ calls: phones, noted: phones })

    // What up would do: the waves that are left of the one that was killed, and none anew.
    const left = JSON.parse((await rowhouse('plan', '--dir', '.', '--json')).stdout) as {
      resumes: unknown
      waves: { name: string }[]
    }
    expect(left.resumes).toMatchObject({ state: 'interrupted', of: 121 })
    expect(left.waves.map(({ name }) => name)).not.toContain('canary')
    const status = await rowhouse('status', '--json')
    expect(status.code).toBe(1)
    expect(JSON.parse(status.stdout)).toMatchObject({ rollout: { state: 'interrupted', target: '20260102000000' } })

    const resumed = await rowhouse('up', '--dir', '.', '--json')
    expect(resumed).toMatchObject({ code: 0, stderr: '' })
    expect(resumed.stdout.split('\n')[0]).toContain('"isResumed":true')
    const drift = await rowhouse('drift', '--json')
    expect([drift.code, JSON.parse(drift.stdout)]).toMatchObject([
      0,
      { homes: 121, behind: 0, drifted: [], unreachable: [] },
    ])
    expect((await rowhouse('status', '--json')).code).toBe(0)
    expect(await admin('select count(*)::int as rollouts from rowhouse.rollouts')).toEqual([{ rollouts: 2 }])
  })

  it('stops between homes on SIGINT, and says how to go on', async () => {
    await begin(6)
    write('20260101000000_create_contacts.sql', CONTACTS)
    await rowhouse('up', '--dir', '.')
    write('20260102000000_phones.sql', PHONES)
    const holder = new Client(database().adminUrl)
    await holder.connect()
    await holder.query('begin')
    await holder.query(`lock table ${homes[3]?.schemaName}.contacts in access share mode`)
    const stopped = start(['up', '--dir', '.', '--json', '--lock-timeout', '60000', '--connections', '1'])
    await untilWaiting()
    stopped.child.kill('SIGINT')
    await expect.poll(stopped.said, { timeout: 60_000 }).toContain('Stopping')
    await holder.end()
    const { code, stderr } = await stopped.ended
    expect(code).toBe(3)
    expect(stderr).toContain('"code":"rollout_interrupted"')
    expect((await rowhouse('up', '--dir', '.')).code).toBe(0)
  })
})

describe('a cluster that is gone', () => {
  it('holds up a first wave that names it; else it is left for last before anybody has noticed, and the others have it', async () => {
    await begin(3)
    await admin(
      `insert into rowhouse.clusters (id, region, host, port, tls) values ('gone', 'gone', '127.0.0.1', 1, 'off')`,
    )
    try {
      await admin(`update rowhouse.homes set cluster = 'gone', database_name = 'gone' where id = $1`, [homes[0]?.id])
      write('20260101000000_create_contacts.sql', CONTACTS)
      const first = await rowhouse('up', '--dir', '.', '--json', '--canary', 'org-0')
      expect([first.code, JSON.parse(first.stderr)]).toMatchObject([
        1,
        {
          code: 'rollout_canary_failed',
          message: expect.stringMatching(/^org-0 \(h_\w+\): No answer at 127\.0\.0\.1:1\/gone/) as string,
        },
      ])
      expect(await admin('select from rowhouse.homes where version is not null')).toEqual([])

      expect(await admin(`select status from rowhouse.clusters where id = 'gone'`)).toEqual([{ status: 'active' }])
      const second = await rowhouse('up', '--dir', '.', '--json')
      expect([second.code, JSON.parse(second.stderr)]).toMatchObject([
        1,
        { code: 'rollout_incomplete', details: { done: 3, failed: 0, blocked: 1 } },
      ])
      expect(JSON.parse(second.stdout.split('\n')[0] ?? '')).toMatchObject({
        isResumed: false,
        waves: [{ name: 'canary', homes: 1 }, { name: '5 %' }, { name: 'shared' }, { name: 'not answering', homes: 1 }],
      })
      expect(await admin('select id from rowhouse.homes where version is null')).toEqual([{ id: homes[0]?.id }])
      const plan = await rowhouse('plan', '--dir', '.')
      expect(plan.stdout).toMatch(
        /Goes on with the rollout that is incomplete: 3 of 4 homes done\.\n\nWaves: not answering \(1\)\n$/,
      )
      await admin(`update rowhouse.clusters set status = 'down' where id = 'gone'`)
    } finally {
      await admin(`update rowhouse.homes set cluster = 'main', database_name = null where id = $1`, [homes[0]?.id])
      await admin(`delete from rowhouse.clusters where id = 'gone'`)
    }
    expect((await rowhouse('up', '--dir', '.')).code).toBe(0)
  })

  it('is left for last by the next run where it went away in the first wave and nobody names it any more', async () => {
    await begin(4)
    await admin(
      `insert into rowhouse.clusters (id, region, host, port, tls) values ('gone', 'gone', '127.0.0.1', 1, 'off')`,
    )
    try {
      await admin(`update rowhouse.homes set cluster = 'gone', database_name = 'gone' where id = $1`, [homes[2]?.id])
      write('20260101000000_create_contacts.sql', CONTACTS)
      const named = ['--canary', 'org-1,org-2', '--databases', '1']
      const first = await rowhouse('up', '--dir', '.', '--json', ...named)
      expect([first.code, JSON.parse(first.stderr)]).toMatchObject([
        1,
        { code: 'rollout_canary_failed', details: { done: 1, blocked: 1 } },
      ])
      const again = await rowhouse('up', '--dir', '.', '--json', ...named)
      expect([again.code, JSON.parse(again.stderr)]).toMatchObject([1, { code: 'rollout_canary_failed' }])
      const plan = await rowhouse('plan', '--dir', '.')
      expect(plan.stdout).toMatch(
        /Goes on with the rollout that is stopped: 1 of 5 homes done\.\n\nWaves: 5 % \(1\), 100 % \(1\), shared \(1\), not answering \(1\)\n$/,
      )
      const second = await rowhouse('up', '--dir', '.', '--json')
      expect([second.code, JSON.parse(second.stderr)]).toMatchObject([
        1,
        { code: 'rollout_incomplete', details: { done: 3, failed: 0, blocked: 1 } },
      ])
      const status = await rowhouse('status', '--json')
      expect(JSON.parse(status.stdout)).toMatchObject({
        behind: 1,
        rollout: { state: 'incomplete', wave: 'not answering', homes: { total: 5, done: 4, blocked: 1 } },
        open: [{ homeId: homes[2]?.id, state: 'blocked' }],
      })
    } finally {
      await admin(`update rowhouse.homes set cluster = 'main', database_name = null where id = $1`, [homes[2]?.id])
      await admin(`delete from rowhouse.clusters where id = 'gone'`)
    }
    expect((await rowhouse('up', '--dir', '.')).code).toBe(0)
  })

  it('has tables that may be large, as far as anybody knows', async () => {
    await begin(2)
    await admin(
      `insert into rowhouse.clusters (id, region, host, port, tls) values ('gone', 'gone', '127.0.0.1', 1, 'off')`,
    )
    try {
      write('20260101000000_create_contacts.sql', CONTACTS)
      expect((await rowhouse('up', '--dir', '.')).code).toBe(0)
      write('20260102000000_index.sql', 'create index on contacts (organization_id, email)')
      expect((await rowhouse('plan', '--dir', '.')).code).toBe(0)
      await admin(`update rowhouse.homes set cluster = 'gone', database_name = 'gone' where id = $1`, [homes[0]?.id])
      expect(await rowhouse('plan', '--dir', '.')).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('[index_without_concurrently]') as string,
      })
    } finally {
      await admin(`update rowhouse.homes set cluster = 'main', database_name = null where id = $1`, [homes[0]?.id])
      await admin(`delete from rowhouse.clusters where id = 'gone'`)
    }
  })
})

describe('rowhouse migrate', () => {
  it('plans, rolls out in lines, does nothing the second time, and says how far the homes are', async () => {
    await begin(3, 1)
    write('20260101000000_create_contacts.sql', CONTACTS)
    const plan = await rowhouse('plan', '--dir', '.', '--canary', 'org-1')
    expect(plan).toMatchObject({ code: 0, stderr: '' })
    expect(plan.stdout).toBe(`5 of 5 homes lack 20260101000000.

20260101000000_create_contacts.sql: 2 statements, several homes in a transaction

Waves: canary (1), 5 % (1), 100 % (2), shared (1)
`)
    const up = await rowhouse('up', '--dir', '.', '--canary', 'org-1')
    expect(up).toMatchObject({ code: 0, stderr: '' })
    expect(up.stdout).toMatch(
      /^Rolling out: 5 homes to 20260101000000; waves: canary \(1\), 5 % \(1\), 100 % \(2\), shared \(1\)\nWave 1 of 4: canary, 1 home\n/,
    )
    expect(up.stdout).toMatch(/5\/5 homes.*\nDone: 5 homes have 20260101000000, after .*\.\n$/)
    expect(await rowhouse('up', '--dir', '.')).toMatchObject({
      code: 0,
      stdout: 'Nothing to do: every home has 20260101000000.\n',
    })
    expect((await rowhouse('plan', '--dir', '.')).stdout).toBe('All 5 homes have 20260101000000.\n')
    expect((await rowhouse('status')).stdout).toMatch(
      /^All 5 homes have 20260101000000\.\n\nVERSION +HOMES\n20260101000000 +5\n\nRollout .* done, by rowhouse_migrator/,
    )
    await admin(`alter table ${homes[0]?.schemaName}.contacts add column phone text`)
    const drift = await rowhouse('drift')
    expect(drift.code).toBe(1)
    expect(drift.stdout).toBe(
      `5 homes: 1 drifted, 0 could not be looked at.\n\norg-0 (${homes[0]?.schemaName})\n  + column contacts.phone text\n`,
    )
  })

  it.each([
    [
      'what names a schema, with its place',
      'create table public.t (id int)',
      1,
      'migration_refused',
      '1:14 [names_schema]',
    ],
    [
      'what is dangerous, with the safe way',
      'alter table contacts drop column email',
      1,
      'migration_refused',
      '[drop_column]',
    ],
    ['what is no SQL', 'selet 1', 2, 'migration_invalid', '_bad.sql:1:1'],
    [
      'what destroys, while nobody agreed',
      '-- rowhouse: allow drop_table because of the test\ndrop table contacts',
      2,
      'rollout_unconfirmed',
      '',
    ],
    [
      'what leaves a table open',
      'create table t (id int)',
      1,
      'rollout_canary_failed',
      'The migration leaves t unprotected',
    ],
  ])('refuses %s, and touches no home but a first', async (_, sql, code, error, text) => {
    await begin(2)
    write('20260101000000_create_contacts.sql', CONTACTS)
    await rowhouse('up', '--dir', '.')
    write('20260102000000_bad.sql', sql)
    const up = await rowhouse('up', '--dir', '.', '--json')
    expect([up.code, up.stderr]).toEqual([code, expect.stringContaining(`"code":"${error}"`)])
    expect(up.stderr).toContain(JSON.stringify(text).slice(1, -1))
    expect(await admin(`select distinct version::text from rowhouse.homes`)).toEqual([{ version: '20260101000000' }])
  })

  it('judges the first wave as rowhouse verify does, and stops at an error that the migration brings', async () => {
    // Where nobody has a home of its own, what all share is the first wave.
    await begin(0)
    write('20260101000000_create_contacts.sql', CONTACTS)
    expect((await rowhouse('up', '--dir', '.')).code).toBe(0)
    write(
      '20260102000000_leak.sql',
      `-- rowhouse: allow definer_function because of the test
      create function every_contact() returns setof contacts language sql security definer as 'select * from contacts';`,
    )
    const up = await rowhouse('up', '--dir', '.', '--json')
    expect(up.code).toBe(1)
    expect(JSON.parse(up.stderr)).toMatchObject({
      code: 'rollout_canary_failed',
      message: expect.stringContaining('every_contact') as string,
    })
    expect(await admin('select version from rowhouse.tenant_migrations where released_at is not null')).toEqual([
      { version: '20260101000000' },
    ])
  })

  it('refuses a function that reads past the policies, which a first wave of homes of their own would not show', async () => {
    await begin(1)
    write('20260101000000_create_contacts.sql', CONTACTS)
    expect((await rowhouse('up', '--dir', '.')).code).toBe(0)
    const leak = `create function every_contact() returns setof contacts language sql security definer as 'select * from contacts';`
    write('20260102000000_leak.sql', leak)
    const refused = await rowhouse('up', '--dir', '.', '--json')
    expect([refused.code, JSON.parse(refused.stderr)]).toMatchObject([1, { code: 'migration_refused' }])
    // Where no check can see it the database does, and where it is allowed nothing holds it.
    const hidden = `-- rowhouse: allow dynamic_sql because of the test
      do $$ begin execute ${escapeLiteral(leak)}; end $$;`
    write('20260102000000_leak.sql', hidden)
    const late = await rowhouse('up', '--dir', '.', '--json')
    expect([late.code, late.stderr]).toMatchObject([1, expect.stringContaining('every_contact') as string])
    const made = () =>
      admin("select from pg_proc where proname = 'every_contact' and pronamespace = 'public'::regnamespace")
    expect(await made()).toEqual([])
    // Allowed, homes of one organization have it; what many share is judged by every rule before it is committed.
    write('20260102000000_leak.sql', `-- rowhouse: allow definer_function because of the test\n${hidden}`)
    const judged = await rowhouse('up', '--dir', '.', '--json')
    expect([judged.code, JSON.parse(judged.stderr)]).toMatchObject([1, { code: 'rollout_stopped' }])
    const failed = judged.stdout.split('\n').find((line) => line.includes('"type":"home"'))
    expect(JSON.parse(failed ?? '')).toMatchObject({
      state: 'failed',
      name: 'the shared database',
      code: 'tenant_migration_unsafe',
      version: '20260102000000',
      message: expect.stringMatching(/Nothing was changed.*every_contact/) as string,
    })
    expect(await made()).toEqual([])
    // The file stays, since homes have it. One that mends it makes both one transaction there.
    write('20260103000000_mend.sql', 'alter function every_contact() security invoker')
    expect(await rowhouse('up', '--dir', '.', '--json')).toMatchObject({ code: 0, stderr: '' })
    expect(await made()).toHaveLength(1)
    const noted = await admin<{ transactions: number }>(
      `select count(distinct xmin::text)::int as transactions from rowhouse.applied_tenant_migrations
       where schema_name = 'public' and version > '20260101000000'`,
    )
    expect(noted).toEqual([{ transactions: 1 }])
    await admin('drop function public.every_contact')
  })

  it('refuses a file that changed, one that is gone, and one that comes too late', async () => {
    await begin(1)
    write('20260102000000_create_contacts.sql', CONTACTS)
    await rowhouse('up', '--dir', '.')
    const codes: unknown[] = []
    const codeOf = async (): Promise<void> =>
      void codes.push((JSON.parse((await rowhouse('up', '--dir', '.', '--json')).stderr) as { code: string }).code)
    write('20260102000000_create_contacts.sql', `${CONTACTS} select 1;`)
    await codeOf()
    write('20260102000000_create_contacts.sql', CONTACTS)
    write('20260101000000_early.sql', 'select 1')
    await codeOf()
    remove('20260102000000_create_contacts.sql')
    await codeOf()
    expect(codes).toEqual(['tenant_migration_changed', 'migration_out_of_order', 'tenant_migration_missing'])
  })

  it('drops what was allowed when somebody agreed', async () => {
    await begin(1)
    write('20260101000000_create_contacts.sql', CONTACTS)
    await rowhouse('up', '--dir', '.')
    write(
      '20260102000000_drop.sql',
      '-- rowhouse: allow drop_table because contacts live in the CRM now\ndrop table contacts',
    )
    expect((await rowhouse('up', '--dir', '.', '--yes')).code).toBe(0)
    expect(await admin(`select overrides from rowhouse.tenant_migrations where version = '20260102000000'`)).toEqual([
      { overrides: { drop_table: 'contacts live in the CRM now' } },
    ])
  })

  it('lets one process roll out at a time', async () => {
    await begin(1)
    write('20260101000000_create_contacts.sql', CONTACTS)
    const leader = new Client(database().migratorUrl)
    await leader.connect()
    await leader.query('select pg_advisory_lock(rowhouse.rollout_lock_key())')
    const second = await rowhouse('up', '--dir', '.', '--json')
    await leader.end()
    expect([second.code, JSON.parse(second.stderr)]).toMatchObject([3, { code: 'rollout_running' }])
  })

  it.each([
    ['--waves', '50,20'],
    ['--errors', 'many'],
    ['--connections', '0'],
    ['--lock-timeout', '-1'],
  ])('refuses %s %s with 2', async (flag, value) => {
    write('20260101000000_create_contacts.sql', CONTACTS)
    const ended = await rowhouse('up', '--dir', '.', '--json', flag, value)
    expect([ended.code, JSON.parse(ended.stderr)]).toMatchObject([2, { code: 'invalid_option' }])
  })
})
