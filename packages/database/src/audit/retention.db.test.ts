// Lines go when retention says so, and only then; what is gone is told apart from what somebody removed. Long because
// all of it starts from a chain that is made to be old.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'

import { digestOf, lineColumns, macOf, macOfPrune } from './chain.ts'
import type { LineValues } from './chain.ts'
import { pruneOrganization } from './prune.ts'
import { sealColumns, sealKeyOf, sealOrganization } from './seal.ts'
import type { StoredSeal } from './seal.ts'
import { verifyOrganization } from './verify.ts'
import type { ChainReport } from './verify.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let key: Buffer
let id: string

const asAdmin = <Result>(use: (admin: Client) => Promise<Result>): Promise<Result> =>
  withClient(database().adminUrl, use)
const asControl = <Result>(use: (control: Client) => Promise<Result>): Promise<Result> =>
  withClient(database().controlUrl, use)
const sealNow = (): Promise<number> => asControl((control) => sealOrganization(control, id, key))
const prune = (): Promise<number> => asControl((control) => pruneOrganization(control, id, key))
const verify = (): Promise<ChainReport> =>
  withClient(database().migratorUrl, (client) => verifyOrganization(client, id, key))
const keepFor = (days: number | null): Promise<unknown> =>
  asControl((control) => control.query('select rowhouse.set_log_retention($1, $2)', [id, days]))

async function write(count: number): Promise<void> {
  await withClient(database().appUrl, async (app) => {
    await app.query('begin')
    await worlds.a.enter(app)
    await app.query("insert into notes (body) select 'note ' || n from generate_series(1, $1::int) n", [count])
    await app.query('commit')
  })
}

const untriggered = (statements: string): string => `
  alter table rowhouse.change_log disable trigger is_append_only; alter table rowhouse.audit_seals disable trigger is_append_only;
  ${statements};
  alter table rowhouse.change_log enable always trigger is_append_only; alter table rowhouse.audit_seals enable always trigger is_append_only`

/** Seals all lines of the organization that are not sealed yet, as if it had been so many days ago. */
async function sealDaysAgo(days: number): Promise<void> {
  await asAdmin(async (admin) => {
    await admin.query(
      `set role rowhouse_owner; select rowhouse.make_change_log_month(m) from (select date_trunc('month', now() at time zone 'UTC' - interval '${days} days') at time zone 'UTC' as m) x
       where not exists (select from rowhouse.change_log_partitions p where p.starts_at = m); reset role`,
    )
    await admin.query(
      untriggered(`update rowhouse.change_log l set at = at - interval '${days} days'
        where organization_id = '${id}' and seq > (select coalesce(max(q), 0) from rowhouse.audit_seals s, unnest(s.seqs) q where s.organization_id = '${id}')`),
    )
    const made = await sealNow()
    const { rows: seals } = await admin.query<StoredSeal>(
      `select ${sealColumns} from rowhouse.audit_seals where organization_id = $1 order by number`,
      [id],
    )
    let previous: Buffer | null = null
    for (const [index, seal] of seals.entries()) {
      const isNew = index >= seals.length - made
      const at = isNew ? String(BigInt(seal.at) - BigInt(days) * 86_400_000_000n) : seal.at
      const mac = macOf({ ...seal, at, previous }, key)
      if (isNew) {
        const before = previous === null ? 'null' : `'\\x${previous.toString('hex')}'`
        await admin.query(
          untriggered(`update rowhouse.audit_seals set mac = '\\x${mac.toString('hex')}', previous = ${before},
            at = to_timestamp(0) + ${at}::bigint * interval '1 microsecond' where organization_id = '${id}' and number = ${seal.number}`),
        )
      }
      previous = mac
    }
  })
}

const linesLeft = (): Promise<number> =>
  asAdmin(async (admin) => {
    const { rows } = await admin.query<{ lines: number }>(
      'select count(*)::int as lines from rowhouse.change_log where organization_id = $1',
      [id],
    )
    return rows[0]?.lines ?? 0
  })

beforeEach(async () => {
  worlds = await createTwoWorlds(database())
  id = worlds.a.organizationId
  key = await asAdmin((admin) => sealKeyOf(admin, database().signingKey))
})

describe('a digest', () => {
  it('of the database is that of the verifier, whatever the text', async () => {
    await withClient(database().appUrl, async (app) => {
      await app.query('begin')
      await worlds.a.enter(app)
      const controls = String.fromCharCode(...Array.from({ length: 31 }, (_, index) => index + 1))
      for (const body of [controls, '"\\/\u007f\u2028\u{1f600}é', '', ' \t\r\n'])
        await app.query('insert into notes (body) values ($1)', [body])
      await app.query('commit')
    })
    await asAdmin(async (admin) => {
      await admin.query(untriggered(`update rowhouse.change_log set reason = new ->> 'body' where new is not null`))
      const { rows: lines } = await admin.query<LineValues & unknown[]>({
        text: `select ${lineColumns} from rowhouse.change_log l order by l.seq`,
        rowMode: 'array',
      })
      const { rows } = await admin.query<{ digest: Buffer }>(
        'select rowhouse.line_digest(l) as digest from rowhouse.change_log l order by l.seq',
      )
      expect(rows.map(({ digest }) => digest)).toEqual(lines.map(digestOf))
      expect(lines.length).toBeGreaterThan(4)
    })
  })

  it('is all that whoever seals gets to see', async () => {
    await asControl(async (control) => {
      for (const statement of [
        'select from rowhouse.change_log',
        'select from rowhouse.audit_seals',
        'select from rowhouse.audit_seal_drafts',
        'insert into rowhouse.audit_prunes default values',
      ])
        expect([statement, await sqlstateOf(control.query(statement))]).toEqual([statement, '42501'])
      const { rows } = await control.query<Record<string, unknown>>('select * from rowhouse.prepare_seal($1)', [id])
      expect(Object.keys(rows[0] ?? {})).toEqual(
        'number at since until after_seq through_seq lines covered previous'.split(' '),
      )
      const finish = control.query('select rowhouse.finish_seal($1, 7, $2)', [id, Buffer.alloc(32)])
      expect(await sqlstateOf(finish)).toBe('RH057')
    })
  })
})

describe('a setting', () => {
  const settingOf = (organization: string): Promise<unknown> =>
    asControl(
      async (control) =>
        (await control.query('select * from rowhouse.log_retention_of($1)', [organization])).rows[0] as unknown,
    )

  it('is the plan’s until the organization has its own; both keep for ever unless told otherwise', async () => {
    expect(await settingOf(id)).toEqual({ days: null, source: 'plan' })
    await asControl((control) => control.query("select rowhouse.set_plan_log_retention('standard', 400)"))
    expect(await settingOf(id)).toEqual({ days: 400, source: 'plan' })
    await keepFor(90)
    expect(await settingOf(id)).toEqual({ days: 90, source: 'organization' })
    expect(await settingOf(worlds.b.organizationId)).toEqual({ days: 400, source: 'plan' })
    await keepFor(null)
    expect(await settingOf(id)).toEqual({ days: null, source: 'organization' })
    await asControl((control) => control.query('select rowhouse.set_log_retention($1, null, true)', [id]))
    expect(await settingOf(id)).toEqual({ days: 400, source: 'plan' })
    await asControl((control) => control.query("select rowhouse.set_plan_log_retention('standard', null)"))
  })

  it('out of bounds, of nobody, or by a tenant is refused', async () => {
    await asControl(async (control) => {
      for (const days of [29, 0, -1, 36_501])
        expect(await sqlstateOf(control.query('select rowhouse.set_log_retention($1, $2)', [id, days]))).toBe('RH055')
      expect(await sqlstateOf(control.query("select rowhouse.set_plan_log_retention('standard', 1)"))).toBe('RH055')
      expect(await sqlstateOf(control.query("select rowhouse.set_plan_log_retention('none', 90)"))).toBe('RH033')
      expect(await sqlstateOf(control.query('select rowhouse.set_log_retention(gen_random_uuid(), 90)'))).toBe('RH007')
    })
    await withClient(database().appUrl, async (app) => {
      await app.query('begin')
      await worlds.a.enter(app)
      expect(await sqlstateOf(app.query('select rowhouse.set_log_retention($1, 30)', [id]))).toBe('42501')
    })
  })
})

describe('retention', () => {
  it('takes the lines of expired seals, keeps the rest, and the chain says from when on it is whole', async () => {
    await sealDaysAgo(100)
    const expired = await linesLeft()
    await write(3)
    await sealNow()
    await write(1)
    expect(await prune()).toBe(0)
    await keepFor(101)
    expect(await prune()).toBe(0)
    await keepFor(99)
    expect(await prune()).toBe(expired)
    expect(await prune()).toBe(0)
    expect(await linesLeft()).toBe(4)
    const report = await verify()
    expect(report).toMatchObject({ lines: 3, pruned: expired, unsealed: 1, problems: [] })
    const agoMs = Date.now() - Date.parse(report.prunedUntil ?? '')
    expect(Math.round(agoMs / 86_400_000)).toBe(100)
    expect(await asAdmin((admin) => verifyOrganization(admin, worlds.b.organizationId, key))).toMatchObject({
      pruned: 0,
      prunedUntil: null,
      problems: [],
    })
  })

  it('goes in batches, each with its mark', async () => {
    for (let round = 0; round < 3; round += 1) {
      await write(4000)
      await sealDaysAgo(100)
    }
    await keepFor(30)
    expect(await prune()).toBeGreaterThanOrEqual(12_000)
    const { rows } = await asAdmin((admin) =>
      admin.query('select number::int from rowhouse.audit_prunes where organization_id = $1 order by 1', [id]),
    )
    expect(rows).toEqual([{ number: 1 }, { number: 2 }])
    expect(await verify()).toMatchObject({ lines: 0, problems: [] })
  })

  it('takes nothing that is not sealed, however old', async () => {
    await keepFor(30)
    await asAdmin((admin) =>
      admin.query(
        untriggered(`update rowhouse.change_log set at = at - interval '400 days' where organization_id = '${id}'`),
      ),
    )
    const before = await linesLeft()
    expect(await prune()).toBe(0)
    expect(await linesLeft()).toBe(before)
  })

  it('waits for a connection that has not read it; with the position unknown to it, it would not', async () => {
    const readAs = (statement: string): Promise<unknown> =>
      asAdmin((admin) => admin.query(statement.replaceAll('$id', `'${id}'`)))
    await readAs(
      `insert into rowhouse.connections (id, organization_id) values ('00000000-0000-4000-8000-000000000001', $id)`,
    )
    await readAs(`insert into rowhouse_home.sync_cursors (organization_id, connection_id, kind, object, snapshot)
      values ($id, '00000000-0000-4000-8000-000000000001', 'outbound', '', pg_current_snapshot())`)
    await write(2)
    await sealDaysAgo(100)
    const before = await linesLeft()
    await keepFor(30)
    expect(await prune()).toBe(0)
    expect(await linesLeft()).toBe(before)

    // The guard is the trigger on the cursors. Without what it notes, lines that nobody read would go.
    await readAs('create table noted as table rowhouse.log_readers; delete from rowhouse.log_readers')
    await asControl(async (control) => {
      await control.query('begin')
      const { rows } = await control.query('select from rowhouse.expired_seals($1)', [id])
      expect(rows).toHaveLength(1)
      await control.query('rollback')
    })
    await readAs('insert into rowhouse.log_readers table noted; drop table noted')
    expect(await prune()).toBe(0)

    await readAs(`update rowhouse_home.sync_cursors set snapshot = pg_current_snapshot() where organization_id = $id`)
    expect(await prune()).toBe(before)
    expect((await verify()).problems).toEqual([])
  })

  it('leaves alone what was tampered with, so that it stays to be found', async () => {
    await sealDaysAgo(100)
    await keepFor(30)
    await asAdmin((admin) =>
      admin.query(untriggered(`update rowhouse.change_log set actor_id = 'x' where organization_id = '${id}'`)),
    )
    await expect(prune()).rejects.toMatchObject({ code: 'prune_refused' })
    expect((await verify()).problems[0]).toMatchObject({ kind: 'line_changed' })
  })

  it('is not signed for by a process whose own clock says that the seals are young', async () => {
    await sealDaysAgo(100)
    await keepFor(60)
    const past = (): number => Date.now() - 50 * 86_400_000
    await expect(asControl((control) => pruneOrganization(control, id, key, past))).rejects.toMatchObject({
      code: 'prune_refused',
    })
    expect((await verify()).pruned).toBe(0)
  })

  it('drops a month that holds nothing any more, and no other', async () => {
    // A month that no other test writes into.
    await sealDaysAgo(700)
    const dropped = (): Promise<string[]> =>
      asControl(async (control) => {
        const { rows } = await control.query<{ name: string }>(
          'select n as name from rowhouse.drop_empty_log_months() n',
        )
        return rows.map(({ name }) => name)
      })
    const month = await asAdmin(async (admin) => {
      await admin.query('select rowhouse.maintain_change_log()')
      const { rows } = await admin.query<{ name: string }>(
        `select tableoid::regclass::text as name from rowhouse.change_log where organization_id = $1 limit 1`,
        [id],
      )
      return (rows[0]?.name ?? '').replace('rowhouse.', '')
    })
    expect(await dropped()).toEqual([])
    await keepFor(30)
    await prune()
    // Passed by while any transaction of the server, of another database too, began before the month ended, or a lock is not to be had.
    await expect.poll(dropped).toEqual([month])
    expect(await dropped()).toEqual([])
    await write(1)
    await sealNow()
    expect((await verify()).problems).toEqual([])
  })
})

describe('a line', () => {
  const forgedMark = (days: number): string => `
    insert into rowhouse.audit_prunes (organization_id, number, at, days, cutoff, through_seal, seal_mac, mac)
    select organization_id, 1, now(), ${days}, now() - interval '${days} days', number, mac, sha256('x')
    from rowhouse.audit_seals where organization_id = '${id}'`

  it('goes by no other way, for the owner neither, before a mark covers it', async () => {
    await sealDaysAgo(100)
    await keepFor(30)
    const remove = `delete from rowhouse.change_log where organization_id = '${id}'`
    for (const url of ['adminUrl', 'migratorUrl'] as const)
      expect(await withClient(database()[url], (client) => sqlstateOf(client.query(remove)))).toBe('RH050')
    await prune()
    await write(1)
    await asAdmin(async (admin) => {
      // A line that no mark covers stays refused, and marks stay.
      expect(await sqlstateOf(admin.query(remove))).toBe('RH050')
      expect(await sqlstateOf(admin.query('delete from rowhouse.audit_prunes'))).toBe('RH050')
      expect(await sqlstateOf(admin.query('truncate rowhouse.audit_prunes'))).toBe('RH050')
    })
  })

  it('is covered by no mark that its retention does not allow; without the check it would be', async () => {
    await sealDaysAgo(100)
    await asAdmin(async (admin) => {
      expect(await sqlstateOf(admin.query(forgedMark(30)))).toBe('RH056')
      await keepFor(200)
      expect(await sqlstateOf(admin.query(forgedMark(200)))).toBe('RH056')
      expect(await sqlstateOf(admin.query(forgedMark(30)))).toBe('RH056')
      await admin.query('begin; alter table rowhouse.audit_prunes disable trigger check_prune')
      await admin.query(forgedMark(30))
      const { rowCount } = await admin.query(`delete from rowhouse.change_log where organization_id = '${id}'`)
      expect(rowCount).toBeGreaterThan(0)
      await admin.query('rollback')
    })
  })

  it('that somebody removed under a mark of their own is missing, and the mark is named', async () => {
    await sealDaysAgo(100)
    await keepFor(30)
    const before = await linesLeft()
    await asAdmin(async (admin) => {
      await admin.query(forgedMark(30))
      await admin.query(`delete from rowhouse.change_log where organization_id = '${id}'`)
    })
    const { problems, pruned } = await verify()
    expect(pruned).toBe(0)
    expect(problems.filter(({ kind }) => kind === 'line_missing')).toHaveLength(before)
    expect(problems.filter(({ kind }) => kind === 'prune_forged')).toEqual([
      { kind: 'prune_forged', seal: 1, seq: null },
    ])
  })

  it('that is younger than a true mark is missing when somebody removes it', async () => {
    await sealDaysAgo(100)
    await write(1)
    await sealNow()
    await keepFor(30)
    await prune()
    await asAdmin((admin) =>
      admin.query(untriggered(`delete from rowhouse.change_log where organization_id = '${id}'`)),
    )
    expect((await verify()).problems.map(({ kind }) => kind)).toEqual(['line_missing'])
  })

  it('of another organization is not excused by a mark that is copied', async () => {
    await sealDaysAgo(100)
    await keepFor(30)
    await prune()
    const other = worlds.b.organizationId
    await asControl((control) => sealOrganization(control, other, key))
    await asAdmin(async (admin) => {
      await admin.query('alter table rowhouse.audit_prunes disable trigger check_prune')
      await admin.query(
        `insert into rowhouse.audit_prunes select $1, number, at, days, cutoff, through_seal, seal_mac, mac
         from rowhouse.audit_prunes where organization_id = $2`,
        [other, id],
      )
      await admin.query('alter table rowhouse.audit_prunes enable always trigger check_prune')
    })
    const report = await asAdmin((admin) => verifyOrganization(admin, other, key))
    expect(report.problems.map(({ kind }) => kind)).toEqual(['prune_forged'])
  })

  it('is not excused by a mark of less than the shortest retention, even one that is signed', async () => {
    await sealDaysAgo(10)
    await asAdmin(async (admin) => {
      const { rows } = await admin.query<{ at: string; mac: Buffer }>(
        `select (extract(epoch from now()) * 1000000)::bigint::text as at, mac from rowhouse.audit_seals where organization_id = $1`,
        [id],
      )
      const { at, mac } = rows[0] as { at: string; mac: Buffer }
      const cutoff = String(BigInt(at) - 86_400_000_000n)
      const mark = { organizationId: id, number: 1, at, days: 1, cutoff, throughSeal: 1, sealMac: mac }
      await admin.query(`alter table rowhouse.audit_prunes disable trigger check_prune;
        alter table rowhouse.audit_prunes drop constraint log_retention_is_in_bounds`)
      await admin.query(
        `insert into rowhouse.audit_prunes values ($1, 1, to_timestamp(0) + $2::bigint * interval '1 microsecond', 1,
           to_timestamp(0) + $3::bigint * interval '1 microsecond', 1, $4, $5)`,
        [id, at, cutoff, mac, macOfPrune(mark, key)],
      )
      await admin.query(`alter table rowhouse.audit_prunes enable always trigger check_prune`)
    })
    expect((await verify()).problems).toEqual([{ kind: 'prune_forged', seal: 1, seq: null }])
  })
})
