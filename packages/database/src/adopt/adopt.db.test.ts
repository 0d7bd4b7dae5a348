// rowhouse adopt on a real application's tables: the end state, the application that goes on meanwhile, undo, and what
// happens when it is stopped anywhere. What it refuses is in refusals.db.test.ts.
import { createTwoWorlds, mintToken, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { adopt, planAdoption, undoAdoption } from './adopt.ts'
import type { AdoptEvent, AdoptRun } from './adopt.ts'
import {
  ORGANIZATIONS,
  createOrganizations,
  createShop,
  fingerprint,
  shopOptions,
  shopTables,
  tenant,
} from './test-shop.ts'

const database = useTestDatabase()
let admin: Client
let runner: Client
beforeAll(async () => {
  await createTwoWorlds(database())
  admin = new Client(database().adminUrl)
  runner = new Client(database().adminUrl)
  await admin.connect()
  await runner.connect()
  await createOrganizations(admin)
})
afterAll(async () => {
  await admin.end()
  await runner.end()
})
beforeEach(async () => {
  await admin.query('reset search_path')
  await createShop(admin)
})

const yes: AdoptRun = { confirm: () => Promise.resolve(true), pace: { rest: 0 } }
/** Stops the run when `when` says so of an event. */
const stoppedAt = (when: (event: AdoptEvent) => boolean): AdoptRun => {
  const stop = new AbortController()
  return {
    ...yes,
    signal: stop.signal,
    onEvent: (event) => {
      if (when(event)) stop.abort()
    },
  }
}
const countSteps = async (): Promise<{ all: number; final: number }> => {
  const { steps } = await planAdoption(runner, shopOptions())
  return { all: steps.length, final: steps.filter(({ isFinal }) => isFinal).length }
}
/** Runs as organization `number`, as the application does afterwards. */
const asTenant = <Result>(number: number, use: (app: Client) => Promise<Result>): Promise<Result> =>
  withClient(database().appUrl, async (app) => {
    await app.query('begin; set local search_path = shop')
    await app.query('select rowhouse.enter($1)', [
      mintToken(database(), { org: tenant(number), kind: 'service', service: 'shop' }),
    ])
    const result = await use(app)
    await app.query('commit')
    return result
  })

describe('adopt', () => {
  it('gives a graph of tables the one key and the one policy, row by row to whom it belongs', async () => {
    const result = await adopt(runner, shopOptions(), yes)
    expect(result).toEqual({
      state: 'done',
      tables: ['shop.accounts', 'shop."Odd ""deals"""', 'shop.notes'],
      droppedPolicies: [
        expect.stringContaining('create policy "by hand" on shop.accounts as permissive for all to public'),
      ],
    })
    const lines = await fingerprint(admin, 'shop')
    const { rows: versions } = await admin.query<{ declares: boolean }>(
      "select current_setting('server_version_num')::int >= 180000 as declares",
    )
    const declares = versions[0]?.declares === true
    for (const line of [
      'constraint accounts.accounts_pkey PRIMARY KEY (organization_id, id) valid=t',
      'constraint accounts.accounts_name_key UNIQUE (organization_id, name) valid=t',
      'constraint accounts.accounts_parent_id_fkey FOREIGN KEY (organization_id, parent_id) REFERENCES shop.accounts(organization_id, id) DEFERRABLE INITIALLY DEFERRED valid=t',
      'constraint Odd "deals".Odd "deals"_pkey PRIMARY KEY (organization_id, "Deal Id", region) valid=t',
      'constraint Odd "deals".Odd "deals"_account_id_fkey FOREIGN KEY (organization_id, account_id) REFERENCES shop.accounts(organization_id, id) ON DELETE CASCADE valid=t',
      'constraint notes.notes_deal_region_fkey FOREIGN KEY (organization_id, deal, region) REFERENCES shop."Odd ""deals"""(organization_id, "Deal Id", region) ON DELETE SET NULL (deal, region) valid=t',
      'constraint notes.notes_account_id_fkey FOREIGN KEY (organization_id, account_id) REFERENCES shop.accounts(organization_id, id) ON UPDATE CASCADE valid=t',
      `constraint notes.rowhouse_organization_exists FOREIGN KEY (organization_id) REFERENCES rowhouse.organizations(id) ${declares ? 'NOT ENFORCED valid=f' : 'valid=t'}`,
      'index CREATE UNIQUE INDEX deals_code ON shop."Odd ""deals""" USING btree (organization_id, lower(code)) WHERE (amount > 3) valid=t identity=f',
    ])
      expect(lines).toContain(line)
    expect(lines.filter((line) => /fill|_organization valid|by hand|function of a trigger/.test(line))).toEqual([])
    expect((await admin.query("select * from rowhouse.findings() where object like 'shop.%'")).rows).toEqual([])
    for (let number = 1; number <= ORGANIZATIONS; number += 1) {
      const seen = await asTenant(number, async (app) => ({
        accounts: (await app.query('select distinct tenant_id, organization_id from accounts')).rows,
        deals: (await app.query('select from "Odd ""deals"""')).rowCount,
      }))
      expect(seen).toEqual({ accounts: [{ tenant_id: tenant(number), organization_id: tenant(number) }], deals: 100 })
    }
    await expect(adopt(runner, shopOptions(), yes)).rejects.toMatchObject({ code: 'adopt_already_protected' })
    await expect(undoAdoption(runner, shopTables())).rejects.toMatchObject({ code: 'adopt_undo_too_late' })
  })

  it('a plan names every statement with its lock, and changes nothing', async () => {
    const before = await fingerprint(admin, 'shop')
    const plan = await planAdoption(runner, shopOptions())
    expect(await fingerprint(admin, 'shop')).toEqual(before)
    expect(plan.steps.flatMap(({ statements }) => statements.map(({ lock }) => lock))).not.toContain('')
    const done: string[] = []
    await adopt(runner, shopOptions(), {
      ...yes,
      onEvent: (event) => {
        if (event.type === 'step' && event.state === 'done') done.push(`${event.table} ${event.name}`)
      },
    })
    expect(done).toEqual(plan.steps.map(({ table, name }) => `${table} ${name}`))
    expect(plan.steps.findIndex(({ isFinal }) => isFinal)).toBe(plan.steps.filter(({ isFinal }) => !isFinal).length)
  })

  it('the application goes on writing as it did until the last steps, and nothing that it wrote is lost', async () => {
    const { all, final } = await countSteps()
    const written: { name: string; tenant: string }[] = []
    await withClient(database().adminUrl, async (application) => {
      await application.query('set search_path = shop')
      const writes: Promise<unknown>[] = []
      const write = async (position: number): Promise<void> => {
        const name = `written ${position}`
        const { rows } = await application.query<{ id: string }>(
          'insert into accounts (tenant_id, name) values ($1, $2) on conflict (id) do nothing returning id',
          [tenant(1 + (position % ORGANIZATIONS)), name],
        )
        await application.query('insert into "Odd ""deals""" (account_id, code) values ($1, $2)', [rows[0]?.id, name])
        await application.query('insert into notes (account_id) values ($1)', [rows[0]?.id])
        // A row that moves to another tenant takes its organization along.
        await application
          .query(
            'update accounts set tenant_id = $2 where id = $1 and not exists (select from notes n where n.organization_id is not null)',
            [rows[0]?.id, tenant(1)],
          )
          .catch(() => undefined)
        const moved = await application.query<{ tenant_id: string }>('select tenant_id from accounts where id = $1', [
          rows[0]?.id,
        ])
        written.push({ name, tenant: moved.rows[0]?.tenant_id ?? '' })
      }
      await adopt(runner, shopOptions(), {
        ...yes,
        onEvent: (event) => {
          if (event.type === 'step' && event.state === 'done' && event.position <= all - final)
            writes.push(write(event.position))
        },
        confirm: async () => {
          await Promise.all(writes)
          return true
        },
      })
    })
    expect(written).toHaveLength(all - final)
    const { rows } = await admin.query(
      `select w.name from jsonb_to_recordset($1::jsonb) w (name text, tenant uuid)
       left join shop.accounts a on a.name = w.name and a.organization_id = w.tenant
       left join shop."Odd ""deals""" d on d.organization_id = a.organization_id and d.account_id = a.id
       left join shop.notes n on n.organization_id = a.organization_id and n.account_id = a.id
       where n.id is null or d.code is null`,
      [JSON.stringify(written)],
    )
    expect(rows).toEqual([])
  })

  it('without the trigger that fills new rows, what the application writes meanwhile stops it', async () => {
    const write =
      "insert into shop.accounts (tenant_id, name) values ('00000000-0000-4000-8000-000000000001', 'meanwhile')"
    const run = (withTrigger: boolean): Promise<unknown> =>
      adopt(
        runner,
        shopOptions(),
        stoppedAt((event) => event.type === 'step' && event.state === 'done' && event.name.startsWith('backfill')),
      )
        .catch(() => undefined)
        .then(async () => {
          if (!withTrigger) await admin.query('alter table shop.accounts disable trigger user')
          return sqlstateOf(admin.query(write).then(() => adopt(runner, shopOptions(), yes)))
        })
    await expect(run(false)).rejects.toMatchObject({ code: 'adopt_step_failed', details: { sqlstate: '23514' } })
    await undoAdoption(runner, shopTables())
    await createShop(admin)
    expect(await run(true)).toBe('done')
  })
})

describe('stopped at any step', () => {
  it('goes on to the same end, and until the last steps undo brings the catalogue back exactly', async () => {
    const before = await fingerprint(admin, 'shop')
    const { all, final } = await countSteps()
    await adopt(runner, shopOptions(), yes)
    const end = await fingerprint(admin, 'shop')
    for (let position = 1; position <= all; position += 1) {
      await createShop(admin)
      const stop = stoppedAt((event) => event.type === 'step' && event.position === position && event.state === 'done')
      const outcome = await adopt(runner, shopOptions(), stop).then(
        ({ state }) => state,
        (error: { code: string }) => error.code,
      )
      expect(outcome).toBe(position === all ? 'done' : 'adopt_interrupted')
      const undo = await undoAdoption(runner, shopTables()).then(
        ({ state }) => state,
        (error: { code: string }) => error.code,
      )
      expect(undo).toBe(position <= all - final ? 'undone' : 'adopt_undo_too_late')
      expect(undo === 'undone' ? await fingerprint(admin, 'shop') : before).toEqual(before)
      // Once the last steps have begun nobody is asked again.
      if (position < all) await adopt(runner, shopOptions(), undo === 'undone' ? yes : { pace: { rest: 0 } })
      expect(await fingerprint(admin, 'shop')).toEqual(end)
    }
  }, 400_000)

  it('in the middle of a backfill, also when VACUUM FULL moved every row meanwhile', async () => {
    await admin.query(
      `insert into shop.accounts (tenant_id, name) select '${tenant(1)}', repeat('x', 500) || n from generate_series(1, 2000) n`,
    )
    const pace = { rest: 0, batchMs: 1 }
    const half = stoppedAt((event) => event.type === 'rows' && event.pagesDone > event.pagesTotal / 2)
    await expect(adopt(runner, shopOptions(), { ...half, pace })).rejects.toMatchObject({ code: 'adopt_interrupted' })
    const filled = 'select count(organization_id)::int as filled from shop.accounts'
    const { rows } = await admin.query<{ filled: number }>(filled)
    expect(rows[0]?.filled).toBeGreaterThan(0)
    expect(rows[0]?.filled).toBeLessThan(2030)
    await admin.query('vacuum full shop.accounts')
    await adopt(runner, shopOptions(), { ...yes, pace })
    expect((await admin.query(filled)).rows).toEqual([{ filled: 2030 }])
  })

  it('asked for no confirmation it ends prepared, and the same call with one finishes', async () => {
    expect((await adopt(runner, shopOptions())).state).toBe('prepared')
    expect((await adopt(runner, shopOptions(), { confirm: () => Promise.resolve(false) })).state).toBe('prepared')
    expect((await adopt(runner, shopOptions(), yes)).state).toBe('done')
  })

  it('by the end of its connection, it says so and goes on with another', async () => {
    const run = withClient(database().adminUrl, async (doomed) => {
      doomed.on('error', () => undefined)
      const { rows } = await doomed.query<{ pid: number }>('select pg_backend_pid() as pid')
      await adopt(doomed, shopOptions(), {
        ...yes,
        onEvent: (event) => {
          if (event.type === 'step' && event.name === 'backfill')
            void admin.query('select pg_terminate_backend($1)', [rows[0]?.pid])
        },
      })
    })
    await expect(run).rejects.toMatchObject({ code: 'adopt_interrupted' })
    expect((await adopt(runner, shopOptions(), yes)).state).toBe('done')
  })

  it('with an index half built, which is dropped and built again', async () => {
    const index = stoppedAt(
      (event) => event.type === 'step' && event.state === 'done' && event.name === 'index accounts_pkey_organization',
    )
    await expect(adopt(runner, shopOptions(), index)).rejects.toMatchObject({ code: 'adopt_interrupted' })
    // What a killed CREATE INDEX CONCURRENTLY leaves: there, not valid, and nobody recorded that it is done.
    await admin.query(
      "update pg_index set indisvalid = false where indexrelid = 'shop.accounts_pkey_organization'::regclass",
    )
    await admin.query(
      "update rowhouse.adoption_steps set finished_at = null where name = 'index accounts_pkey_organization' and finished_at is not null",
    )
    expect((await adopt(runner, shopOptions(), yes)).state).toBe('done')
    expect(await fingerprint(admin, 'shop')).toContain(
      'constraint accounts.accounts_pkey PRIMARY KEY (organization_id, id) valid=t',
    )
  })
})

describe('locks', () => {
  it('a reader never waits behind one that adopt waits for; with a long lock timeout it would', async () => {
    const read = async (lockTimeoutMs: number): Promise<string[]> =>
      withClient(database().adminUrl, (holder) =>
        withClient(database().adminUrl, async (reader) => {
          await holder.query('begin; select from shop.accounts limit 1')
          await reader.query("set lock_timeout = '2s'")
          const stop = new AbortController()
          const run = adopt(runner, shopOptions(), {
            signal: stop.signal,
            pace: { lockTimeoutMs, switchTimeoutMs: 60_000 },
          }).catch(() => undefined)
          const outcomes: string[] = []
          // Until adopt has been seen waiting for its lock often enough to have been in a reader's way.
          let waits = 0
          for (const until = Date.now() + 60_000; waits < 5 && !outcomes.includes('55P03') && Date.now() < until;) {
            const { rowCount } = await admin.query(
              "select from pg_locks where relation = 'shop.accounts'::regclass and mode = 'AccessExclusiveLock' and not granted",
            )
            waits += rowCount ?? 0
            if (rowCount !== 0) outcomes.push(await sqlstateOf(reader.query('select from shop.accounts limit 1')))
          }
          expect(outcomes).not.toEqual([])
          stop.abort()
          await holder.query('rollback')
          await run
          return [...new Set(outcomes)]
        }),
      )
    expect(await read(60)).toEqual(['done'])
    await undoAdoption(runner, shopTables()).catch(() => undefined)
    expect(await read(30_000)).toContain('55P03')
    await undoAdoption(runner, shopTables()).catch(() => undefined)
  })

  it('a vacuum is waited for where nobody else waits, and for long enough that it gives way', async () => {
    await withClient(database().adminUrl, async (vacuum) => {
      await vacuum.query('begin; lock table shop.accounts in share update exclusive mode')
      const run = adopt(runner, shopOptions())
      await expect
        .poll(
          async () =>
            (
              await admin.query(
                "select mode from pg_locks where relation = 'shop.accounts'::regclass and not granted and waitstart < clock_timestamp() - interval '1100 ms'",
              )
            ).rows,
          { timeout: 60_000 },
        )
        .toEqual([{ mode: 'ShareUpdateExclusiveLock' }])
      await admin.query("set lock_timeout = '400ms'; select from shop.accounts; update shop.accounts set name = name")
      await vacuum.query('rollback')
      expect((await run).state).toBe('prepared')
    })
    await undoAdoption(runner, shopTables())
  })

  it('the last steps read no table: constraints that were validated before prove the rows', async () => {
    await adopt(runner, shopOptions())
    const scans = async (): Promise<unknown> => {
      await runner.query('select pg_stat_force_next_flush()')
      return (
        await admin.query("select relname, seq_scan from pg_stat_user_tables where schemaname = 'shop' order by 1")
      ).rows
    }
    await admin.query('select pg_stat_force_next_flush()')
    const before = await scans()
    await adopt(runner, shopOptions(), yes)
    expect(await scans()).toEqual(before)
  })

  it('one program works on a table at a time; the second is told', async () => {
    await withClient(database().adminUrl, async (second) => {
      let refused: unknown
      await adopt(runner, shopOptions(), {
        ...yes,
        confirm: async () => {
          refused = await adopt(second, shopOptions(), { wait: () => Promise.resolve() }).catch(
            (error: unknown) => error,
          )
          return true
        },
      })
      expect(refused).toMatchObject({ code: 'adopt_running' })
    })
  })
})
