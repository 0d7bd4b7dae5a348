// Three small applications that were written around a setting or a claim, adopted: their schemas, their policies, and
// the same queries before and after. One reads app.organization_id, one app.current_tenant_id, one the claims of auth.jwt().
import { adopt } from '@rowhouse/database'
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds, World } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createRowhouse } from './create-rowhouse.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let admin: Client
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  admin = new Client(database().adminUrl)
  await admin.connect()
  await admin.query('create role old_application nologin')
})
afterAll(async () => {
  await admin.query('reset role; drop owned by old_application; drop role old_application')
  await admin.end()
})

type Ask = (world: World, text: string, values?: readonly unknown[]) => Promise<readonly unknown[]>

/** As the application did: its own login, and a setting for the transaction. */
const before =
  (setting: string): Ask =>
  async (world, text, values = []) => {
    await admin.query('begin; set local role old_application')
    try {
      await admin.query('select set_config($1, $2, true)', [setting, world.organizationId])
      const { rows } = await admin.query(text, [...values])
      await admin.query('commit')
      return rows
    } catch (error) {
      await admin.query('rollback')
      throw error
    }
  }

/** Runs `use` with a runtime that serves the settings. */
async function after(settings: readonly string[], use: (ask: Ask) => Promise<void>): Promise<void> {
  const rowhouse = createRowhouse({ url: database().appUrl, signingKey: database().signingKey, settings })
  try {
    await use(
      async (world, text, values = []) =>
        (await rowhouse.as({ organizationId: world.organizationId, userId: world.ownerId }).query(text, [...values]))
          .rows,
    )
  } finally {
    await rowhouse.close()
  }
}

const adoptTables = (tables: readonly string[], from: Record<string, string>, parent: Record<string, string> = {}) =>
  withClient(database().adminUrl, (client) =>
    adopt(client, { tables, from, parent }, { confirm: () => Promise.resolve(true), pace: { rest: 0 } }),
  )

/** The same answers for both tenants, before and after. */
async function answers(ask: Ask, queries: readonly string[]): Promise<unknown[]> {
  const all: unknown[] = []
  for (const world of [worlds.a, worlds.b]) for (const query of queries) all.push(await ask(world, query))
  return all
}

describe('an application of app.organization_id', () => {
  const queries = [
    'select name from desk_contacts order by name',
    "select count(*)::int as n from desk_contacts where organization_id = current_setting('app.organization_id')::uuid",
    'select c.name, d.title from desk_contacts c join desk_deals d on d.contact_id = c.id order by d.title',
    "insert into desk_contacts (organization_id, name) values (current_setting('app.organization_id')::uuid, 'new') returning name",
    "update desk_contacts set name = 'newer' where name = 'new' returning name",
    "delete from desk_contacts where name = 'newer' returning name",
  ]

  it('keeps its queries and loses its policies; what it set by hand, the seal now sets', async () => {
    await admin.query(`
      create table desk_contacts (id uuid primary key default gen_random_uuid(), organization_id uuid not null, name text not null);
      create table desk_deals (id uuid primary key default gen_random_uuid(), contact_id uuid not null references desk_contacts on delete cascade, title text);
      alter table desk_contacts enable row level security;
      create policy tenant on desk_contacts using (organization_id = current_setting('app.organization_id')::uuid);
      create index on desk_contacts (organization_id);
      grant all on desk_contacts, desk_deals to old_application`)
    for (const world of [worlds.a, worlds.b])
      await admin.query(
        `with c as (insert into desk_contacts (organization_id, name) select $1, $2 || n from generate_series(1, 3) n returning id, name)
         insert into desk_deals (contact_id, title) select id, 'deal of ' || name from c`,
        [world.organizationId, world.slug],
      )
    const then = await answers(before('app.organization_id'), queries)
    await adoptTables(['desk_contacts', 'desk_deals'], {})
    await after(['app.organization_id'], async (ask) => {
      expect(await answers(ask, queries)).toEqual(then)
      // The deals had no policy at all.
      expect(await ask(worlds.a, 'select count(*)::int as n from desk_deals')).toEqual([{ n: 3 }])
    })
  })

  it('finds nothing of others by changing the setting, and without the option its queries have none', async () => {
    await after(['app.organization_id'], async (ask) => {
      // Flipped inside the statement, before the scan of the table and after the planner's question.
      const flip = `with f as materialized (select set_config('app.organization_id', '${worlds.b.organizationId}', true))`
      const own = "c.organization_id = current_setting('app.organization_id')::uuid"
      const attacks = [
        `${flip} select c.* from f, desk_contacts c where ${own}`,
        `${flip} update desk_contacts c set name = 'taken' from f where ${own} returning c.*`,
        `${flip} delete from desk_contacts c using f where ${own} returning c.*`,
      ]
      const all = 'select id, name from desk_contacts order by id'
      const ofB = await ask(worlds.b, all)
      expect(ofB).toHaveLength(3)
      for (const attack of attacks) {
        // A plan that reads the table before it flips the setting may give a row of its own.
        const others = (await ask(worlds.a, attack)).filter(
          (row) => (row as { organization_id: string }).organization_id !== worlds.a.organizationId,
        )
        expect(others).toEqual([])
        expect(await ask(worlds.b, all)).toEqual(ofB)
      }
      // The attack is real: with the first comparison alone it reads all of B.
      const { rows } = await admin.query<{ using: string }>(
        "select qual as using from pg_policies where tablename = 'desk_contacts' and policyname = 'rowhouse_organization'",
      )
      await admin.query(
        'alter policy rowhouse_organization on desk_contacts using (organization_id = (select rowhouse.organization_id()))',
      )
      const seen = await ask(worlds.a, attacks[0] as string)
      await admin.query(`alter policy rowhouse_organization on desk_contacts using (${rows[0]?.using})`)
      expect(seen).toEqual(ofB.map(() => expect.objectContaining({ organization_id: worlds.b.organizationId })))
      expect(await ask(worlds.a, attacks[0] as string)).toEqual([])
    })
    await after([], async (ask) => {
      await expect(ask(worlds.a, queries[1] as string)).rejects.toMatchObject({ code: 'query_failed' })
    })
  })
})

describe('an application of app.current_tenant_id and tenant_id', () => {
  const queries = [
    "select name from yard_projects where tenant_id = current_setting('app.current_tenant_id')::uuid order by name",
    'select t.title from yard_tasks t join yard_projects p on p.tenant_id = t.tenant_id and p.id = t.project_id order by 1',
    "insert into yard_projects (tenant_id, name) values (current_setting('app.current_tenant_id')::uuid, 'new') returning name",
    "insert into yard_tasks (tenant_id, project_id, title) select tenant_id, id, 'its task' from yard_projects where name = 'new' returning title",
    "delete from yard_projects where name = 'new' returning name, tenant_id = current_setting('app.current_tenant_id')::uuid as own",
  ]

  it('keeps its queries, its composite keys and its column', async () => {
    await admin.query(`
      create table yard_tenants (id uuid primary key, name text);
      create table yard_projects (
        tenant_id uuid not null references yard_tenants on delete cascade,
        id uuid not null default gen_random_uuid(), name text not null,
        primary key (tenant_id, id), unique (tenant_id, name));
      create table yard_tasks (
        id bigint primary key generated always as identity,
        tenant_id uuid not null references yard_tenants, project_id uuid not null, title text,
        foreign key (tenant_id, project_id) references yard_projects on delete cascade);
      create index on yard_projects (tenant_id);
      alter table yard_projects enable row level security; alter table yard_tasks enable row level security;
      create policy tenant_isolation on yard_projects using (tenant_id = current_setting('app.current_tenant_id')::uuid);
      create policy tenant_isolation on yard_tasks using (tenant_id = current_setting('app.current_tenant_id')::uuid);
      grant all on yard_projects, yard_tasks to old_application; grant select on yard_tenants to old_application`)
    for (const world of [worlds.a, worlds.b]) {
      await admin.query('insert into yard_tenants values ($1, $2)', [world.organizationId, world.slug])
      await admin.query(
        `with p as (insert into yard_projects (tenant_id, name) select $1, 'project ' || n from generate_series(1, 3) n returning *)
         insert into yard_tasks (tenant_id, project_id, title) select tenant_id, id, 'task of ' || name from p`,
        [world.organizationId],
      )
    }
    const then = await answers(before('app.current_tenant_id'), queries)
    await adoptTables(['yard_projects', 'yard_tasks'], { yard_projects: 'tenant_id', yard_tasks: 'tenant_id' })
    await after(['app.current_tenant_id'], async (ask) => expect(await answers(ask, queries)).toEqual(then))
    const { rows } = await admin.query(
      `select pg_get_constraintdef(oid) as definition from pg_constraint
       where conrelid in ('yard_projects'::regclass, 'yard_tasks'::regclass) and contype in ('p', 'u', 'f') and confrelid <> 'rowhouse.organizations'::regclass order by 1`,
    )
    expect(rows.map(({ definition }: { definition: string }) => definition)).toEqual([
      'FOREIGN KEY (organization_id, project_id) REFERENCES yard_projects(organization_id, id) ON DELETE CASCADE',
      'FOREIGN KEY (tenant_id) REFERENCES yard_tenants(id)',
      'FOREIGN KEY (tenant_id) REFERENCES yard_tenants(id) ON DELETE CASCADE',
      'PRIMARY KEY (organization_id, id)',
      'PRIMARY KEY (organization_id, id)',
      'UNIQUE (organization_id, name)',
    ])
  })

  it('may name either column, both or neither; another tenant in either is refused', async () => {
    await after([], async (ask) => {
      const [own, other] = [worlds.a.organizationId, worlds.b.organizationId]
      const insert = (columns: string, ...ids: string[]) =>
        ask(
          worlds.a,
          `insert into yard_projects (${columns}name) values (${ids.map((_, index) => `$${index + 1}, `).join('')}gen_random_uuid()::text)
           returning tenant_id, organization_id`,
          ids,
        )
      const mine = [{ tenant_id: own, organization_id: own }]
      expect(await insert('')).toEqual(mine)
      expect(await insert('tenant_id, ', own)).toEqual(mine)
      expect(await insert('organization_id, ', own)).toEqual(mine)
      expect(await insert('tenant_id, organization_id, ', own, own)).toEqual(mine)
      await expect(insert('tenant_id, ', other)).rejects.toMatchObject({ code: 'check_violation' })
      await expect(insert('organization_id, ', other)).rejects.toMatchObject({ code: 'row_level_security' })
      await expect(insert('tenant_id, organization_id, ', other, other)).rejects.toMatchObject({
        code: 'row_level_security',
      })
      await expect(ask(worlds.a, 'update yard_projects set tenant_id = $1', [other])).rejects.toMatchObject({
        code: 'check_violation',
      })
    })
  })
})

describe('an application of auth.jwt()', () => {
  const claim = "(auth.jwt() -> 'app_metadata' ->> 'tenant_id')::uuid"
  const queries = [
    'select name from pier_projects order by name',
    `select name from pier_projects where tenant_id = ${claim} order by name`,
    `insert into pier_projects (tenant_id, name) values (${claim}, 'new') returning name`,
    "update pier_projects set name = 'newer' where name = 'new' returning name",
    "delete from pier_projects where name = 'newer' returning name",
  ]
  /** One request as PostgREST sends it; with the door open after adoption. */
  const request =
    (door: boolean): Ask =>
    async (world, text, values = []) =>
      withClient(database().adminUrl, async (gateway) => {
        await gateway.query('set session authorization authenticator; begin')
        await gateway.query(
          `select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true),
             set_config('request.headers', $2, true)`,
          [
            JSON.stringify({
              role: 'authenticated',
              sub: world.ownerId,
              app_metadata: { tenant_id: world.organizationId },
            }),
            JSON.stringify({ 'x-organization-id': world.organizationId }),
          ],
        )
        if (door) await gateway.query('select "rowhouse"."pre_request"()')
        const { rows } = await gateway.query(text, [...values])
        await gateway.query('commit')
        return rows
      })

  it('keeps its queries under the gateway door, and on plain Postgres with rowhouse.jwt()', async () => {
    await admin.query(`
      create schema if not exists auth; grant usage on schema auth to authenticated, rowhouse_app;
      create or replace function auth.jwt() returns jsonb language sql stable as
        $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
      create table pier_projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null, name text not null);
      alter table pier_projects enable row level security;
      create policy "Users can view own tenant projects" on pier_projects for select using (tenant_id = ${claim});
      create policy "Users can insert into own tenant" on pier_projects for insert with check (tenant_id = ${claim});
      create policy "Users can update own tenant" on pier_projects for update using (tenant_id = ${claim});
      create policy "Users can delete own tenant" on pier_projects for delete using (tenant_id = ${claim});
      grant all on pier_projects to authenticated`)
    for (const world of [worlds.a, worlds.b])
      await admin.query(`insert into pier_projects (tenant_id, name) select $1, $2 || n from generate_series(1, 3) n`, [
        world.organizationId,
        world.slug,
      ])
    const then = await answers(request(false), queries)
    const { droppedPolicies } = await adoptTables(['pier_projects'], { pier_projects: 'tenant_id' })
    expect(droppedPolicies).toHaveLength(4)
    expect(await answers(request(true), queries)).toEqual(then)
    // Without the door, claims alone no longer open anything.
    expect(await request(false)(worlds.a, queries[0] as string)).toEqual([])
    await admin.query('create or replace function auth.jwt() returns jsonb return rowhouse.jwt()')
    await after([], async (ask) => expect(await answers(ask, queries)).toEqual(then))
  })
})

describe('settings that hold the organization', () => {
  it('are the application’s own, and never a switch of Postgres or of Rowhouse', async () => {
    for (const name of [
      'search_path',
      'role',
      'rowhouse.seal',
      'request.jwt.claims',
      'app',
      "app.x'; drop",
      'App.Tenant',
    ]) {
      expect(() =>
        createRowhouse({ url: database().appUrl, signingKey: database().signingKey, settings: [name] }),
      ).toThrow(expect.objectContaining({ code: 'setting_name_invalid' }))
      await withClient(database().appUrl, async (app) => {
        await app.query('begin')
        expect(
          await sqlstateOf(app.query('select rowhouse.enter_with_settings($1, $2)', [worlds.a.token(), [name]])),
        ).toBe('RH061')
      })
    }
  })

  it('are gone with the transaction, and refused where no organization is active', async () => {
    await withClient(database().appUrl, async (app) => {
      const held = async () =>
        (await app.query("select current_setting('app.tenant', true) as held")).rows[0] as unknown
      await app.query('begin')
      await app.query('select rowhouse.enter_with_settings($1, $2)', [worlds.a.token(), ['app.tenant']])
      expect(await held()).toEqual({ held: worlds.a.organizationId })
      await app.query('commit')
      expect(await held()).toEqual({ held: '' })
      await app.query('begin')
      const nobody = app.query('select rowhouse.enter_with_settings($1, $2)', [
        worlds.a.token({ org: null }),
        ['app.tenant'],
      ])
      expect(await sqlstateOf(nobody)).toBe('RH070')
    })
  })
})
