// Every way to act for an organization without its consent must fail closed.
import { randomUUID } from 'node:crypto'
import { createTwoWorlds, mintToken, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

import { deriveTokenKey } from './keys.ts'
import { advisoryLocksOf } from './test-locks.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

const asApp = <Result>(use: (app: Client) => Promise<Result>): Promise<Result> => withClient(database().appUrl, use)
const enter = (client: Client, token: string | null): Promise<string> =>
  sqlstateOf(client.query('select rowhouse.enter($1)', [token]))
const entering = (token: string | null): Promise<string> => asApp((app) => enter(app, token))

const organizationOf = async (client: Client): Promise<string | null> =>
  (await client.query<{ id: string | null }>('select rowhouse.organization_id() as id')).rows[0]?.id ?? null
const sealOf = async (client: Client): Promise<string> =>
  (await client.query<{ seal: string }>("select current_setting('rowhouse.seal', true) as seal")).rows[0]?.seal ?? ''
const setSeal = (client: Client, seal: string, isLocal = false): Promise<unknown> =>
  client.query("select set_config('rowhouse.seal', $1, $2)", [seal, isLocal])
const notesSeen = async (client: Client): Promise<number> => (await client.query('select from notes')).rowCount ?? 0

describe('the seal', () => {
  it('shows an organization its rows, and nothing before and after', async () => {
    await asApp(async (app) => {
      expect(await notesSeen(app)).toBe(0)
      await app.query('begin')
      await worlds.a.enter(app)
      const { rows } = await app.query<{ organization_id: string }>('select organization_id from notes')
      expect(rows.map((row) => row.organization_id)).toEqual(Array(3).fill(worlds.a.organizationId))
      await app.query('commit')
      expect(await notesSeen(app)).toBe(0)
    })
  })

  it('says who acts', async () => {
    await asApp(async (app) => {
      await app.query('begin')
      await worlds.a.enter(app, { user: worlds.a.viewerId })
      const { rows } = await app.query(
        `select rowhouse.user_id() as user, rowhouse.actor_kind() as kind, rowhouse.role() as role,
                rowhouse.has_role('viewer') as viewer, rowhouse.has_role('owner') as owner,
                rowhouse.can('data.read') as reads, rowhouse.can('data.write') as writes`,
      )
      expect(rows).toEqual([
        {
          user: worlds.a.viewerId,
          kind: 'user',
          role: 'viewer',
          viewer: true,
          owner: false,
          reads: true,
          writes: false,
        },
      ])
      await app.query('rollback')
    })
  })

  it('works in READ ONLY and in REPEATABLE READ transactions', async () => {
    await asApp(async (app) => {
      for (const mode of ['read only', 'isolation level repeatable read', 'isolation level serializable, read only']) {
        await app.query(`begin ${mode}`)
        await worlds.a.enter(app)
        expect(await notesSeen(app)).toBe(3)
        await app.query('commit')
      }
    })
  })

  it('keeps odd characters of a token what they are', async () => {
    await asApp(async (app) => {
      const origin = `a|b"c'd\\e\n} ,{"org":"${worlds.b.organizationId}"} ☃ 🏠`
      await app.query('begin')
      await worlds.a.enter(app, { origin, request: '|'.repeat(200), ip: '::1|' })
      expect(await organizationOf(app)).toBe(worlds.a.organizationId)
      const { rows } = await app.query<{ origin: string }>(
        "with n as (update notes set body = body || '!' returning id) select count(*) from n",
      )
      expect(rows).toHaveLength(1)
      const logged = await app.query('select distinct origin from rowhouse.change_log where origin = $1', [origin])
      expect(logged.rowCount).toBe(1)
      await app.query('rollback')
    })
  })

  it('is for a person without an organization, too: own organizations list, tenant tables say that none is active', async () => {
    await asApp(async (app) => {
      await app.query('begin')
      await worlds.a.enter(app, { org: null })
      const { rows } = await app.query(
        'select id, rowhouse.active_organization() as active from rowhouse.organizations',
      )
      expect(rows).toEqual([{ id: worlds.a.organizationId, active: null }])
      expect((await app.query('select from rowhouse.members')).rowCount).toBe(1)
      for (const statement of ['select from notes', "insert into notes (body) values ('x')", 'delete from notes']) {
        await app.query('savepoint before')
        expect(await sqlstateOf(app.query(statement))).toBe('RH070')
        await app.query('rollback to before')
      }
      await app.query('rollback')
    })
  })
})

describe('a token is refused when it', () => {
  const past = (): number => Math.floor(Date.now() / 1000) - 1

  it.each<[string, () => string | null, string]>([
    ['is null', () => null, 'RH001'],
    ['is empty', () => '', 'RH002'],
    ['is not a token', () => 'v1.abc', 'RH002'],
    ['is long nonsense', () => 'ä'.repeat(400), 'RH002'],
    ['has another version', () => worlds.a.token().replace('v1.', 'v2.'), 'RH002'],
    ['names an unknown key', () => worlds.a.token().replace(/^v1\.[0-9a-f]{8}/, 'v1.00000000'), 'RH003'],
    ['is signed with another key', () => forge(worlds.a.organizationId), 'RH003'],
    ['was changed', () => changed(worlds.a.token()), 'RH003'],
    ['has a changed signature', () => worlds.a.token().replace(/.$/, (c) => (c === 'a' ? 'e' : 'a')), 'RH003'],
    ['is of another form', () => `v1.abcd1234.${Buffer.from('{}').toString('base64url')}.${'0'.repeat(64)}`, 'RH002'],
    ['has expired', () => worlds.a.token({ exp: past() }), 'RH004'],
    ['has no expiry', () => worlds.a.token({ exp: null }), 'RH004'],
    ['lives too long', () => worlds.a.token({ exp: past() + 3600 }), 'RH002'],
    ['is for another database', () => worlds.a.token({ db: randomUUID() }), 'RH005'],
    ['names no database', () => worlds.a.token({ db: null }), 'RH005'],
    [
      'names no organization there is',
      () => worlds.a.token({ org: randomUUID(), kind: 'service', service: 's' }),
      'RH007',
    ],
    ['is of a stranger', () => worlds.a.token({ user: worlds.b.ownerId }), 'RH011'],
    ['is of nobody', () => worlds.a.token({ user: null }), 'RH002'],
    ['has an unknown kind', () => worlds.a.token({ kind: 'root' }), 'RH002'],
    ['is a service without a name', () => worlds.a.token({ kind: 'service' }), 'RH002'],
    [
      'is a service without an organization',
      () => worlds.a.token({ kind: 'service', service: 's', org: null }),
      'RH002',
    ],
    ['is an operator without a reason', () => worlds.a.token({ kind: 'operator', service: 'o' }), 'RH002'],
    ['is a connection it does not have', () => worlds.a.token({ kind: 'sync', connection: randomUUID() }), 'RH013'],
  ])('%s', async (_, token, sqlstate) => {
    expect(await entering(token())).toBe(sqlstate)
  })

  const forge = (org: string): string => {
    const key = deriveTokenKey('another signing key, not the right one', database().databaseId)
    const [, right] = worlds.a.token().split('.')
    return mintToken(database(), { org, user: worlds.a.ownerId }, key).replace(/^v1\.[0-9a-f]{8}/, `v1.${right}`)
  }
  const changed = (token: string): string => token.replace(worlds.a.organizationId, worlds.b.organizationId)

  it('is of a member who was removed', async () => {
    const userId = randomUUID()
    await withClient(database().controlUrl, async (control) => {
      const organization = worlds.a.organizationId
      await control.query("insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'member')", [
        organization,
        userId,
      ])
      const token = worlds.a.token({ user: userId })
      expect(await entering(token)).toBe('done')
      await control.query('delete from rowhouse.members where user_id = $1', [userId])
      expect(await entering(token)).toBe('RH011')
    })
  })

  it("is a connection of another organization, and passes as the organization's own", async () => {
    await withClient(database().controlUrl, async (control) => {
      const { rows } = await control.query<{ id: string }>(
        'insert into rowhouse.connections (organization_id) values ($1) returning id',
        [worlds.b.organizationId],
      )
      const connection = rows[0]?.id
      expect(await entering(worlds.a.token({ kind: 'sync', user: null, connection }))).toBe('RH013')
      expect(await entering(worlds.b.token({ kind: 'sync', user: null, connection }))).toBe('done')
    })
  })

  it('expires inside a long transaction, where now() stands still', async () => {
    await asApp(async (app) => {
      await app.query('begin')
      // Later than the transaction's start, and over by the time the token arrives.
      const { rows } = await app.query<{ exp: number }>('select extract(epoch from clock_timestamp())::float8 as exp')
      const token = worlds.a.token({ exp: rows[0]?.exp })
      expect(await enter(app, token)).toBe('RH004')
      await app.query('rollback')
    })
  })
})

describe('a seal is worthless', () => {
  const stolen = (): Promise<string> =>
    asApp(async (app) => {
      await app.query('begin')
      await worlds.b.enter(app)
      const seal = await sealOf(app)
      expect(seal.length).toBeGreaterThan(100)
      return seal
    })

  it('in another backend', async () => {
    const seal = await stolen()
    await asApp(async (app) => {
      await setSeal(app, seal)
      expect(await organizationOf(app)).toBeNull()
      expect(await notesSeen(app)).toBe(0)
    })
  })

  it('in the next transaction of the same backend, set for the session or for the transaction', async () => {
    await asApp(async (app) => {
      await app.query('begin')
      await worlds.a.enter(app)
      const seal = await sealOf(app)
      await setSeal(app, seal, false)
      await app.query('commit')
      expect(await notesSeen(app)).toBe(0)
      await app.query('begin')
      await setSeal(app, seal, true)
      expect(await notesSeen(app)).toBe(0)
      await worlds.a.enter(app)
      expect(await notesSeen(app)).toBe(3)
      await app.query('commit')
    })
  })

  it('when any part of it was changed', async () => {
    await asApp(async (app) => {
      await app.query('begin')
      await worlds.a.enter(app)
      const seal = await sealOf(app)
      const forged = [
        seal.replace(worlds.a.organizationId, worlds.b.organizationId),
        seal.replaceAll(worlds.a.organizationId, worlds.b.organizationId),
        seal.replace(/owner$/, 'admin'),
        seal.replace('"origin":"app"', '"origin":"crm"'),
        seal.replace(worlds.a.ownerId, worlds.a.viewerId),
        seal.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
        `${seal} `,
        seal.slice(64),
        '0'.repeat(64) + seal.slice(64),
        'x',
        '☃'.repeat(200),
      ]
      for (const value of forged) {
        await setSeal(app, value, true)
        expect(await organizationOf(app)).toBeNull()
        expect(await notesSeen(app)).toBe(0)
      }
      await app.query('rollback')
    })
  })

  it('with COMMIT, ROLLBACK and errors, and leaves no lock behind', async () => {
    await asApp(async (app) => {
      for (const end of ['commit', 'rollback', 'select 1/0']) {
        await app.query('begin')
        await worlds.a.enter(app)
        await sqlstateOf(app.query(end))
        await app.query('rollback')
        expect(await sealOf(app)).toBe('')
        expect(await advisoryLocksOf(database().adminUrl, app)).toEqual([])
      }
    })
  })
})

describe('inside a sealed transaction', () => {
  const insideA = <Result>(use: (app: Client) => Promise<Result>): Promise<Result> =>
    asApp(async (app) => {
      await app.query('begin')
      await worlds.a.enter(app)
      const result = await use(app)
      await app.query('rollback')
      return result
    })

  it('a second enter is refused, for the same organization and another', async () => {
    for (const world of [worlds.a, worlds.b]) {
      expect(await insideA((app) => enter(app, world.token()))).toBe('RH006')
    }
  })

  it('junk left in the session does not stop the first one', async () => {
    await asApp(async (app) => {
      await app.query("set rowhouse.seal = 'junk'")
      await app.query('begin')
      await worlds.a.enter(app)
      expect(await notesSeen(app)).toBe(3)
      await app.query('rollback')
    })
  })

  it.each<[string, string, string]>([
    ['the keys', 'select * from rowhouse.keys', '42501'],
    ['the seal key', 'select * from rowhouse.database', '42501'],
    ['the placements', 'select * from rowhouse.placements', '42501'],
    ['the seal check with its payload', 'select rowhouse.seal_payload()', '42501'],
    ['the trigger function', 'select rowhouse.log_change()', '42501'],
    ['the installer', 'select * from rowhouse.migrations', '42501'],
    ['temporary tables', 'create temp table notes (id int)', '42501'],
    ['temporary types', 'create type pg_temp.text as enum ()', '42501'],
    ['tables in public', 'create table public.mine (id int)', '42501'],
    ['schemas', 'create schema mine', '42501'],
    ['TRUNCATE', 'truncate notes', '42501'],
    ['large objects', 'select lo_create(0)', '42501'],
    ['ending backends', 'select pg_terminate_backend(1)', '42501'],
    ['session locks', 'select pg_advisory_lock(1)', '42501'],
    ['the list of locks', 'select * from pg_locks', '42501'],
    ['row security off', 'set local row_security = off; select * from notes', '42501'],
    ['the migrator', 'set role rowhouse_migrator', '42501'],
    ['the owner', 'set role rowhouse_owner', '42501'],
    ['replica mode', 'set session_replication_role = replica', '42501'],
    ['the log, to write', 'insert into rowhouse.change_log (organization_id) values (gen_random_uuid())', '42501'],
    ['the log, to change', "update rowhouse.change_log set actor_id = 'x'", '42501'],
  ])('rowhouse_app may not reach %s', async (_, statement, sqlstate) => {
    expect(await insideA((app) => sqlstateOf(app.query(statement)))).toBe(sqlstate)
  })

  it('a search_path of the attacker changes nothing', async () => {
    await withClient(database().adminUrl, async (admin) => {
      await admin.query('create schema attack authorization rowhouse_app')
      await admin.query(`
        create function attack.yes(text, text) returns boolean language sql immutable return true;
        create operator attack.= (leftarg = text, rightarg = text, function = attack.yes);
        create function attack.yes(bytea, bytea) returns boolean language sql immutable return true;
        create operator attack.= (leftarg = bytea, rightarg = bytea, function = attack.yes);
        create function attack.sha256(bytea) returns bytea language sql immutable return ''::bytea;
        create table attack.database (seal_inner_pad bytea, seal_outer_pad bytea);
        create domain attack.uuid as text; create domain attack.bytea as text;
        grant all on all functions in schema attack to public`)
    })
    await asApp(async (app) => {
      await app.query('set search_path = attack, pg_catalog, public')
      await app.query('begin')
      const junk = '0'.repeat(64) + worlds.b.organizationId + '{"org":"x","kind":"operator"}'
      await setSeal(app, junk, true)
      expect(await organizationOf(app)).toBeNull()
      await app.query('savepoint s')
      expect(await enter(app, worlds.a.token({ user: worlds.b.ownerId }))).toBe('RH011')
      await app.query('rollback to s')
      expect(
        await enter(
          app,
          worlds.a.token().replace(/.$/, (c) => (c === 'a' ? 'e' : 'a')),
        ),
      ).toBe('RH003')
      await app.query('rollback')
    })
  })

  it('a row of another organization can be neither seen, written, moved, referenced nor guessed', async () => {
    const b = worlds.b.organizationId
    const [note] = worlds.b.noteIds
    await insideA(async (app) => {
      expect((await app.query('select from notes where id = $1', [note])).rowCount).toBe(0)
      expect((await app.query("update notes set body = 'x' where id = $1", [note])).rowCount).toBe(0)
      expect((await app.query('delete from notes where id = $1', [note])).rowCount).toBe(0)
    })
    const refused = async (text: string, values: unknown[]): Promise<string> =>
      insideA((app) => sqlstateOf(app.query(text, values)))
    expect(await refused('insert into notes (organization_id, body) values ($1, $2)', [b, 'x'])).toBe('42501')
    expect(await refused('update notes set organization_id = $1', [b])).toBe('42501')
    expect(
      await refused('insert into notes (organization_id, id) values ($1, $2) on conflict do nothing', [b, note]),
    ).toBe('42501')
    const folder = await withClient(database().migratorUrl, async (migrator) => {
      const { rows } = await migrator.query<{ id: string }>('select id from folders where organization_id = $1', [b])
      return rows[0]?.id
    })
    expect(await refused('insert into notes (folder_id) values ($1)', [folder])).toBe('23503')
  })
})
