// A Supabase project for each home: against a simulated Management API, and a Postgres shaped like a project's, whose
// `postgres` is no superuser.
import { randomUUID } from 'node:crypto'
import { startSupabasePlatform } from '@rowhouse/sandbox'
import type { SupabasePlatform } from '@rowhouse/sandbox'
import { sqlstateOf, startSupabaseServer, withClient } from '@rowhouse/testkit'
import type { SupabaseServer } from '@rowhouse/testkit'
import { loginUrl } from '@rowhouse/database'
import type { HomeLogin } from '@rowhouse/database'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { readHome } from '../home.ts'
import { useFleet } from '../test-fleet.ts'
import { homeProblems } from '../verify-home.ts'
import { supabaseDriver } from './supabase.ts'

let server: SupabaseServer
let platform: SupabasePlatform
let waitedMs = 0
const port = (): number => Number(new URL(server.adminUrl).port)

const test = useFleet({
  drivers: [
    {
      name: 'supabase',
      ...(() => {
        // The port is known once the server runs.
        const driver = () =>
          supabaseDriver({
            databasePort: port(),
            sleep: (ms) => {
              waitedMs += ms
              return Promise.resolve()
            },
          })
        return {
          create: (order) => driver().create(order),
          remove: (order) => driver().remove(order),
          check: (access) => driver().check(access),
        }
      })(),
    },
  ],
})

const access = (token = 'sbp_0123456789'): string => {
  const url = new URL(platform.url)
  ;[url.username, url.password] = ['acme-inc', token]
  url.search = '?size=micro'
  return url.href
}

beforeAll(async () => {
  server = await startSupabaseServer()
})
afterAll(() => server?.stop())

beforeEach(async () => {
  // A project's database is called postgres.
  const name = `p_${randomUUID().slice(0, 8)}`
  await server.createProject(name)
  await withClient(server.urlOf('template1'), async (admin) => {
    // Connections that are kept for the next home.
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'postgres'")
    await admin.query(`alter database postgres rename to old_${name}`)
    await admin.query(`alter database ${name} rename to postgres`)
  })
  platform = await startSupabasePlatform({
    organizationSlug: 'acme-inc',
    accessToken: 'sbp_0123456789',
    async database({ password }) {
      await withClient(server.urlOf('postgres'), (admin) => admin.query(`alter role postgres password '${password}'`))
      return { host: '127.0.0.1' }
    },
  })
  await test().fleet.clusters.add({ id: 'supabase', region: 'eu-central-1', driver: 'supabase', url: access() })
})
afterEach(async () => {
  const { admin } = test()
  for (const { login } of await admin("select login from rowhouse.homes where cluster like 'supabase%'")) {
    await withClient(server.urlOf('postgres'), (project) =>
      project.query(
        `do $$ begin if exists (select from pg_roles where rolname = '${String(login)}') then
           execute 'drop owned by ${String(login)} cascade'; execute 'drop role ${String(login)}'; end if; end $$`,
      ),
    )
  }
  await admin("update rowhouse.plans set cluster = null where cluster = 'supabase'")
  await admin("delete from rowhouse.placements where cluster like 'supabase%'")
  await admin("delete from rowhouse.homes where cluster like 'supabase%'")
  await admin("delete from rowhouse.clusters where parent = 'supabase'")
  await admin("delete from rowhouse.clusters where id = 'supabase'")
  await platform.close()
})

const organization = async () => ({
  name: 'Acme',
  slug: `acme-${randomUUID()}`,
  ownerId: null,
  plan: await test().plan('database', { cluster: 'supabase' }),
})

describe('a home in a Supabase project', () => {
  it('is a project in the region of the cluster, and held to its organization like any other', async () => {
    const { fleet, admin } = test()
    const id = await fleet.createOrganization(await organization())
    expect(platform.projects).toEqual([
      expect.objectContaining({ region: 'eu-central-1', instanceSize: 'micro', status: 'ACTIVE_HEALTHY' }),
    ])
    const [place] = await admin('select * from rowhouse.placements where organization_id = $1', [id])
    expect(place).toMatchObject({ cluster: `supabase-${platform.projects[0]?.name}`, database_name: 'postgres' })
    const home = await readHome(fleet.context.catalogue, String(place?.['home_id']))
    expect(await homeProblems(fleet.context, home)).toEqual([])
    const asHome = withClient(
      loginUrl(server.urlOf('postgres'), place?.['login'] as HomeLogin, test().database.signingKey),
      (client) => client.query('select from contacts'),
    )
    expect(await sqlstateOf(asHome)).toBe('done')
    // Its own services still connect, and a request through its gateway finds nothing of the home.
    expect(
      await sqlstateOf(withClient(server.urlOf('postgres', 'authenticator'), (client) => client.query('select 1'))),
    ).toBe('done')
    const gateway = withClient(server.urlOf('postgres', 'authenticator'), (client) =>
      client.query('set role authenticated; select from public.contacts'),
    )
    expect(await sqlstateOf(gateway)).toBe('42501')
  })

  it('is dropped with its project', async () => {
    const { fleet, admin } = test()
    const home = await fleet.createHome({ cluster: 'supabase', isolation: 'database' })
    await fleet.dropHome(home.id)
    expect(platform.projects.map(({ status }) => status)).toEqual(['REMOVED'])
    expect(await admin("select from rowhouse.clusters where parent = 'supabase'")).toEqual([])
  })

  it('whose answer was lost is found again by its name, and not made twice', async () => {
    const { fleet, admin } = test()
    platform.loseNextAnswer()
    await expect(fleet.createHome({ cluster: 'supabase', isolation: 'database' })).rejects.toMatchObject({
      code: 'supabase_unreachable',
    })
    expect(await fleet.reconcile()).toMatchObject({ finished: 1, failed: 0 })
    expect(platform.projects).toHaveLength(1)
    expect(await admin("select state from rowhouse.homes where cluster like 'supabase-%'")).toEqual([
      { state: 'spare' },
    ])
  })

  it('that never comes up is said, and nothing of the organization is left', async () => {
    const { fleet, admin } = test()
    platform.failNextProject()
    const wanted = await organization()
    await expect(fleet.createOrganization(wanted)).rejects.toMatchObject({
      code: 'supabase_project_failed',
      message: expect.stringContaining('INIT_FAILED'),
    })
    expect(await admin('select from rowhouse.organizations where slug = $1', [wanted.slug])).toEqual([])
    expect(platform.projects.map(({ status }) => status)).toEqual(['REMOVED'])
    expect(await admin("select from rowhouse.homes where cluster like 'supabase%'")).toEqual([])
  })
})

describe('the platform', () => {
  it('that asks to wait is waited for; a server error is tried again, but not a project that may have been made', async () => {
    const { fleet } = test()
    waitedMs = 0
    platform.refuseNext(429, { 'x-ratelimit-reset': '7' })
    await fleet.clusters.check('supabase')
    expect(waitedMs).toBe(7000)
    platform.refuseNext(503)
    expect(await fleet.clusters.check('supabase')).toMatchObject({ checkError: null })
  })

  it('that refuses the token says so when the cluster is added, and keeps nothing', async () => {
    const { fleet } = test()
    const add = fleet.clusters.add({ id: 'wrong', region: 'eu', driver: 'supabase', url: access('sbp_wrong') })
    await expect(add).rejects.toMatchObject({ code: 'supabase_unauthorized' })
    const plain = fleet.clusters.add({ id: 'wrong', region: 'eu', driver: 'supabase', url: 'http://a:b@example.com' })
    await expect(plain).rejects.toMatchObject({ code: 'invalid_option' })
    const unknown = fleet.clusters.add({ id: 'wrong', region: 'eu', driver: 'other', url: access() })
    await expect(unknown).rejects.toMatchObject({ code: 'driver_unknown' })
    expect((await fleet.clusters.list()).map(({ id }) => id)).not.toContain('wrong')
  })
})
