// The guard's short look at a transaction that added columns: what the session counts of its own writes shows that nothing else
// was written. Each in a session of its own, in which nothing was counted before.
import { sqlstateOf, withClient } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'

import { useTables } from './test-tables.ts'

const tables = useTables()

beforeEach(async () => {
  const { migrator, protect } = tables()
  await migrator.query('create table items (id int primary key, n int); create table loose (id int primary key, n int)')
  await protect('items')
})

const inNewSession = <Result>(use: (client: Client) => Promise<Result>): Promise<Result> =>
  withClient(tables().database.migratorUrl, async (client) => {
    await client.query('set search_path = shop')
    return use(client)
  })

/** What became of statements in one transaction of a new session, which is rolled back. */
const refusal = (statements: string, before = ''): Promise<string> =>
  inNewSession(async (client) => {
    await client.query(`begin; ${before}`)
    const state = await sqlstateOf(client.query(statements))
    await client.query('rollback')
    return state
  })

/** The guard's look with parts of its text in another form; for one transaction. */
const changed = async (...changes: readonly (readonly [part: string, other: string])[]): Promise<string> => {
  const { rows } = await tables().migrator.query<{ text: string }>(
    "select pg_get_functiondef('rowhouse.keeps_protection(oid)'::regprocedure) as text",
  )
  let text = rows[0]?.text ?? ''
  for (const [part, other] of changes) {
    expect(text).toContain(part)
    text = text.replace(part, other)
  }
  return `set local role rowhouse_owner; ${text}; reset role;`
}

/** What is refused, hidden behind an added column; where the command itself counts nothing else, that is all there is to see. */
const loosening = [
  ['RH040', 'alter table items add column more int, disable row level security'],
  ['RH040', 'alter table items add column more int, no force row level security'],
  ['RH041', 'alter table items add column more int, alter organization_id drop default'],
  ['RH041', 'alter table items add column more int, alter organization_id set default gen_random_uuid()'],
  ['RH041', 'alter table items add column more int, drop constraint items_pkey'],
  ['RH041', 'alter table items add column more int, add unique (n)'],
  ['RH041', 'alter table items add column more int; create unique index on items (n)'],
  ['RH042', 'alter table items add column more int, disable trigger "!rowhouse_change_log_delete"'],
  ['RH042', 'alter table items add column more int, disable trigger user'],
  ['RH044', 'alter table items add column more int, owner to rowhouse_migrator'],
] as const

describe('a transaction that adds a column', () => {
  it('is looked at shortly', async () => {
    expect(await refusal('alter table items add column more int')).toBe('done')
    const brokenLook = ["select bool_or(p.polname = 'rowhouse_organization')", 'select 1 / 0 = 1'] as const
    const noShortLook = ["current_setting('track_counts') = 'on'", 'false'] as const
    expect(await refusal('alter table items add column more int', await changed(brokenLook))).toBe('done')
    expect(await refusal('alter table items add column more int', await changed(brokenLook, noShortLook))).toBe('22012')
    expect(await refusal('alter table items add column more int', await changed(noShortLook))).toBe('done')
  })

  it.each(loosening)('is refused with %s all the same: %s', async (sqlstate, statement) => {
    expect(await refusal(statement)).toBe(sqlstate)
    // In a transaction of several commands, and after what was rolled back.
    expect(await refusal(statement, 'alter table items add column another int;')).toBe(sqlstate)
    expect(await refusal(statement, 'savepoint s; alter table items add column another int; rollback to s;')).toBe(
      sqlstate,
    )
  })

  it.each(loosening.filter(([sqlstate, statement]) => sqlstate === 'RH042' || statement.includes('unique')))(
    'would not be refused with %s without the counts: %s',
    async (_, statement) => {
      const { rows } = await tables().migrator.query<{ text: string }>(
        "select substring(prosrc from 'and 0 = (.*?)\\s+then') as text from pg_proc where oid = 'rowhouse.keeps_protection(oid)'::regprocedure",
      )
      expect(await refusal(statement, await changed([rows[0]?.text ?? 'nothing', '0']))).toBe('done')
    },
  )

  it('is looked at as a whole where nothing is counted, or no longer', async () => {
    const disable = 'disable trigger "!rowhouse_change_log_delete"'
    const states = await inNewSession(async (client) => {
      await withClient(tables().database.adminUrl, (admin) =>
        admin.query('grant set on parameter track_counts to rowhouse_migrator'),
      )
      try {
        const later = await sqlstateOf(
          client.query(
            `begin; alter table items add column more int; set track_counts = off; alter table items ${disable}`,
          ),
        )
        await client.query('rollback; set track_counts = off')
        return [later, await sqlstateOf(client.query(`alter table items add column more int, ${disable}`))]
      } finally {
        await withClient(tables().database.adminUrl, (admin) =>
          admin.query('revoke set on parameter track_counts from rowhouse_migrator'),
        )
      }
    })
    expect(states).toEqual(['RH042', 'RH042'])
  })

  it('of a table that is not protected keeps no protection', async () => {
    const keeps = (name: string): Promise<unknown> =>
      inNewSession(async (client) => {
        await client.query('begin; alter table items add column more int; alter table loose add column more int')
        const { rows } = await client.query<{ keeps: boolean }>(
          'select rowhouse.keeps_protection($1::regclass) as keeps',
          [name],
        )
        await client.query('rollback')
        return rows[0]?.keeps
      })
    expect(await keeps('items')).toBe(true)
    expect(await keeps('loose')).toBe(false)
  })
})
