// Schemas that other people make: Supabase with a JWT, settings of an application, a schema for each organization, and
// one that nobody can fill.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@rowhouse/embedded'
import { useSupabaseDatabase, useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { cloneTwoWorlds } from './clone-two-worlds.ts'
import type { ScratchWorld, TwoWorlds } from './clone-two-worlds.ts'
import type { Context } from './contexts/contexts.ts'
import type { ScratchServer } from './scratch.ts'

const database = useTestDatabase()

async function count(
  world: ScratchWorld,
  kind: Context['kind'],
  organization: 'A' | 'B',
  sql: string,
): Promise<number> {
  const context = world.contexts.find((each) => each.kind === kind && each.organization === organization) as Context
  return withClient(world.adminUrl, async (client) => {
    await client.query(`set session authorization "${context.login}"`)
    await client.query('begin')
    for (const statement of context.statements()) await client.query(statement)
    const { rowCount } = await client.query(sql)
    await client.query('rollback')
    return rowCount ?? 0
  })
}

/** A server of its own, so that roles of the project do not stay in the one that other tests use. */
async function startServer(): Promise<ScratchServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'rowhouse-scratch-'))
  const server = await startPostgres({ dataDir, durable: false })
  return {
    adminUrl: server.adminUrl,
    stop: async () => {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

describe('a Supabase project, copied to a server that is started for it', () => {
  const project = useSupabaseDatabase({ installed: false })
  let worlds: TwoWorlds
  beforeAll(async () => {
    await withClient(project().postgresUrl, (postgres) =>
      postgres.query(`
        create table public.workspaces (id uuid primary key default gen_random_uuid(), name text not null);
        create table public.memberships (workspace_id uuid references public.workspaces (id), user_id uuid references auth.users (id), role text check (role in ('owner', 'member')), primary key (workspace_id, user_id));
        create table public.tasks (id bigint generated always as identity primary key, workspace_id uuid not null references public.workspaces (id), title text not null, done boolean not null default false);
        alter table public.workspaces enable row level security;
        alter table public.memberships enable row level security;
        alter table public.tasks enable row level security;
        create policy own on public.memberships for select to authenticated using (user_id = auth.uid());
        create policy member on public.tasks to authenticated using (workspace_id in (select m.workspace_id from public.memberships m where m.user_id = (select auth.uid())));
        grant select, insert, update, delete on all tables in schema public to authenticated;
      `),
    )
    worlds = await cloneTwoWorlds(project().postgresUrl, { startServer })
  })
  afterAll(() => worlds?.close())

  it('knows workspaces for organizations and auth.users for people', () => {
    expect([worlds.model.tenantTable, worlds.model.usersTable, worlds.model.supabase]).toEqual([
      'public.workspaces',
      'auth.users',
      true,
    ])
    expect(worlds.model.ownership.get('public.tasks')).toEqual({
      kind: 'column',
      column: 'workspace_id',
    })
  })

  it('names what is not the same there', () => {
    const objects = worlds.notCovered.map(({ object }) => object)
    // The scratch server has a postgres of its own, a superuser.
    expect(objects).toContain('role postgres')
    expect(
      worlds.notCovered.filter(({ object }) => /^(table|policy|function|view) (public|auth)\./.test(object)),
    ).toEqual([])
  })

  it('lets a person of A read what is A’s, as PostgREST would', async () => {
    for (const world of [worlds.world1, worlds.world2]) {
      expect(await count(world, 'supabase', 'A', 'select from public.tasks')).toBe(3)
      expect(await count(world, 'supabase', 'B', 'select from public.tasks')).toBe(world.number === 1 ? 3 : 4)
    }
  })
})

describe('a schema whose policies read a setting', () => {
  let worlds: TwoWorlds
  beforeAll(async () => {
    await withClient(database().adminUrl, (admin) =>
      admin.query(`
        create role makes_app login;
        create schema app;
        create table app.tenants (id int primary key, name text);
        create table app.orders (id serial primary key, tenant_id int not null references app.tenants (id), total numeric(6, 2) check (total > 100));
        create table app.order_lines (order_id int references app.orders (id), line int, note text, primary key (order_id, line));
        create table app.countries (code char(2) primary key, name text);
        create table app.vectors (tenant_id int not null, shape aclitem not null);
        alter table app.orders enable row level security;
        create policy mine on app.orders using (tenant_id = current_setting('app.current_tenant')::int);
        grant usage on schema app to makes_app;
        grant select on all tables in schema app to makes_app;
      `),
    )
    worlds = await cloneTwoWorlds(database().adminUrl, {
      scratch: 'same-server',
      tenantTable: 'app.tenants',
    })
  })
  afterAll(async () => {
    await worlds?.close()
    await withClient(database().adminUrl, (admin) => admin.query('drop owned by makes_app; drop role makes_app'))
  })

  it('reaches children by their parent, and tells what is everybody’s', () => {
    expect(worlds.model.ownership.get('app.order_lines')).toMatchObject({
      kind: 'parent',
      table: 'app.orders',
    })
    expect(worlds.model.ownership.get('app.countries')).toEqual({ kind: 'global' })
  })

  it('makes a request by that setting', async () => {
    expect(await count(worlds.world2, 'settings', 'A', 'select from app.orders')).toBe(3)
    expect(await count(worlds.world2, 'settings', 'B', 'select from app.orders')).toBe(4)
  })

  it('names a table that cannot be filled, and why', () => {
    expect(worlds.notCovered).toContainEqual({
      object: 'table app.vectors', probe: 'plant A', reason: 'nothing is known about the type aclitem of shape',
    }) // prettier-ignore
  })
})

describe('a schema for each organization', () => {
  let worlds: TwoWorlds
  beforeAll(async () => {
    await withClient(database().adminUrl, async (admin) => {
      for (const schema of ['t_alder', 't_birch', 't_cedar']) {
        await admin.query(`create schema ${schema}; create table ${schema}.projects (id int primary key, name text)`)
      }
    })
    worlds = await cloneTwoWorlds(database().adminUrl, { scratch: 'same-server' })
  })
  afterAll(() => worlds?.close())

  it('is the home of A in the first and of B in the second', () => {
    const rows = (name: string): number[] => {
      const planted = worlds.planted.find(({ table }) => table === name)
      return [planted?.a.length ?? 0, planted?.b1.length ?? 0, planted?.b2.length ?? 0]
    }
    expect([rows('t_alder.projects'), rows('t_birch.projects')]).toEqual([
      [3, 0, 0],
      [0, 3, 4],
    ])
    expect([worlds.world1.a.schema, worlds.world1.b.schema]).toEqual(['t_alder', 't_birch'])
  })
})
