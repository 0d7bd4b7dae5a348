// The gateway door, driven as PostgREST drives it: each request is the transaction it sends, statement by statement,
// over a session of authenticator.
import { randomUUID } from 'node:crypto'
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds, World } from '@rowhouse/testkit'
import type { Client, QueryResult } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  await withClient(database().migratorUrl, (migrator) =>
    // What an application should not have, and some do: SQL from the request.
    migrator.query(`create function public.run(statements text[]) returns void language plpgsql as $$
      declare statement text;
      begin foreach statement in array statements loop execute statement; end loop; end $$`),
  )
})

const PRE_REQUEST = 'select "rowhouse"."pre_request"()'

interface Request {
  /** What the JWT says; null is a request without one. */
  readonly claims: Readonly<Record<string, unknown>> | null
  readonly headers?: Readonly<Record<string, string>>
  /** As for GET and HEAD. */
  readonly isReadOnly?: boolean
}

const asGateway = <Result>(use: (gateway: Client) => Promise<Result>): Promise<Result> =>
  withClient(database().adminUrl, async (gateway) => {
    await gateway.query('set session authorization authenticator')
    return use(gateway)
  })

/** One request: BEGIN, the settings in one SELECT, db-pre-request, the main query, COMMIT. */
async function request(
  gateway: Client,
  { claims, headers = {}, isReadOnly = false }: Request,
  main: string,
  values: readonly unknown[] = [],
): Promise<QueryResult<Record<string, unknown>>> {
  await gateway.query(`begin isolation level read committed ${isReadOnly ? 'read only' : 'read write'}`)
  try {
    await gateway.query(
      `select set_config('search_path', $1, true), set_config('role', $2, true),
         set_config('request.jwt.claims', $3, true), set_config('request.method', $4, true),
         set_config('request.path', $5, true), set_config('request.headers', $6, true),
         set_config('request.cookies', $7, true)`,
      [
        '"public"',
        claims?.['role'] ?? 'anon',
        JSON.stringify(claims ?? { role: 'anon' }),
        isReadOnly ? 'GET' : 'POST',
        '/notes',
        JSON.stringify(headers),
        '{}',
      ],
    )
    await gateway.query({ text: PRE_REQUEST, values: [] })
    const result = await gateway.query<Record<string, unknown>>(main, [...values])
    await gateway.query('commit')
    return result
  } catch (error) {
    await gateway.query('rollback')
    throw error
  }
}

const once = (...parameters: [Request, string, (readonly unknown[])?]): Promise<QueryResult<Record<string, unknown>>> =>
  asGateway((gateway) => request(gateway, ...parameters))
const userOf = (id: string, metadata: Readonly<Record<string, unknown>> = {}): Request['claims'] => ({
  role: 'authenticated',
  sub: id,
  ...metadata,
})
const inOrganization = (world: World): Readonly<Record<string, string>> => ({
  'x-organization-id': world.organizationId,
})
const count = 'select count(*)::int as n, count(*) filter (where organization_id = $1)::int as own from notes'

describe('a request', () => {
  it('sees the organization that its header names, in READ ONLY as well, and the next request starts anew', async () => {
    await asGateway(async (gateway) => {
      for (const isReadOnly of [true, false]) {
        for (const world of [worlds.a, worlds.b]) {
          const { rows } = await request(
            gateway,
            { claims: userOf(world.memberId), headers: inOrganization(world), isReadOnly },
            count,
            [world.organizationId],
          )
          expect(rows).toEqual([{ n: 3, own: 3 }])
        }
        const without = request(gateway, { claims: userOf(worlds.a.memberId), isReadOnly }, count, [
          worlds.a.organizationId,
        ])
        expect(await sqlstateOf(without)).toBe('RH070')
      }
    })
  })

  it('sees the organization of app_metadata; a header is stronger, an empty one is none, user_metadata is nothing', async () => {
    const user = await memberOfBoth()
    const inMetadata = { app_metadata: { organization_id: worlds.a.organizationId } }
    const seen = async (claims: Request['claims'], headers = {}): Promise<unknown> =>
      (await once({ claims, headers }, 'select rowhouse.active_organization() as id')).rows[0]?.['id']
    expect(await seen(userOf(user, inMetadata))).toBe(worlds.a.organizationId)
    expect(await seen(userOf(user, inMetadata), inOrganization(worlds.b))).toBe(worlds.b.organizationId)
    expect(await seen(userOf(user, inMetadata), { 'x-organization-id': '' })).toBeNull()
    expect(await seen(userOf(user, { user_metadata: inMetadata.app_metadata }))).toBeNull()
  })

  it('without an organization lists those of the caller, to choose one', async () => {
    const user = await memberOfBoth()
    const { rows } = await once(
      { claims: userOf(user), isReadOnly: true },
      'select m.role, o.id from rowhouse.members m join rowhouse.organizations o on o.id = m.organization_id',
    )
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set([worlds.a.organizationId, worlds.b.organizationId]))
    expect((await once({ claims: userOf(randomUUID()) }, 'select from rowhouse.organizations')).rowCount).toBe(0)
  })

  it('writes as its person, and the log says who, from where; a viewer may not', async () => {
    const headers = {
      ...inOrganization(worlds.a),
      'x-request-id': 'request-7',
      'x-forwarded-for': '192.0.2.7, 10.0.0.1',
    }
    const insert = "insert into notes (body) values ('by the gateway') returning organization_id"
    const { rows } = await once({ claims: userOf(worlds.a.memberId), headers }, insert)
    expect(rows).toEqual([{ organization_id: worlds.a.organizationId }])
    const log = await once(
      { claims: userOf(worlds.a.memberId), headers },
      'select actor_kind, actor, request_id, ip from rowhouse.audit_log order by seq desc limit 1',
    )
    expect(log.rows).toEqual([{ actor_kind: 'user', actor: worlds.a.memberId, request_id: 'request-7', ip: null }])
    expect(await sqlstateOf(once({ claims: userOf(worlds.a.viewerId), headers }, insert))).toBe('42501')
    const foreign = 'insert into notes (organization_id, body) values ($1, $2)'
    const write = once({ claims: userOf(worlds.a.memberId), headers }, foreign, [worlds.b.organizationId, 'x'])
    expect(await sqlstateOf(write)).toBe('42501')
  })

  it('without an organization gets a coded error from tenant tables, reading and writing, never 0 rows', async () => {
    const claims = userOf(worlds.a.memberId)
    for (const main of [
      'select * from notes',
      "insert into notes (body) values ('nowhere')",
      "update notes set body = 'x'",
      'delete from notes',
      'select * from rowhouse.audit_log',
    ]) {
      expect(await sqlstateOf(once({ claims }, main))).toBe('RH070')
    }
    // Without a seal there is nothing, and no error: the policy compares with null.
    expect((await once({ claims: { role: 'authenticated' } }, 'select from notes')).rowCount).toBe(0)
  })

  it.each([
    [0, '203.0.113.9, 192.0.2.7', null],
    [1, '203.0.113.9, 192.0.2.7', '192.0.2.7'],
    [2, '203.0.113.9, 192.0.2.7, 10.0.0.1', '192.0.2.7'],
    [2, '192.0.2.7', null],
    [1, "203.0.113.9, ' or true", null],
    [1, '203.0.113.9,2001:db8::7', '2001:db8::7'],
  ])(
    'behind %i trusted proxies takes %s for %s: what the client wrote itself is never logged',
    async (trusted, sent, ip) => {
      await withClient(database().adminUrl, (admin) =>
        admin.query('update rowhouse.gateway set trusted_proxies = $1', [trusted]),
      )
      const headers = { ...inOrganization(worlds.a), 'x-forwarded-for': sent }
      const { rows } = await once(
        { claims: userOf(worlds.a.memberId), headers },
        `with written as (insert into notes (body) values ('from somewhere') returning id) select id from written`,
      )
      const log = await once(
        { claims: userOf(worlds.a.memberId), headers },
        'select ip from rowhouse.audit_log where record = $1',
        [rows[0]?.['id']],
      )
      expect(log.rows).toEqual([{ ip }])
      await withClient(database().adminUrl, (admin) => admin.query('update rowhouse.gateway set trusted_proxies = 0'))
    },
  )

  it('is refused with a code while the database has no keys', async () => {
    await withClient(database().adminUrl, async (admin) => {
      await admin.query('create table public.kept as table rowhouse.keys')
      await admin.query('delete from rowhouse.keys')
    })
    const of: Request = { claims: userOf(worlds.a.memberId), headers: inOrganization(worlds.a) }
    const refused = await sqlstateOf(once(of, 'select from notes'))
    await withClient(database().adminUrl, async (admin) => {
      await admin.query('insert into rowhouse.keys select * from public.kept')
      await admin.query('drop table public.kept')
    })
    expect(refused).toBe('RH071')
    expect(await sqlstateOf(once(of, 'select from notes'))).toBe('done')
  })

  it('with the service key acts as a service for the organization of its header, and for none without', async () => {
    const claims = { role: 'service_role' }
    const { rows } = await once(
      { claims, headers: inOrganization(worlds.b) },
      'select rowhouse.actor_kind() as kind, (select count(*)::int from notes) as n',
    )
    expect(rows).toEqual([{ kind: 'service', n: 3 }])
    expect((await once({ claims }, 'select from notes')).rowCount).toBe(0)
  })

  it('of nobody has no seal, and no access to protected tables', async () => {
    expect(await sqlstateOf(once({ claims: null, headers: inOrganization(worlds.a) }, 'select from notes'))).toBe(
      '42501',
    )
    const { rows } = await once(
      { claims: null },
      'select rowhouse.organization_id() as id, rowhouse.user_id() as person',
    )
    expect(rows).toEqual([{ id: null, person: null }])
  })

  it.each<[string, () => Request, string]>([
    [
      'for an organization of others',
      () => ({ claims: userOf(worlds.a.memberId), headers: inOrganization(worlds.b) }),
      'RH011',
    ],
    [
      'for one that app_metadata names and that the person has left',
      () => ({ claims: userOf(randomUUID(), { app_metadata: { organization_id: worlds.a.organizationId } }) }),
      'RH011',
    ],
    [
      'with a header that is no uuid',
      () => ({ claims: userOf(worlds.a.memberId), headers: { 'x-organization-id': "1' or" } }),
      'RH018',
    ],
    ['of a subject that is no uuid', () => ({ claims: userOf('auth0|7'), headers: inOrganization(worlds.a) }), 'RH002'],
    [
      'for an organization that is not there',
      () => ({ claims: { role: 'service_role' }, headers: { 'x-organization-id': randomUUID() } }),
      'RH007',
    ],
  ])('%s is refused', async (_, of, sqlstate) => {
    expect(await sqlstateOf(once(of(), 'select 1'))).toBe(sqlstate)
  })

  it('is refused at once where as many of its organization are under way as may be', async () => {
    const limits = (text: string): Promise<unknown> =>
      withClient(database().controlUrl, (control) => control.query(text, [worlds.a.organizationId]))
    await limits('insert into rowhouse.organization_limits (organization_id, concurrency_max) values ($1, 1)')
    const ask = (world: World): Promise<string> =>
      sqlstateOf(once({ claims: userOf(world.memberId), headers: inOrganization(world) }, 'select 1'))
    await withClient(database().appUrl, async (app) => {
      await app.query('begin')
      await worlds.a.enter(app)
      // Waiting for it would keep a connection of the one pool that all have.
      expect([await ask(worlds.a), await ask(worlds.b)]).toEqual(['RH010', 'done'])
      await app.query('commit')
      expect(await ask(worlds.a)).toBe('done')
    })
    await limits('delete from rowhouse.organization_limits where organization_id = $1')
  })

  it('of a member who was removed is refused at once', async () => {
    const user = await memberOfBoth()
    const of: Request = { claims: userOf(user), headers: inOrganization(worlds.a) }
    expect((await once(of, 'select from notes')).rowCount).toBeGreaterThan(2)
    await withClient(database().controlUrl, (control) =>
      control.query('delete from rowhouse.members where user_id = $1', [user]),
    )
    expect(await sqlstateOf(once(of, 'select from notes'))).toBe('RH011')
  })
})

describe('the door does not open', () => {
  /** The SQL of an attacker inside a request: claims and header of B, and the door again. */
  const attack = (call: string): string[] => [
    `select set_config('request.jwt.claims', '${JSON.stringify(userOf(worlds.b.ownerId))}', true)`,
    `select set_config('request.headers', '${JSON.stringify(inOrganization(worlds.b))}', true)`,
    "select set_config('rowhouse.seal', '', true)",
    call,
    `do $do$ begin if (select count(*) from notes where organization_id = '${worlds.b.organizationId}') > 0 then
       raise exception 'B was read' using errcode = 'P0007'; end if; end $do$`,
  ]
  const run = 'select public.run($1::text[])'
  const calls = [
    PRE_REQUEST,
    'select rowhouse.pre_request()',
    `do $do$ begin execute '${PRE_REQUEST}'; end $do$`,
    'explain analyze select rowhouse.pre_request()',
  ]

  it('to SQL inside a request, with or without a seal; with its look at the query removed it does', async () => {
    const requests: Request[] = [
      { claims: userOf(worlds.a.memberId), headers: inOrganization(worlds.a) },
      { claims: userOf(worlds.a.memberId) },
    ]
    for (const of of requests) {
      for (const call of calls) expect(await sqlstateOf(once(of, run, [attack(call)]))).toBe('RH017')
    }
    expect(await sqlstateOf(once({ claims: null }, run, [attack(PRE_REQUEST)]))).toBe('RH017')

    await withClient(database().adminUrl, async (admin) => {
      const { rows } = await admin.query<{ definition: string }>(
        "select pg_get_functiondef('rowhouse.pre_request()'::regprocedure) as definition",
      )
      const definition = rows[0]?.definition ?? ''
      const open = definition.replace(/ or current_query\(\)[^\n]*? then/, ' then')
      expect(open).not.toBe(definition)
      await admin.query(open)
      try {
        expect(await sqlstateOf(once({ claims: userOf(worlds.a.memberId) }, run, [attack(PRE_REQUEST)]))).toBe('P0007')
      } finally {
        await admin.query(definition)
      }
    })
  })

  it('to claims that are changed after it, nor to other logins', async () => {
    const changed = attack('select 1').filter((statement) => !statement.includes('rowhouse.seal'))
    const of: Request = { claims: userOf(worlds.a.memberId), headers: inOrganization(worlds.a) }
    expect(await sqlstateOf(once(of, run, [changed]))).toBe('done')
    const calling = (url: string): Promise<string> =>
      withClient(url, async (client) => {
        await client.query("select set_config('request.jwt.claims', $1, false)", [
          JSON.stringify(userOf(worlds.a.ownerId)),
        ])
        return sqlstateOf(client.query(PRE_REQUEST))
      })
    expect(await calling(database().appUrl)).toBe('42501')
    expect(await calling(database().migratorUrl)).toBe('RH017')
    expect(await calling(database().adminUrl)).toBe('RH017')
  })

  it('to roles of the gateway: they may neither enter with a token nor read keys nor log in', async () => {
    const of: Request = { claims: userOf(worlds.a.memberId), headers: inOrganization(worlds.a) }
    for (const statement of [
      `select rowhouse.enter('${worlds.b.token()}')`,
      'select * from rowhouse.keys',
      "select rowhouse.key_constant('seal_inner')",
      'truncate notes',
    ]) {
      expect(await sqlstateOf(once(of, statement))).toBe('42501')
    }
    await withClient(database().adminUrl, async (admin) => {
      const { rows } = await admin.query(
        `select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
         and (rolcanlogin or rolsuper or rolbypassrls)`,
      )
      expect(rows).toEqual([])
    })
  })
})

async function memberOfBoth(): Promise<string> {
  const user = randomUUID()
  await withClient(database().controlUrl, (control) =>
    control.query(
      "insert into rowhouse.members (organization_id, user_id, role) values ($1, $3, 'member'), ($2, $3, 'viewer')",
      [worlds.a.organizationId, worlds.b.organizationId, user],
    ),
  )
  return user
}
