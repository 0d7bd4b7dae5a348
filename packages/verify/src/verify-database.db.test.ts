// What whoever changes a schema is told before the change is committed, and that the transaction it asks in goes on.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyDatabase } from './verify-database.ts'

const database = useTestDatabase()
beforeAll(async () => {
  await createTwoWorlds(database())
})

const inTransaction = (use: (client: Client) => Promise<void>): Promise<void> =>
  withClient(database().migratorUrl, async (migrator) => {
    await migrator.query('begin')
    await migrator.query('set local search_path = public')
    await use(migrator)
    await migrator.query('rollback')
  })

const TABLE = `create table letters (organization_id uuid not null default rowhouse.organization_id(),
  id uuid not null default gen_random_uuid(), title text, primary key (organization_id, id))`

describe('a change that is not committed', () => {
  it('is judged with what it brings: an unprotected table is an error, a protected one is nothing', () =>
    inTransaction(async (migrator) => {
      await migrator.query(TABLE)
      const open = await verifyDatabase(migrator, { failOn: 'error' })
      expect(open.outcome).toBe('findings')
      expect(open.findings.map(({ code, object }) => `${code} ${object}`)).toContain(
        'table_not_protected table public.letters',
      )
      await migrator.query(`select rowhouse.protect('letters')`)
      expect(await verifyDatabase(migrator)).toMatchObject({ outcome: 'clean', findings: [], undecided: [] })
    }))

  it('answers for what it brings, not for what was there before, nor for what has become no worse', () =>
    inTransaction(async (migrator) => {
      await migrator.query(TABLE)
      const before = (await verifyDatabase(migrator)).findings
      expect(before.length).toBeGreaterThan(0)
      const same = await verifyDatabase(migrator, { before })
      expect(same).toMatchObject({ outcome: 'clean', findings: [] })
      expect(same.known).toEqual(before)
      await migrator.query(TABLE.replace('letters', 'parcels'))
      const after = await verifyDatabase(migrator, { before })
      expect(after.outcome).toBe('findings')
      expect(new Set(after.findings.map(({ object }) => /letters|parcels/.exec(object)?.[0]))).toEqual(
        new Set(['parcels']),
      )
    }))

  it('goes on as it was: its settings, its rows, and after a rule that could not be asked', () =>
    withClient(database().adminUrl, async (admin) => {
      await admin.query('begin')
      await admin.query(`create role weak_in_transaction; create table mine (tenant_id uuid, id int primary key);
        insert into mine values (null, 1); grant select on mine to weak_in_transaction;
        grant usage on schema public to weak_in_transaction; revoke select on pg_publication from public;
        set local search_path = public; set local statement_timeout = 12345; set local role weak_in_transaction`)
      const { undecided } = await verifyDatabase(admin, { tenantColumn: 'tenant_id' })
      expect(undecided.join('\n')).toContain('could not be asked: permission denied')
      const { rows } = await admin.query(
        `select current_user::text as role, current_setting('search_path') as path,
           current_setting('statement_timeout') as timeout, (select count(*)::int from mine) as rows`,
      )
      expect(rows).toEqual([{ role: 'weak_in_transaction', path: 'public', timeout: '12345ms', rows: 1 }])
      await admin.query('rollback')
    }))

  it('cannot be attacked, and a client without a transaction is refused', async () => {
    await inTransaction(async (migrator) => {
      await expect(verifyDatabase(migrator, { attack: {} })).rejects.toMatchObject({ code: 'invalid_option' })
      expect((await migrator.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
    await withClient(database().migratorUrl, async (migrator) => {
      await expect(verifyDatabase(migrator)).rejects.toMatchObject({ code: 'invalid_option' })
    })
  })
})
