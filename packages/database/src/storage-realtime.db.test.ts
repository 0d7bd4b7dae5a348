// Buckets and channels of Supabase, attacked through transactions as Storage, Realtime and PostgREST send them. These
// policies have no seal to go by, so each guard is also taken away, and the failure seen.
import { randomUUID } from 'node:crypto'
import {
  asPostgrest,
  asRealtime,
  asStorage,
  createTwoWorlds,
  sqlstateOf,
  useSupabaseDatabase,
  withClient,
} from '@rowhouse/testkit'
import type { JwtClaims, TwoWorlds, World } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useSupabaseDatabase()
let worlds: TwoWorlds
const asPostgres = (statement: string, values: readonly unknown[] = []) =>
  withClient(database().postgresUrl, (postgres) => postgres.query(statement, [...values]))

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  await asPostgres(
    "insert into storage.buckets (id, name, public) values ('files', 'files', false), ('open', 'open', true), ('own', 'own', false)",
  )
  await asPostgres("select rowhouse.protect_bucket('files')")
  await asPostgres("select rowhouse.protect_channel('room:{organization_id}:*')")
  for (const world of [worlds.a, worlds.b]) {
    await asPostgres("insert into storage.objects (bucket_id, name) values ('files', $1), ('files', $2)", [
      `${world.organizationId}/plan.pdf`,
      `${world.organizationId}/deep/er/photo.png`,
    ])
  }
})

const claimsOf = (id: string, metadata: JwtClaims = {}): JwtClaims => ({ role: 'authenticated', sub: id, ...metadata })
const storage = (claims: JwtClaims | null, main: string, values: readonly unknown[] = []) =>
  asStorage(database().storageUrl, { claims }, main, values)
const list = async (claims: JwtClaims | null, bucket = 'files'): Promise<string[]> => {
  const { rows } = await storage(claims, 'select name from storage.objects where bucket_id = $1', [bucket])
  return rows.map(({ name }) => String(name)).sort()
}
const UPLOAD = 'insert into storage.objects (bucket_id, name, version) values ($1, $2, $3)'
const upload = (claims: JwtClaims | null, name: string, bucket = 'files'): Promise<string> =>
  sqlstateOf(storage(claims, UPLOAD, [bucket, name, randomUUID()]))
const namesOf = (world: World): string[] =>
  [`${world.organizationId}/deep/er/photo.png`, `${world.organizationId}/plan.pdf`].sort()
const removing = async (statement: string, restore: string, use: () => Promise<void>): Promise<void> => {
  await withClient(database().adminUrl, (admin) => admin.query(statement))
  try {
    await use()
  } finally {
    await withClient(database().adminUrl, (admin) => admin.query(restore))
  }
}
const definitionOf = async (signature: string): Promise<string> => {
  const { rows } = await withClient(database().adminUrl, (admin) =>
    admin.query<{ definition: string }>('select pg_get_functiondef($1::regprocedure) as definition', [signature]),
  )
  return rows[0]?.definition ?? ''
}
async function memberOf(world: World, role: string): Promise<string> {
  const user = randomUUID()
  await withClient(database().controlUrl, (control) =>
    control.query('insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, $3)', [
      world.organizationId,
      user,
      role,
    ]),
  )
  return user
}

describe('a protected bucket', () => {
  it('lists to each member the folder of the own organizations, and to others nothing', async () => {
    expect(await list(claimsOf(worlds.a.viewerId))).toEqual(namesOf(worlds.a))
    expect(await list(claimsOf(worlds.b.memberId))).toEqual(namesOf(worlds.b))
    expect(await list(claimsOf(randomUUID()))).toEqual([])
    expect(await list(null)).toEqual([])
    expect(await list({ role: 'anon', sub: worlds.a.ownerId })).toEqual([])
    expect(await list({ role: 'authenticated' })).toEqual([])
    expect(await list(claimsOf('auth0|7'))).toEqual([])
  })

  it('takes uploads, overwrites, moves, copies and deletes of those whose role writes, in their folder only', async () => {
    const member = claimsOf(worlds.a.memberId)
    const [own, foreign] = [`${worlds.a.organizationId}/${randomUUID()}`, `${worlds.b.organizationId}/${randomUUID()}`]
    expect(await upload(member, own)).toBe('done')
    expect(await upload(member, foreign)).toBe('42501')
    expect(await upload(claimsOf(worlds.a.viewerId), own)).toBe('42501')
    expect(await upload(null, own)).toBe('42501')

    const upsert = `${UPLOAD} on conflict (bucket_id, name) do update set version = excluded.version`
    expect(await sqlstateOf(storage(member, upsert, ['files', own, 'two']))).toBe('done')
    const victim = `${worlds.b.organizationId}/plan.pdf`
    expect(await sqlstateOf(storage(member, upsert, ['files', victim, 'mine']))).toBe('42501')

    const move = 'update storage.objects set name = $2, bucket_id = $3 where name = $1'
    expect(await sqlstateOf(storage(member, move, [own, foreign, 'files']))).toBe('42501')
    expect((await storage(member, move, [victim, own, 'files'])).rowCount).toBe(0)
    // Blind as well: without a WHERE no policy for SELECT applies.
    expect(await sqlstateOf(storage(member, 'update storage.objects set name = $1', [foreign]))).toBe('42501')
    const copy = `insert into storage.objects (bucket_id, name) select 'files', $2 from storage.objects where name = $1`
    expect((await storage(member, copy, [victim, `${own}-copy`])).rowCount).toBe(0)
    expect(await sqlstateOf(storage(member, copy, [own, foreign]))).toBe('42501')
    expect((await storage(member, 'delete from storage.objects where name = $1', [victim])).rowCount).toBe(0)
    expect((await storage(claimsOf(worlds.a.viewerId), 'delete from storage.objects')).rowCount).toBe(0)
    expect((await storage(member, 'delete from storage.objects where name = $1', [own])).rowCount).toBe(1)
    expect(await list(claimsOf(worlds.b.ownerId))).toEqual(namesOf(worlds.b))
  })

  it('reads a path as one exact uuid and plain names', async () => {
    const member = claimsOf(worlds.a.memberId)
    const { organizationId } = worlds.a
    for (const name of [
      'plan.pdf',
      organizationId,
      `${organizationId}/`,
      `${organizationId}//x`,
      `/${organizationId}/x`,
      ` ${organizationId}/x`,
      `${organizationId}/../${worlds.b.organizationId}/x`,
      `${organizationId}/./x`,
      `${organizationId}/x/..`,
      `${organizationId}\\x/y`,
      `${organizationId}/a\\..\\b`,
      `${organizationId}/a\nb`,
      `${organizationId}0/x`,
      `${organizationId.slice(0, -1)}/x`,
      `${organizationId.slice(0, -1)}_/x`,
      `${organizationId.slice(0, 8)}%/x`,
      `{${organizationId}}/x`,
      `${organizationId.replaceAll('-', '')}/x`,
      `${organizationId.toUpperCase()}/X`,
      '%/x',
      '_/x',
      '1/x',
    ]) {
      expect([name, await upload(member, name)]).toEqual([name, '42501'])
    }
    expect(await upload(member, `${organizationId}/..hidden/ä b%_.txt`)).toBe('done')
    await storage(member, 'delete from storage.objects where name like $1', [`${organizationId}/..hidden%`])
  })

  it('forgets a member at once, whatever the JWT still says, and believes no user_metadata', async () => {
    const user = await memberOf(worlds.a, 'owner')
    const stale = claimsOf(user, {
      app_metadata: { organization_id: worlds.a.organizationId, organization_role: 'owner' },
      user_metadata: { organization_id: worlds.a.organizationId, role: 'owner' },
    })
    expect(await list(stale)).toEqual(namesOf(worlds.a))
    await withClient(database().controlUrl, (control) =>
      control.query('delete from rowhouse.members where user_id = $1', [user]),
    )
    expect(await list(stale)).toEqual([])
    expect(await upload(stale, `${worlds.a.organizationId}/late`)).toBe('42501')
    const forged = claimsOf(worlds.b.memberId, { user_metadata: { organization_id: worlds.a.organizationId } })
    expect(await list(forged)).toEqual(namesOf(worlds.b))
    expect(await upload(forged, `${worlds.a.organizationId}/forged`)).toBe('42501')
  })

  it('is shut while its organization is suspended', async () => {
    const suspend = (status: string) =>
      withClient(database().controlUrl, (control) =>
        control.query('select rowhouse.set_organization_status($1, $2)', [worlds.b.organizationId, status]),
      )
    await suspend('suspended')
    expect(await list(claimsOf(worlds.b.ownerId))).toEqual([])
    await suspend('active')
    expect(await list(claimsOf(worlds.b.ownerId))).toEqual(namesOf(worlds.b))
  })

  it('holds beside policies that open every bucket, and leaves the other buckets to them', async () => {
    await removing(
      'create policy everybody on storage.objects for all to public using (true) with check (true)',
      'drop policy everybody on storage.objects',
      async () => {
        expect(await list(claimsOf(worlds.a.memberId))).toEqual(namesOf(worlds.a))
        expect(await list(null)).toEqual([])
        const member = claimsOf(worlds.a.memberId)
        expect(await upload(member, `${worlds.b.organizationId}/x`)).toBe('42501')
        expect(await upload(member, 'anything', 'own')).toBe('done')
        const into = "update storage.objects set bucket_id = 'files', name = $1 where bucket_id = 'own'"
        expect(await sqlstateOf(storage(member, into, [`${worlds.b.organizationId}/x`]))).toBe('42501')
        expect(await list(member, 'own')).toEqual(['anything'])
      },
    )
    expect(await list(claimsOf(worlds.a.memberId), 'own')).toEqual([])
  })

  it('has reading and writing by permission, and is replaced when told otherwise', async () => {
    await asPostgres(`select rowhouse.protect_bucket('own', '{"read": "organization.manage", "write": null}')`)
    const [viewer, admin] = [claimsOf(worlds.a.viewerId), claimsOf(worlds.a.ownerId)]
    const name = `${worlds.a.organizationId}/x`
    expect(await upload(viewer, name, 'own')).toBe('done')
    expect(await list(viewer, 'own')).toEqual([])
    expect(await list(admin, 'own')).toEqual([name])
    await asPostgres(`select rowhouse.protect_bucket('own')`)
    expect(await list(viewer, 'own')).toEqual([name])
    expect(await upload(viewer, `${name}2`, 'own')).toBe('42501')
  })

  it.each([
    ["select rowhouse.protect_bucket('open')", 'RH072'],
    ["select rowhouse.protect_bucket('nothing')", 'RH072'],
    ["select rowhouse.protect_bucket('files', '[]')", 'RH023'],
    [`select rowhouse.protect_bucket('files', '{"reads": "x"}')`, 'RH023'],
    [`select rowhouse.protect_bucket('files', '{"read": "x'' or true"}')`, 'RH023'],
    ["select rowhouse.protect_channel('room')", 'RH073'],
    ["select rowhouse.protect_channel('{organization_id}:*')", 'RH073'],
    ["select rowhouse.protect_channel('room:{organization_id}*')", 'RH073'],
    ["select rowhouse.protect_channel('a:{organization_id}:{organization_id}')", 'RH073'],
    ['select rowhouse.protect_channel(null)', 'RH073'],
  ])('%s is refused with %s', async (statement, sqlstate) => {
    expect(await sqlstateOf(asPostgres(statement))).toBe(sqlstate)
  })
})

describe('claims that PostgREST set', () => {
  const READ_AS_B = (ownerOfB: string): string[] => [
    `select set_config('request.jwt.claims', '${JSON.stringify(claimsOf(ownerOfB))}', true)`,
    `do $do$ begin if (select count(*) from storage.objects where name like '${worlds.b.organizationId}%') > 0 then
       raise exception 'B was read' using errcode = 'P0007'; end if; end $do$`,
  ]
  const attack = (): Promise<string> =>
    sqlstateOf(
      asPostgrest(
        database().authenticatorUrl,
        { claims: claimsOf(worlds.a.memberId), headers: { 'x-organization-id': worlds.a.organizationId } },
        'select public.run($1::text[])',
        [READ_AS_B(worlds.b.ownerId)],
      ),
    )
  const unsealed = (): Promise<string> =>
    sqlstateOf(
      asPostgrest(database().authenticatorUrl, { claims: { role: 'authenticated' } }, 'select public.run($1::text[])', [
        READ_AS_B(worlds.b.ownerId),
      ]),
    )

  it('and a function with dynamic SQL changed are not believed; with that guard removed they are', async () => {
    await asPostgres(`create function public.run(statements text[]) returns void language plpgsql as $$
      declare statement text;
      begin foreach statement in array statements loop execute statement; end loop; end $$`)
    expect(await attack()).toBe('done')
    expect(await unsealed()).toBe('done')
    const definition = await definitionOf('rowhouse.claimed_organizations(text)')
    const open = definition.replace(/elsif session_user not in [^\n]*? then/, 'else')
    expect(open).not.toBe(definition)
    await removing(open, definition, async () => {
      expect(await unsealed()).toBe('P0007')
    })
  })
})

describe('a protected channel', () => {
  const join = (claims: JwtClaims | null, topic: string) => asRealtime(database().adminUrl, claims, topic)
  const roomOf = (world: World, rest = 'lobby'): string => `room:${world.organizationId}:${rest}`
  const [all, none, reads] = [
    { reads: true, writes: true },
    { reads: false, writes: false },
    { reads: true, writes: false },
  ]

  it('lets members in as their role allows, and nobody else', async () => {
    expect(await join(claimsOf(worlds.a.memberId), roomOf(worlds.a))).toEqual(all)
    expect(await join(claimsOf(worlds.a.viewerId), roomOf(worlds.a))).toEqual(reads)
    expect(await join(claimsOf(worlds.a.memberId), roomOf(worlds.b))).toEqual(none)
    expect(await join(null, roomOf(worlds.a))).toEqual(none)
    const forged = claimsOf(randomUUID(), { user_metadata: { organization_id: worlds.a.organizationId } })
    expect(await join(forged, roomOf(worlds.a))).toEqual(none)
  })

  it('reads a topic letter by letter', async () => {
    const member = claimsOf(worlds.a.memberId)
    const { organizationId } = worlds.a
    expect(await join(member, `room:${organizationId}:`)).toEqual(all)
    for (const topic of [
      `room:${organizationId}`,
      `room:${organizationId}0:lobby`,
      `room:${organizationId.toUpperCase()}:lobby`,
      `room:${organizationId.slice(0, -1)}%:lobby`,
      `room:*`,
      `room:%:lobby`,
      `Room:${organizationId}:lobby`,
      `xroom:${organizationId}:lobby`,
      `room:${worlds.b.organizationId}:${organizationId}:lobby`,
    ]) {
      expect([topic, await join(member, topic)]).toEqual([topic, none])
    }
  })

  it('forgets a member at once', async () => {
    const user = await memberOf(worlds.a, 'member')
    expect(await join(claimsOf(user), roomOf(worlds.a))).toEqual(all)
    await withClient(database().controlUrl, (control) =>
      control.query('delete from rowhouse.members where user_id = $1', [user]),
    )
    expect(await join(claimsOf(user), roomOf(worlds.a))).toEqual(none)
  })

  it('holds beside a policy that opens every topic, and leaves other topics to it', async () => {
    await removing(
      'create policy everybody on realtime.messages for all to public using (true) with check (true)',
      'drop policy everybody on realtime.messages',
      async () => {
        expect(await join(claimsOf(worlds.a.memberId), roomOf(worlds.b))).toEqual(none)
        expect(await join(claimsOf(worlds.a.memberId), 'news')).toEqual(all)
      },
    )
  })
})

describe('with a guard removed', () => {
  it('the restrictive policy of a bucket: another policy opens it', async () => {
    const { rows } = await asPostgres(
      "select polname from pg_policy where polname like 'rowhouse_bucket_%_organization' and pg_get_expr(polqual, polrelid) like '%files%'",
    )
    const name = String(rows[0]?.['polname'])
    await withClient(database().adminUrl, async (admin) => {
      await admin.query(`drop policy ${name} on storage.objects`)
      await admin.query('create policy everybody on storage.objects for all to public using (true) with check (true)')
    })
    expect(await list(claimsOf(worlds.a.memberId))).toEqual([...namesOf(worlds.a), ...namesOf(worlds.b)].sort())
    await asPostgres('drop policy everybody on storage.objects')
    await asPostgres("select rowhouse.protect_bucket('files')")
    expect(await list(claimsOf(worlds.a.memberId))).toEqual(namesOf(worlds.a))
  })

  it('the exact uuid: a path by prefix reaches another organization', async () => {
    const definition = await definitionOf('rowhouse.path_organization(text)')
    const loose = definition.replace(/when path ~ [^]*?then/, "when path ~ '^[0-9a-f-]{36}' then")
    expect(loose).not.toBe(definition)
    await removing(loose, definition, async () => {
      const climbing = `${worlds.a.organizationId}/../${worlds.b.organizationId}/x`
      expect(await upload(claimsOf(worlds.a.memberId), climbing)).toBe('done')
    })
    await withClient(database().adminUrl, async (admin) => {
      await admin.query("set storage.allow_delete_query = 'true'")
      await admin.query("delete from storage.objects where name like '%..%'")
    })
  })

  it('the membership: a stale JWT keeps its organization', async () => {
    const definition = await definitionOf('rowhouse.claimed_organizations(text)')
    const stale = definition.replace(
      /return query[^]*?;\s*end/,
      "return query select (claims -> 'app_metadata' ->> 'organization_id')::uuid; end",
    )
    expect(stale).not.toBe(definition)
    await removing(stale, definition, async () => {
      const left = claimsOf(randomUUID(), { app_metadata: { organization_id: worlds.a.organizationId } })
      expect(await list(left)).toEqual(namesOf(worlds.a))
    })
  })
})
