// Nobody changes a line of the change log; who can all the same, a superuser, is found.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

import { deriveSealKey, macOf } from './chain.ts'
import { sealColumns, sealKeyOf, sealOrganization } from './seal.ts'
import type { StoredSeal } from './seal.ts'
import { verifyOrganization } from './verify.ts'
import type { ChainReport } from './verify.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let key: Buffer
let id: string

const seal = (): Promise<number> => withClient(database().migratorUrl, (client) => sealOrganization(client, id, key))
const verify = (head?: string): Promise<ChainReport> =>
  withClient(database().migratorUrl, (client) => verifyOrganization(client, id, key, head))
const kinds = async (head?: string): Promise<string[]> =>
  [...new Set((await verify(head)).problems.map(({ kind }) => kind))].sort()

async function write(client: Client, ...statements: string[]): Promise<void> {
  await client.query('begin')
  await worlds.a.enter(client)
  for (const statement of statements) await client.query(statement)
  await client.query('commit')
}

/** Does something as a superuser past every trigger, looks, and takes it back. */
async function tampered(statements: string, head?: string): Promise<ChainReport['problems']> {
  return withClient(database().adminUrl, async (admin) => {
    await admin.query(
      'create table kept_log as table rowhouse.change_log; create table kept_seals as table rowhouse.audit_seals',
    )
    const withoutTriggers = (text: string): string => `
      alter table rowhouse.change_log disable trigger is_append_only; alter table rowhouse.audit_seals disable trigger is_append_only;
      ${text};
      alter table rowhouse.change_log enable always trigger is_append_only; alter table rowhouse.audit_seals enable always trigger is_append_only`
    try {
      await admin.query(withoutTriggers(statements))
      return (await verify(head)).problems
    } finally {
      await admin.query(
        withoutTriggers(`delete from rowhouse.change_log; delete from rowhouse.audit_seals;
          insert into rowhouse.change_log overriding system value select * from kept_log;
          insert into rowhouse.audit_seals select * from kept_seals; drop table kept_log, kept_seals`),
      )
    }
  })
}

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  id = worlds.a.organizationId
  key = await withClient(database().migratorUrl, (client) => sealKeyOf(client, database().signingKey))
  await withClient(database().appUrl, async (app) => {
    for (let round = 0; round < 3; round += 1) {
      await write(
        app,
        `insert into notes (body) values ('one ${round}'), ('two ${round}')`,
        "update notes set body = body || '!'",
      )
      await seal()
    }
  })
})

describe('a chain', () => {
  it('is intact as it was made, covers every line once, and grows only when something is new', async () => {
    expect(await seal()).toBe(0)
    const report = await verify()
    expect(report).toMatchObject({ seals: 3, unsealed: 0, problems: [] })
    const { rows } = await withClient(database().adminUrl, (admin) =>
      admin.query('select count(*)::int as lines from rowhouse.change_log where organization_id = $1', [id]),
    )
    expect(rows).toEqual([{ lines: report.lines }])
  })

  it('covers a commit that was slow with the seal after it', async () => {
    await withClient(database().appUrl, async (slow) => {
      await slow.query('begin')
      await worlds.a.enter(slow)
      await slow.query("insert into notes (body) values ('slow')")
      await withClient(database().appUrl, (fast) => write(fast, "insert into notes (body) values ('fast')"))
      expect(await seal()).toBe(1)
      await slow.query('commit')
    })
    expect(await verify()).toMatchObject({ unsealed: 1, problems: [] })
    expect(await seal()).toBe(1)
    expect(await verify()).toMatchObject({ unsealed: 0, problems: [] })
  })

  it('is made once by two who seal at the same time', async () => {
    await withClient(database().appUrl, (app) => write(app, "insert into notes (body) values ('both')"))
    const made = await Promise.all([seal(), seal(), seal()])
    expect(made.sort()).toEqual([0, 0, 1])
    expect((await verify()).problems).toEqual([])
  })
})

describe('a superuser who', () => {
  const line =
    '(select seq from rowhouse.change_log where organization_id = (select organization_id from rowhouse.audit_seals limit 1) and action = $$update$$ order by seq limit 1)'

  it.each([
    ['at', "at + interval '1 microsecond'"],
    ['xid', "'1'::xid8"],
    ['table_schema', "'x'"],
    ['table_name', "'x'"],
    ['record_id', "'x'"],
    ['record_hash', '1'],
    ['old', "(replace(old::text, 'o', '0'))::json"],
    ['new', "(new::text || ' ')::json"],
    ['old_exact', "'{}'"],
    ['new_exact', "'{}'"],
    ['actor_kind', "'service'"],
    ['actor_id', "'x'"],
    ['origin', "'x'"],
    ['reason', "'x'"],
    ['request_id', "'x'"],
    ['ip', "'192.0.2.9'"],
  ])('changes %s of a line is found', async (column, value) => {
    const problems = await tampered(`update rowhouse.change_log set ${column} = ${value} where seq = ${line}`)
    expect(problems.map(({ kind }) => kind)).toContain('line_changed')
    expect(problems[0]?.seq).not.toBeNull()
  })

  it.each([
    ['deletes a line', `delete from rowhouse.change_log where seq = ${line}`, ['line_missing']],
    [
      'makes an update an insert',
      `update rowhouse.change_log set action = 'insert', old = null where seq = ${line}`,
      ['line_changed'],
    ],
    [
      'swaps two lines',
      `update rowhouse.change_log l set new = o.new, old = o.old, record_id = o.record_id from rowhouse.change_log o
       where l.organization_id = o.organization_id and l.action = 'update' and o.action = 'update'
         and (l.seq, o.seq) in ((${line}, ${line} + 1), (${line} + 1, ${line}))`,
      ['line_changed'],
    ],
    [
      'gives a line to another organization',
      `update rowhouse.change_log set organization_id = gen_random_uuid() where seq = ${line}`,
      ['line_missing'],
    ],
    [
      'inserts a line',
      `insert into rowhouse.change_log overriding system value
       select organization_id, seq + 1000000, xid, at, table_schema, table_name, record_id, record_hash, action, old, new,
         old_exact, new_exact, actor_kind, actor_id, origin, reason, request_id, ip from rowhouse.change_log where seq = ${line}`,
      ['line_added'],
    ],
    ['drops a seal', 'delete from rowhouse.audit_seals where number = 2', ['seal_missing']],
    [
      'empties a seal',
      `update rowhouse.audit_seals set seqs = '{}', digests = '' where number = 2`,
      ['line_added', 'seal_forged'],
    ],
    [
      'dates a seal back',
      `update rowhouse.audit_seals set at = at - interval '1 day' where number = 2`,
      ['seal_forged'],
    ],
    [
      'changes a line and its digest',
      `update rowhouse.change_log set actor_id = 'x' where seq = ${line};
       update rowhouse.audit_seals set digests = overlay(digests placing sha256('x') from 1 for 32) where number = 2`,
      ['line_changed', 'seal_forged'],
    ],
  ])('%s is found', async (_, statements, expected) => {
    expect([...new Set((await tampered(statements)).map(({ kind }) => kind))].sort()).toEqual(expected)
  })

  it('drops the last seal is found by who kept its head, and by nobody else', async () => {
    const { head, seals } = await verify()
    expect(await kinds(head ?? '')).toEqual([])
    const drop = `delete from rowhouse.audit_seals where number = ${seals}`
    expect(await tampered(drop)).toEqual([])
    expect(await tampered(drop, head ?? '')).toEqual([{ kind: 'head_missing', seal: seals, seq: null }])
  })

  it('rewrites a line and the whole chain with a key of their own is found at every seal', async () => {
    const other = deriveSealKey('another signing key of at least 32 characters', database().databaseId)
    const rewritten = await withClient(database().adminUrl, async (admin) => {
      const { rows } = await admin.query<StoredSeal>(
        `select ${sealColumns} from rowhouse.audit_seals where organization_id = $1 order by number`,
        [id],
      )
      let previous: Buffer | null = null
      return rows.map((stored) => {
        const mac = macOf({ ...stored, previous }, other)
        const statement = `update rowhouse.audit_seals set mac = '\\x${mac.toString('hex')}', previous = ${
          previous === null ? 'null' : `'\\x${previous.toString('hex')}'`
        } where number = ${stored.number}`
        previous = mac
        return statement
      })
    })
    const problems = await tampered(rewritten.join(';'))
    expect(problems.map(({ kind }) => kind)).toEqual(rewritten.map(() => 'seal_forged'))
  })

  it('is not found where the check of the digests is left out', async () => {
    const blind = await withClient(database().adminUrl, async (admin) => {
      const { rows } = await admin.query<StoredSeal>(
        `select ${sealColumns} from rowhouse.audit_seals where organization_id = $1`,
        [id],
      )
      // The MACs alone: they still hold, whatever became of the lines.
      return rows.every((stored) => macOf(stored, key).equals(stored.mac))
    })
    expect(blind).toBe(true)
    expect((await tampered(`update rowhouse.change_log set ip = 'x' where seq = ${line}`)).length).toBeGreaterThan(0)
  })
})

describe('the change log is append-only', () => {
  it.each(['appUrl', 'controlUrl', 'migratorUrl', 'adminUrl'] as const)('to %s', async (url) => {
    await withClient(database()[url], async (client) => {
      for (const statement of [
        "update rowhouse.change_log set ip = 'x'",
        'delete from rowhouse.change_log',
        'truncate rowhouse.change_log',
        "update rowhouse.change_log_rest set ip = 'x'",
        'truncate rowhouse.change_log_rest',
        'delete from rowhouse.audit_seals',
        'truncate rowhouse.audit_seals',
      ]) {
        const privileged = url === 'migratorUrl' || url === 'adminUrl'
        const code = await sqlstateOf(client.query(statement))
        // The rest is empty, so that no row is there to refuse.
        const expected = statement.includes('update rowhouse.change_log_rest') ? 'done' : 'RH050'
        expect([statement, code]).toEqual([statement, privileged ? expected : '42501'])
      }
    })
  })

  it('to its owner, and to a session in replica mode', async () => {
    await withClient(database().adminUrl, async (admin) => {
      await admin.query("set session_replication_role = 'replica'")
      expect(await sqlstateOf(admin.query('delete from rowhouse.change_log'))).toBe('RH050')
      await admin.query("set session_replication_role = 'origin'; set role rowhouse_owner")
      expect(await sqlstateOf(admin.query('delete from rowhouse.change_log'))).toBe('RH050')
      expect(await sqlstateOf(admin.query('truncate rowhouse.change_log'))).toBe('RH050')
    })
  })
})
