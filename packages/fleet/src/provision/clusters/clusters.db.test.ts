// A second server beside the catalogue's: registered, lived on, gone.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { startPostgres } from '@rowhouse/embedded'
import type { EmbeddedPostgres } from '@rowhouse/embedded'
import { sqlstateOf, withClient } from '@rowhouse/testkit'
import { clusterPlace } from '@rowhouse/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { homeProblems } from '../verify-home.ts'
import { useFleet } from '../test-fleet.ts'

const carried: string[] = []
const test = useFleet({
  carryCopy: (organizationId) => {
    carried.push(organizationId)
    return Promise.resolve()
  },
})
let folder: string
let server: EmbeddedPostgres

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rowhouse-cluster-'))
  server = await startPostgres({ dataDir: folder, durable: false })
})
afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

const organization = (plan: string) => ({ name: 'Acme', slug: `acme-${randomUUID()}`, ownerId: null, plan })
const on = (database: string): string => {
  const url = new URL(server.adminUrl)
  url.pathname = `/${database}`
  return url.href
}

describe('adding a cluster', () => {
  it('is refused beyond this machine without verified TLS, before anything is asked of it', async () => {
    const add = (url: string) => test().fleet.clusters.add({ id: 'far', region: 'eu', url })
    for (const query of ['', '?sslmode=require', '?sslmode=disable', '?sslmode=verify-ca', '?sslmode=no-verify']) {
      await expect(add(`postgres://a:b@db.example.com/x${query}`)).rejects.toMatchObject({
        code: 'cluster_tls_required',
      })
    }
    await expect(add('postgres://a:b@db.invalid/x?sslmode=verify-full')).rejects.toMatchObject({
      code: 'database_unreachable',
    })
    await expect(add('http://a:b@localhost/x')).rejects.toMatchObject({ code: 'invalid_option' })
    // The database itself holds to it, whoever writes the row.
    const planted = test().admin(
      "insert into rowhouse.clusters (id, host, tls) values ('far', 'db.example.com', 'off')",
    )
    await expect(planted).rejects.toMatchObject({ code: '23514' })
  })

  it('is refused with a URL that names a template, or is not well encoded, and tells no password', async () => {
    const { host } = new URL(server.adminUrl)
    for (const url of [
      `postgres://a:hidden-word@${host}/template1`,
      `postgres://a:hidden-word@${host}/%zz`,
      `postgres://a:hidden-word%zz@${host}/x`,
      `postgres://a:hidden-word@${host}/${'x'.repeat(64)}`,
      'postgres://a:hidden-word@/x',
      'nothing',
    ]) {
      const error: unknown = await test()
        .fleet.clusters.add({ id: 'odd', region: 'eu', url })
        .catch((failure: unknown) => failure)
      expect(error).toMatchObject({ code: 'invalid_option', details: { option: 'url' } })
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('hidden-word')
    }
    expect((await test().fleet.clusters.list()).map(({ id }) => id)).toEqual(['main'])
  })

  it('is refused for the catalogue’s own server, a server that is there already, and a login that makes nothing', async () => {
    const { fleet, database } = test()
    await expect(fleet.clusters.add({ id: 'again', region: 'eu', url: database.adminUrl })).rejects.toMatchObject({
      code: 'cluster_exists',
      details: { cluster: 'main' },
    })
    await withClient(server.adminUrl, (admin) => admin.query("create role weak login password 'weak'"))
    const weak = new URL(server.adminUrl)
    ;[weak.username, weak.password] = ['weak', 'weak']
    await expect(fleet.clusters.add({ id: 'weak', region: 'eu', url: weak.href })).rejects.toMatchObject({
      code: 'cluster_login_too_weak',
    })
    weak.password = 'wrong'
    await expect(fleet.clusters.add({ id: 'weak', region: 'eu', url: weak.href })).rejects.toMatchObject({
      code: 'database_login_refused',
    })
    expect((await fleet.clusters.list()).map(({ id }) => id)).toEqual(['main'])
  })

  it('makes its data database, seals the URL, and registers a database that organizations share', async () => {
    const { fleet, admin } = test()
    const added = await fleet.clusters.add({ id: 'second', region: 'eu', url: server.adminUrl, spareSchemas: 1 })
    expect(added).toMatchObject({ status: 'active', region: 'eu', tls: 'off', host: '127.0.0.1', checkError: null })
    await expect(fleet.clusters.add({ id: 'third', region: 'eu', url: server.adminUrl })).rejects.toMatchObject({
      code: 'cluster_exists',
    })
    const rows = await withClient(on('rowhouse_data'), (client) => client.query('select * from rowhouse.findings()'))
    expect(rows.rows).toEqual([])
    const [row] = await admin("select admin_sealed from rowhouse.clusters where id = 'second'")
    expect(String(row?.['admin_sealed'])).not.toContain(new URL(server.adminUrl).password)
    expect(await admin("select isolation, database_name from rowhouse.homes where cluster = 'second'")).toEqual([
      { isolation: 'shared', database_name: 'rowhouse_data' },
    ])
  })

  it('keeps the URL from rowhouse_app, and bound to its own row', async () => {
    const { database, fleet, admin } = test()
    const asApp = withClient(database.appUrl, (client) => client.query('select admin_sealed from rowhouse.clusters'))
    expect(await sqlstateOf(asApp)).toBe('42501')
    await admin(
      `insert into rowhouse.clusters (id, host, tls, admin_sealed, key_id)
       select 'moved', '127.0.0.1', 'off', admin_sealed, key_id from rowhouse.clusters where id = 'second'`,
    )
    const moved = await fleet.clusters.get('moved')
    await expect(fleet.context.servers.adminUrl(moved)).rejects.toMatchObject({ code: 'credentials_unreadable' })
    expect(clusterPlace('moved')).not.toEqual(clusterPlace('second'))
    await admin("delete from rowhouse.clusters where id = 'moved'")
  })
})

describe('the administrator of a cluster that is there', () => {
  it('of the catalogue’s own server: until it has one that can make homes, they are refused', async () => {
    const { open, plan, database, leftovers, admin } = test()
    const poor = open({ catalogueUrl: database.appUrl })
    const create = async () => poor.createOrganization(organization(await plan('schema', { region: 'default' })))
    await expect(create()).rejects.toMatchObject({
      code: 'cluster_login_too_weak',
      details: { cluster: 'main', login: 'rowhouse_app' },
    })
    await expect(poor.clusters.set('main', { url: server.adminUrl })).rejects.toMatchObject({ code: 'cluster_differs' })
    await poor.clusters.set('main', { url: database.adminUrl })
    const id = await create()
    expect(await admin('select state from rowhouse.placements where organization_id = $1', [id])).toEqual([
      { state: 'active' },
    ])
    // What could not even be taken away without it.
    await poor.reconcile()
    expect(await leftovers()).toEqual([])
    const [row] = await admin("select host, admin_sealed from rowhouse.clusters where id = 'main'")
    expect(row).toMatchObject({ host: null, admin_sealed: expect.stringMatching(/^v2\./) as string })
  })

  it('of another: its password changes, and what it was called before is forgotten', async () => {
    const { fleet, admin } = test()
    await withClient(server.adminUrl, (client) => client.query("create role keeper superuser login password 'first'"))
    const url = new URL(server.adminUrl)
    ;[url.username, url.password] = ['keeper', 'first']
    await fleet.clusters.set('second', { url: url.href })
    expect(new URL(await fleet.context.servers.adminUrl(await fleet.clusters.get('second')))).toMatchObject({
      username: 'keeper',
      pathname: '/rowhouse_data',
    })
    url.password = 'wrong'
    await expect(fleet.clusters.set('second', { url: url.href })).rejects.toMatchObject({
      code: 'database_login_refused',
    })
    await expect(fleet.clusters.set('second', { url: test().database.adminUrl })).rejects.toMatchObject({
      code: 'cluster_differs',
    })
    expect((await fleet.clusters.check('second')).checkError).toBeNull()
    await fleet.clusters.set('second', { url: server.adminUrl })
    expect(await admin("select tls from rowhouse.clusters where id = 'second'")).toEqual([{ tls: 'off' }])
  })
})

describe('on another cluster', () => {
  it.each(['shared', 'schema', 'database'] as const)(
    'an organization of a %s plan of its region lives there',
    async (isolation) => {
      const { fleet, plan, admin } = test()
      const id = await fleet.createOrganization(organization(await plan(isolation, { region: 'eu' })))
      const [place] = await admin('select * from rowhouse.placements where organization_id = $1', [id])
      expect(place).toMatchObject({ cluster: 'second', isolation, state: 'active' })
      expect(place?.['database_name']).toMatch(isolation === 'database' ? /^h_/ : /^rowhouse_data$/)
      expect(carried).toContain(id)
      if (isolation === 'shared') return
      const home = await fleet.context.catalogue.query('select id from rowhouse.homes where organization_id = $1', [id])
      expect(home.rowCount).toBe(1)
    },
  )

  it('spares are kept, and are as safe as at home', async () => {
    const { fleet, admin } = test()
    expect(await fleet.keepSpares()).toMatchObject({ made: 1 })
    const [row] = await admin("select id from rowhouse.homes where cluster = 'second' and state = 'spare'")
    const { readHome } = await import('../home.ts')
    expect(await homeProblems(fleet.context, await readHome(fleet.context.catalogue, String(row?.['id'])))).toEqual([])
  })

  it('a plan that asks for another cluster says so in the placement', async () => {
    const { fleet, plan, admin } = test()
    const id = await fleet.createOrganization(organization(await plan('shared', { cluster: 'main' })))
    await admin('update rowhouse.organizations set plan = $2 where id = $1', [
      id,
      await plan('shared', { region: 'eu' }),
    ])
    expect(
      await admin('select cluster, wanted_cluster from rowhouse.placements where organization_id = $1', [id]),
    ).toEqual([{ cluster: 'main', wanted_cluster: 'second' }])
  })
})

describe('a cluster that dies', () => {
  it('is down after a check; plans of its region are refused, others go on; it comes back by itself', async () => {
    const { fleet, plan, admin } = test()
    const { port } = server
    await server.stop()
    const wanted = organization(await plan('schema', { region: 'eu' }))
    await admin("delete from rowhouse.homes where cluster = 'second' and state = 'spare'")
    await expect(fleet.createOrganization(wanted)).rejects.toMatchObject({ code: 'database_unreachable' })
    expect(await admin('select from rowhouse.organizations where slug = $1', [wanted.slug])).toEqual([])
    expect(await fleet.clusters.check('second')).toMatchObject({
      status: 'down',
      checkError: expect.stringContaining('database_unreachable'),
    })
    await expect(fleet.createOrganization(wanted)).rejects.toMatchObject({ code: 'cluster_full' })
    expect(await fleet.createOrganization(organization(await plan('schema', { cluster: 'main' })))).toEqual(
      expect.any(String),
    )
    server = await startPostgres({ dataDir: folder, durable: false, port })
    expect(await fleet.clusters.check('second')).toMatchObject({ status: 'active', checkError: null })
    expect(await fleet.reconcile()).toMatchObject({ failed: 0 })
    expect(await fleet.createOrganization(wanted)).toEqual(expect.any(String))
  })

  it('is down where another server answers under its name', async () => {
    const { fleet, admin } = test()
    await admin("update rowhouse.clusters set system_identifier = '1' where id = 'second'")
    expect(await fleet.clusters.check('second')).toMatchObject({
      status: 'down',
      checkError: expect.stringContaining('Another server'),
    })
  })
})
