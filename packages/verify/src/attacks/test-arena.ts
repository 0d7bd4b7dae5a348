// Arenas for tests, made by hand: a schema with rows of A and B, and the same again with other rows of B.
import { randomBytes } from 'node:crypto'
import { createTestDatabase, createTwoWorlds, goPastTheGuard, mintToken, withClient } from '@rowhouse/testkit'
import type { TestDatabase, TwoWorlds } from '@rowhouse/testkit'
import { inject } from 'vitest'

import type { Arena, AttackContext, Ownership } from './arena.ts'

export const A = 'aaaaaaaa-0000-4000-8000-000000000001'
export const B = 'bbbbbbbb-0000-4000-8000-000000000002'

export interface HandMade {
  readonly arena: Arena
  readonly login: string
  drop(): Promise<void>
}

/** Makes ids that tell whose they are: `id('b', 1)`. */
export const id = (letter: string, number: number): string =>
  `${letter.repeat(8)}-1111-4000-8000-${String(number).padStart(12, '0')}`

/**
 * A schema of two worlds. `{login}` in SQL is a role of this arena alone: roles belong to the cluster. `secretOf` gives
 * what differs: it is called for each world.
 */
export async function makeArena(options: {
  readonly schema: string
  /** Rows of both organizations; `world` is 0 or 1, and only B's may depend on it. */
  readonly rows: (world: 0 | 1) => string
  readonly owners: Readonly<Record<string, Ownership>>
  readonly contexts: (login: string) => readonly AttackContext[]
  readonly adminUrl?: string
}): Promise<HandMade> {
  const adminUrl = options.adminUrl ?? inject('adminUrl')
  const tag = randomBytes(4).toString('hex')
  const login = `attacked_${tag}`
  const names = [`rowhouse_world_${tag}_0`, `rowhouse_world_${tag}_1`] as const
  const urls = names.map((name) => Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href) as [string, string]
  await withClient(adminUrl, async (admin) => {
    await admin.query(`create role ${login} login`)
    for (const name of names) await admin.query(`create database ${name}`)
  })
  for (const world of [0, 1] as const) {
    await withClient(urls[world], async (admin) => {
      await admin.query(`revoke temporary on database ${names[world]} from public`)
      await admin.query(options.schema.replaceAll('{login}', login))
      await admin.query(options.rows(world).replaceAll('{login}', login))
    })
  }
  return {
    login,
    arena: {
      worlds: urls,
      contexts: options.contexts(login),
      owners: new Map(Object.entries(options.owners)),
      organizations: { a: A, b: B },
    },
    drop: () =>
      withClient(adminUrl, async (admin) => {
        for (const name of names) await admin.query(`drop database if exists ${name} with (force)`)
        const { rows } = await admin.query<{ name: string }>(
          'select rolname as name from pg_roles where rolname like $1',
          [`${login}%`],
        )
        for (const { name } of rows) await admin.query(`drop role ${name}`)
      }),
  }
}

/** Rows of A and B by the column that names the organization. */
export const byColumn = (column: string): Ownership => ({
  a: `${column} = '${A}'`,
  b: `${column} = '${B}'`,
  tenantColumn: column,
})

/** As an application that names the organization in a setting, and one that has named none. */
export const bySetting = (login: string, setting = 'app.organization_id'): readonly AttackContext[] => {
  const name = (organization: string) => () => [`select set_config('${setting}', '${organization}', true)`]
  return [
    { name: `${setting} of A`, login, enter: name(A), enterAsB: name(B), actsForA: true, madeBySql: true },
    { name: 'no context', login, enter: () => [], actsForA: false },
  ]
}

export interface Protected {
  readonly arena: Arena
  readonly worlds: TwoWorlds
  readonly first: TestDatabase
  /** Administrators' URLs of the two worlds. */
  readonly urls: readonly [string, string]
  drop(): Promise<void>
}

/**
 * Two databases with Rowhouse in them: the second is a copy of the first, with other rows of B.
 *
 * @param schema more of it, as an administrator, given the ids of A and B
 * @param other what makes B another one in it, run in the second
 */
export async function makeProtected(
  schema: (a: string, b: string) => string = () => '',
  other: (b: string) => string = () => '',
): Promise<Protected> {
  const first = await createTestDatabase()
  const worlds = await createTwoWorlds(first)
  const { a, b } = worlds
  await withClient(first.adminUrl, (admin) => admin.query(schema(a.organizationId, b.organizationId)))
  await withClient(first.controlUrl, async (control) => {
    for (const [name, world] of [
      ['alder', a],
      ['birch', b],
    ] as const) {
      await control.query('insert into rowhouse.users (id, email, name) values ($1, $2, $3) on conflict do nothing', [
        world.ownerId,
        `owner@${name}.example`,
        `Owner of ${name}`,
      ])
    }
  })
  const second = `${first.name}_b`
  const secondUrl = Object.assign(new URL(first.adminUrl), { pathname: `/${second}` }).href
  await withClient(inject('adminUrl'), (admin) => admin.query(`create database ${second} template ${first.name}`))
  // Both worlds alike, or what the guard refuses would be a difference.
  await goPastTheGuard(secondUrl)
  await withClient(secondUrl, async (admin) => {
    // A copy has the keys of its source; with its own name they work, so one token opens both worlds.
    await admin.query('update rowhouse.database set name = current_database()')
    const { rows } = await admin.query<{ statement: string }>(
      `select format('revoke temporary on database %I from public; grant connect, temporary on database %1$I to rowhouse_migrator', current_database()) as statement`,
    )
    await admin.query(rows[0]?.statement ?? '')
    await admin.query(differentB(b.organizationId))
    await admin.query(other(b.organizationId))
  })
  const token = (organizationId: string, user: string) => (): readonly string[] => [
    `select rowhouse.enter('${mintToken(first, { org: organizationId, user })}')`,
  ]
  const claims = (organizationId: string, user: string) => (): readonly string[] => [
    `select set_config('search_path', 'public', true), set_config('role', 'authenticated', true),
       set_config('request.jwt.claims', '${JSON.stringify({ role: 'authenticated', sub: user })}', true),
       set_config('request.method', 'POST', true), set_config('request.path', '/notes', true),
       set_config('request.headers', '${JSON.stringify({ 'x-organization-id': organizationId })}', true)`,
    'select "rowhouse"."pre_request"()',
  ]
  const organization = (column: string): Ownership => ({
    a: `${column} = '${a.organizationId}'`,
    b: `${column} = '${b.organizationId}'`,
    tenantColumn: column,
  })
  const people = (world: typeof a): string => `('${world.ownerId}', '${world.memberId}', '${world.viewerId}')`
  const owners = new Map<string, Ownership>([
    ['rowhouse.organizations', organization('id')],
    ['rowhouse.users', { a: `id in ${people(a)}`, b: `id in ${people(b)}`, tenantColumn: null }],
  ])
  await withClient(first.adminUrl, async (admin) => {
    const { rows } = await admin.query<{ name: string; column: string }>(
      `select n.nspname || '.' || c.relname as name, a.attname as column
       from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
         and a.attname in ('organization_id', 'organization') and not a.attisdropped`,
    )
    for (const { name, column } of rows) owners.set(name, organization(column))
  })
  return {
    first,
    worlds,
    urls: [first.adminUrl, secondUrl],
    arena: {
      worlds: [first.adminUrl, secondUrl],
      organizations: { a: a.organizationId, b: b.organizationId },
      signer: { databaseId: first.databaseId, signingKey: first.signingKey },
      owners,
      contexts: [
        {
          name: 'token of A',
          login: 'rowhouse_app',
          enter: token(a.organizationId, a.ownerId),
          enterAsB: token(b.organizationId, b.ownerId),
          actsForA: true,
        },
        { name: 'no context', login: 'rowhouse_app', enter: () => [], actsForA: false },
        {
          name: 'gateway door as A',
          login: 'authenticator',
          enter: claims(a.organizationId, a.ownerId),
          enterAsB: claims(b.organizationId, b.ownerId),
          actsForA: true,
        },
      ],
    },
    drop: async () => {
      await withClient(inject('adminUrl'), (admin) => admin.query(`drop database if exists ${second} with (force)`))
      await first.drop()
    },
  }
}

/** Every row of B becomes another one, and one of its notes and folders is not there. */
const differentB = (b: string): string => `
  set session_replication_role = replica;
  delete from notes where organization_id = '${b}' and id = (select min(id::text)::uuid from notes where organization_id = '${b}');
  update notes set id = gen_random_uuid(), body = 'another ' || md5(body), folder_id = null where organization_id = '${b}';
  update folders set id = gen_random_uuid(), name = 'another ' || md5(name) where organization_id = '${b}';
  update rowhouse.users set email = 'another-' || email where email like '%birch%';
  update rowhouse.organizations set name = 'Another one', slug = 'another-' || slug where id = '${b}';
  reset session_replication_role`
