// The change log holds every committed write with its true author, and a reader misses none of them.
// Long because writing, masking, forging and reading it share one pair of organizations.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { Claims, TwoWorlds, World } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

import { changedOrganizations, positionAtStart, positionNow, readChanges } from './changes.ts'
import type { Change, ChangePosition } from './changes.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

const asApp = <Result>(use: (app: Client) => Promise<Result>): Promise<Result> => withClient(database().appUrl, use)

/** Runs `use` in one committed transaction of `world`. */
async function act<Result>(app: Client, world: World, use: () => Promise<Result>, changes?: Claims): Promise<Result> {
  await app.query('begin')
  try {
    await world.enter(app, changes)
    const result = await use()
    await app.query('commit')
    return result
  } catch (error) {
    await app.query('rollback')
    throw error
  }
}

async function readAll(app: Client, world: World, from: ChangePosition, limit = 500) {
  const changes: Change[] = []
  let position = from
  for (;;) {
    const batch = await act(app, world, () => readChanges(app, position, limit))
    changes.push(...batch.changes)
    position = batch.position
    if (batch.changes.length < limit) return { changes, position }
  }
}

const start = (world: World): Promise<ChangePosition> => asApp((app) => act(app, world, () => positionNow(app)))
const since = (world: World, position: ChangePosition): Promise<Change[]> =>
  asApp(async (app) => (await readAll(app, world, position)).changes)

describe('the change log', () => {
  it('records insert, update and delete with values, actor, request and origin', async () => {
    const from = await start(worlds.a)
    const trace = { request: 'request-1', ip: '192.0.2.1', origin: 'import' }
    const id = await asApp((app) =>
      act(
        app,
        worlds.a,
        async () => {
          const { rows } = await app.query<{ id: string }>("insert into notes (body) values ('one') returning id")
          await app.query("update notes set body = 'two' where id = $1", [rows[0]?.id])
          await app.query('update notes set body = body where id = $1', [rows[0]?.id])
          await app.query('delete from notes where id = $1', [rows[0]?.id])
          return rows[0]?.id
        },
        trace,
      ),
    )
    const changes = await since(worlds.a, from)
    expect(changes.map(({ action, old, new: after }) => [action, old?.['body'], after?.['body']])).toEqual([
      ['insert', undefined, 'one'],
      ['update', 'one', 'two'],
      ['delete', 'two', undefined],
    ])
    for (const change of changes) {
      expect(change).toMatchObject({
        tableSchema: 'public',
        tableName: 'notes',
        recordId: id,
        actorKind: 'user',
        actorId: worlds.a.ownerId,
        requestId: 'request-1',
        ip: '192.0.2.1',
        origin: 'import',
      })
    }
  })

  it('names every kind of actor', async () => {
    const { rows } = await withClient(database().controlUrl, (control) =>
      control.query<{ id: string }>('insert into rowhouse.connections (organization_id) values ($1) returning id', [
        worlds.a.organizationId,
      ]),
    )
    const connection = rows[0]?.id
    const from = await start(worlds.a)
    const nobody = { user: null }
    await asApp(async (app) => {
      for (const actor of [
        { ...nobody, kind: 'service', service: 'billing' },
        { ...nobody, kind: 'operator', service: 'ann', reason: 'ticket 7' },
        { ...nobody, kind: 'sync', connection, origin: connection },
      ]) {
        await act(app, worlds.a, () => app.query("insert into notes (body) values ('x')"), actor)
      }
      // The policy refuses a report before the trigger would.
      const report = { ...nobody, kind: 'report', service: 'usage', reason: 'month end' }
      const write = (): Promise<unknown> =>
        act(app, worlds.a, () => app.query("insert into notes (body) values ('x')"), report)
      expect(await sqlstateOf(write())).toBe('42501')
      const protect = (options: string): Promise<unknown> =>
        withClient(database().migratorUrl, (migrator) =>
          migrator.query("select rowhouse.protect('notes', $1)", [options]),
        )
      await protect('{"write": null}')
      try {
        expect(await sqlstateOf(write())).toBe('RH012')
      } finally {
        await protect('{}')
      }
    })
    expect((await since(worlds.a, from)).map(({ actorKind, actorId, origin }) => [actorKind, actorId, origin])).toEqual(
      [
        ['service', 'billing', 'app'],
        ['operator', 'ann', 'app'],
        ['sync', connection, connection],
      ],
    )
  })

  it('shows an organization its own changes only, and a viewer may read them', async () => {
    await asApp(async (app) => {
      const read = (world: World, changes?: Claims) =>
        act(app, world, () => app.query('select distinct organization as id from rowhouse.audit_log'), changes)
      expect((await read(worlds.b)).rows).toEqual([{ id: worlds.b.organizationId }])
      expect((await read(worlds.b, { user: worlds.b.viewerId })).rows).toEqual([{ id: worlds.b.organizationId }])
      expect((await app.query('select from rowhouse.audit_log')).rowCount).toBe(0)
    })
  })

  it('records what the migrator writes, and a row it moves in both organizations', async () => {
    const [fromA, fromB] = [await start(worlds.a), await start(worlds.b)]
    await withClient(database().migratorUrl, async (migrator) => {
      const { rows } = await migrator.query<{ id: string }>(
        "insert into notes (organization_id, body) values ($1, 'backfill') returning id",
        [worlds.a.organizationId],
      )
      await migrator.query('update notes set organization_id = $1 where id = $2', [
        worlds.b.organizationId,
        rows[0]?.id,
      ])
    })
    const brief = (changes: Change[]) => changes.map(({ action, actorKind, actorId }) => [action, actorKind, actorId])
    const by = ['migrator', 'rowhouse_migrator']
    expect(brief(await since(worlds.a, fromA))).toEqual([
      ['insert', ...by],
      ['delete', ...by],
    ])
    expect(brief(await since(worlds.b, fromB))).toEqual([['insert', ...by]])
  })

  it('writes values in one form whatever the session says', async () => {
    await withClient(database().migratorUrl, (migrator) =>
      migrator.query(`
        create table measures (
          organization_id uuid not null default rowhouse.organization_id(), id int, at timestamptz, span interval,
          days daterange, ratio float8, primary key (organization_id, id));
        select rowhouse.protect('measures')`),
    )
    const from = await start(worlds.a)
    await asApp(async (app) => {
      for (const [id, settings] of [
        "set timezone = 'Asia/Tokyo'; set datestyle = 'SQL, DMY'; set intervalstyle = 'postgres'; set extra_float_digits = 0",
        "set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'iso_8601'; set extra_float_digits = 3",
      ].entries()) {
        await app.query(settings)
        await act(app, worlds.a, () =>
          app.query(
            `insert into measures values (default, $1, '2026-01-02T03:04:05Z', '1 day 2 hours',
               daterange(date '2026-01-02', date '2026-02-03'), 0.1::float8 + 0.2::float8)`,
            [id],
          ),
        )
      }
    })
    const [first, second] = (await since(worlds.a, from)).map((change) => ({ ...change.new, id: null }))
    expect(first).toEqual(second)
    expect(first).toMatchObject({ span: 'P1DT2H', ratio: 0.30000000000000004 })
  })

  it('keeps the order of a record that a trigger writes again, and of one written twice in a statement', async () => {
    await withClient(database().migratorUrl, (migrator) =>
      migrator.query(`create table counters (id int primary key, n int);
        select rowhouse.protect('counters');
        create function public.count_up() returns trigger language plpgsql as
          'begin update public.counters set n = n + 1 where id = new.id; return null; end';
        create trigger a_touch after insert on counters for each row execute function public.count_up();
        create trigger "Zero" after insert on counters for each row execute function public.count_up()`),
    )
    const from = await start(worlds.a)
    await asApp((app) => act(app, worlds.a, () => app.query('insert into counters (id, n) values (1, 0)')))
    await asApp((app) =>
      act(app, worlds.a, () =>
        app.query(`insert into counters (id, n) values (1, 5), (2, 0) on conflict (organization_id, id)
          do update set n = excluded.n`),
      ),
    )
    await asApp((app) => act(app, worlds.a, () => app.query('update counters set id = id + 10')))
    expect(
      (await since(worlds.a, from)).map(({ action, recordId, new: row }) => [action, recordId, row?.['n']]),
    ).toEqual([
      ['insert', '1', 0],
      ['update', '1', 1],
      ['update', '1', 2],
      ['update', '1', 5],
      ['insert', '2', 0],
      ['update', '2', 1],
      ['update', '2', 2],
      ['update', '11', 5],
      ['update', '12', 2],
    ])
  })

  it('hides masked columns and names a key of several columns', async () => {
    await withClient(database().migratorUrl, (migrator) =>
      migrator.query(`
        create table secrets (
          organization_id uuid not null default rowhouse.organization_id(), kind text, n int, value text,
          primary key (organization_id, kind, n));
        select rowhouse.protect('secrets', '{"mask": ["value"]}')`),
    )
    const from = await start(worlds.a)
    await asApp((app) =>
      act(app, worlds.a, async () => {
        await app.query("insert into secrets (kind, n, value) values ('a', 1, 'hush')")
        await app.query("update secrets set value = 'hush hush'")
        await app.query('update secrets set value = null')
      }),
    )
    const changes = await since(worlds.a, from)
    expect(JSON.stringify(changes)).not.toContain('hush')
    expect(changes.map(({ recordId, new: after }) => [recordId, after?.['value']])).toEqual([
      ['["a", 1]', '***'],
      ['["a", 1]', '***'],
      ['["a", 1]', null],
    ])
  })
})

describe('the change log cannot be', () => {
  it('forged by another actor set in RETURNING', async () => {
    const from = await start(worlds.a)
    const write = asApp((app) =>
      act(app, worlds.a, () =>
        app.query(
          `insert into notes (body) values ('x') returning set_config('rowhouse.seal',
             replace(current_setting('rowhouse.seal'), $1, $2), true)`,
          [worlds.a.ownerId, worlds.a.memberId],
        ),
      ),
    )
    expect(await sqlstateOf(write)).toBe('RH014')
    expect(await since(worlds.a, from)).toEqual([])
  })

  it('written through a trigger of an attacker, unless everybody may execute its function', async () => {
    const attack = `create trigger forge after insert on attack.mine for each row
      execute function rowhouse.log_change('public', 'notes', '', '{}', '{id}', '{}')`
    await withClient(database().adminUrl, async (admin) => {
      await admin.query('create schema attack authorization rowhouse_app')
      await asApp(async (app) => {
        await app.query('create table attack.mine (organization_id uuid, id int)')
        expect(await sqlstateOf(app.query(attack))).toBe('42501')
        await admin.query('grant execute on function rowhouse.log_change() to public')
        expect(await sqlstateOf(app.query(attack))).toBe('done')
        await admin.query('revoke execute on function rowhouse.log_change() from public')
        // The second guard: even then the row must be of the sealed organization.
        const forge = (): Promise<unknown> =>
          app.query('insert into attack.mine values ($1, 1)', [worlds.b.organizationId])
        expect(await sqlstateOf(forge())).toBe('RH014')
        expect(await sqlstateOf(act(app, worlds.a, forge))).toBe('RH015')
      })
      await admin.query('drop schema attack cascade')
    })
  })

  it('given a line whose old and new do not fit its action', async () => {
    await withClient(database().adminUrl, async (admin) => {
      const given = async (): Promise<string[]> => {
        const taken: string[] = []
        for (const action of ['insert', 'update', 'delete', 'truncate', 'read', 'look', ''])
          for (const [old, after] of [
            [null, null],
            [null, '{}'],
            ['{}', null],
            ['{}', '{}'],
          ]) {
            await admin.query('begin')
            const line = admin.query(
              `insert into rowhouse.change_log (
                 organization_id, table_schema, table_name, record_id, record_hash, action, old, new, actor_kind, origin
               ) values ($1, 'public', 'notes', 'x', 0, $2, $3, $4, 'migrator', 'migrator')`,
              [worlds.a.organizationId, action, old, after],
            )
            const code = await sqlstateOf(line)
            await admin.query('rollback')
            if (code === 'done') taken.push([action, old === null ? '' : 'old', after === null ? '' : 'new'].join(' '))
            else if (code !== '23514') throw new Error(`${action}: ${code}`)
          }
        return taken
      }
      expect(await given()).toEqual([
        'insert  new',
        'update old new',
        'delete old ',
        'truncate old ',
        'read  ',
        'read  new',
        'read old ',
        'read old new',
      ])
      const constraint = 'alter table rowhouse.change_log drop constraint action_fits_old_and_new'
      const { rows } = await admin.query<{ definition: string }>(
        `select pg_get_constraintdef(oid) as definition from pg_constraint
         where conrelid = 'rowhouse.change_log'::regclass and conname = 'action_fits_old_and_new'`,
      )
      await admin.query(constraint)
      expect(await given()).toHaveLength(28)
      await admin.query(
        `alter table rowhouse.change_log add constraint action_fits_old_and_new ${rows[0]?.definition ?? ''}`,
      )
    })
  })

  it('escaped by TRUNCATE, nor by replica mode', async () => {
    const from = await start(worlds.a)
    await withClient(database().adminUrl, async (admin) => {
      await admin.query("set session_replication_role = 'replica'")
      await admin.query("insert into notes (organization_id, body) values ($1, 'replica')", [worlds.a.organizationId])
    })
    expect(await since(worlds.a, from)).toHaveLength(1)

    await withClient(database().migratorUrl, async (migrator) => {
      await migrator.query(`
        create table rooms (id int primary key, secret text);
        select rowhouse.protect('rooms', '{"mask": ["secret"]}')`)
      for (const world of [worlds.a, worlds.b]) {
        await migrator.query("insert into rooms (organization_id, id, secret) values ($1, 1, 'hush'), ($1, 2, null)", [
          world.organizationId,
        ])
      }
      const [fromA, fromB] = [await start(worlds.a), await start(worlds.b)]
      await migrator.query('truncate rooms')
      for (const [world, position] of [
        [worlds.a, fromA],
        [worlds.b, fromB],
      ] as const) {
        expect(
          (await since(world, position)).map(({ action, recordId, old, actorId }) => [
            action,
            recordId,
            old?.['secret'],
            actorId,
          ]),
        ).toEqual([
          ['truncate', '1', '***', 'rowhouse_migrator'],
          ['truncate', '2', null, 'rowhouse_migrator'],
        ])
      }
      // The owner sees no row of it, so it could not log them: refused, as for a login of tenants that has the privilege.
      await migrator.query('set role rowhouse_owner')
      await migrator
        .query('insert into rooms (organization_id, id) values ($1, 3)', [worlds.a.organizationId])
        .catch(() => 0)
      expect(await sqlstateOf(migrator.query('truncate rooms'))).toBe('42501')
    })
    await withClient(database().adminUrl, (admin) => admin.query('grant truncate on rooms to rowhouse_app'))
    expect(await asApp((app) => sqlstateOf(app.query('truncate rooms')))).toBe('RH016')
  })

  it('escaped without its trigger being missed: then a write leaves no trace', async () => {
    const from = await start(worlds.a)
    await withClient(database().adminUrl, async (admin) => {
      await admin.query('alter table notes disable trigger "!rowhouse_change_log_inserts"')
      await asApp((app) => act(app, worlds.a, () => app.query("insert into notes (body) values ('silent')")))
      const { rows } = await admin.query("select code from rowhouse.findings() where object = 'public.notes'")
      expect(rows).toEqual([{ code: 'change_log_missing' }])
      await admin.query("select rowhouse.protect('notes')")
    })
    expect(await since(worlds.a, from)).toEqual([])
    await asApp((app) => act(app, worlds.a, () => app.query("insert into notes (body) values ('logged')")))
    expect(await since(worlds.a, from)).toHaveLength(1)
  })
})

describe('reading from snapshot to snapshot', () => {
  it('sees a slow commit that a cursor by seq has passed, and does not wait for a transaction that stays open', async () => {
    await asApp(async (slow) => {
      await asApp(async (fast) => {
        const from = await start(worlds.a)
        await slow.query('begin')
        await worlds.a.enter(slow)
        await slow.query("insert into notes (body) values ('slow')")
        await act(fast, worlds.a, () => fast.query("insert into notes (body) values ('fast')"))

        const first = await readAll(fast, worlds.a, from)
        expect(first.changes.map((change) => change.new?.['body'])).toEqual(['fast'])
        await slow.query('commit')
        const second = await readAll(fast, worlds.a, first.position)
        expect(second.changes.map((change) => change.new?.['body'])).toEqual(['slow'])
        // What `seq > last` would have lost:
        expect(BigInt(second.changes[0]?.seq ?? 0)).toBeLessThan(BigInt(first.changes[0]?.seq ?? 0))
        expect((await readAll(fast, worlds.a, second.position)).changes).toEqual([])
      })
    })
  })

  it('loses nothing, repeats nothing and keeps the order of each record under concurrent writers', async () => {
    const WRITERS = 6
    const WRITES = 60
    const from = await start(worlds.a)
    const ids = worlds.a.noteIds
    const committed: string[] = []
    await asApp(async (stalled) => {
      await stalled.query('begin')
      await worlds.b.enter(stalled)
      await stalled.query("insert into notes (body) values ('open all the time')")

      let writing = true
      const write = async (writer: number): Promise<void> =>
        asApp(async (app) => {
          let state = writer + 1
          const random = (below: number): number => {
            state = (state * 48_271) % 2_147_483_647
            return state % below
          }
          for (let n = 0; n < WRITES; n += 1) {
            const mark = `${writer}/${n}`
            await app.query('begin')
            await worlds.a.enter(app)
            await app.query('update notes set body = $1 where id = $2', [mark, ids[random(ids.length)]])
            if (random(3) === 0) await app.query('select pg_current_xact_id()')
            if (random(4) === 0) {
              await app.query('rollback')
            } else {
              await app.query('commit')
              committed.push(mark)
            }
          }
        })
      const read = async (): Promise<Change[]> =>
        asApp(async (app) => {
          const changes: Change[] = []
          let position = from
          for (;;) {
            const last = !writing
            const batch = await readAll(app, worlds.a, position, 7)
            changes.push(...batch.changes)
            position = batch.position
            if (last) return changes
          }
        })

      const reading = read()
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
      writing = false
      const changes = await reading
      await stalled.query('rollback')

      expect(changes.map((change) => String(change.new?.['body'])).sort()).toEqual(committed.sort())
      for (const id of ids) {
        const history = changes.filter((change) => change.recordId === id)
        expect(history.length).toBeGreaterThan(WRITERS)
        const before = history.slice(1).map((change) => change.old?.['body'])
        expect(before).toEqual(history.slice(0, -1).map((change) => change.new?.['body']))
      }
    })
  })

  it('starts at the beginning, or at now', async () => {
    const all = await since(worlds.b, positionAtStart)
    expect(all.length).toBeGreaterThanOrEqual(4)
    expect(await since(worlds.b, await start(worlds.b))).toEqual([])
  })
})

describe('changed organizations', () => {
  it('are named once something of theirs is committed, and only they', async () => {
    await withClient(database().controlUrl, async (control) => {
      await asApp(async (slow) => {
        const everybody = await changedOrganizations(control, null)
        expect(everybody.organizationIds).toEqual(
          expect.arrayContaining([worlds.a.organizationId, worlds.b.organizationId]),
        )
        await slow.query('begin')
        await worlds.b.enter(slow)
        await slow.query("insert into notes (body) values ('slow')")
        await asApp((app) => act(app, worlds.a, () => app.query("insert into notes (body) values ('fast')")))
        const first = await changedOrganizations(control, everybody.snapshot)
        expect(first.organizationIds).toEqual([worlds.a.organizationId])
        await slow.query('commit')
        const second = await changedOrganizations(control, first.snapshot)
        expect(second.organizationIds).toEqual([worlds.b.organizationId])
        expect((await changedOrganizations(control, second.snapshot)).organizationIds).toEqual([])
      })
    })
  })

  it('are not for a tenant login to know', async () => {
    await asApp(async (app) => {
      expect(await sqlstateOf(changedOrganizations(app, null))).toBe('42501')
    })
  })
})
