// The installer, on a server of its own, because roles belong to the whole cluster.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@rowhouse/embedded'
import type { EmbeddedPostgres } from '@rowhouse/embedded'
import { mintToken, sqlstateOf, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { schemaSnapshot } from '../generated/queries.ts'
import { loginUrl } from '../keys.ts'
import { migrations } from '../migrations.ts'
import { checkVersion, install } from './install.ts'
import type { InstallResult } from './install.ts'

const signingKey = 'the first signing key of this cluster'
const otherKey = 'another signing key of this cluster!'

let dataDir = ''
let server: EmbeddedPostgres
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rowhouse-install-'))
  server = await startPostgres({ dataDir, durable: false })
})
afterAll(async () => {
  await server?.stop()
  await rm(dataDir, { recursive: true, force: true })
})

const urlOf = (database: string, user?: string): string => {
  const url = new URL(server.adminUrl)
  url.pathname = `/${database}`
  if (user !== undefined) [url.username, url.password] = [user, user]
  return url.href
}
const admin = (statement: string): Promise<void> =>
  withClient(server.adminUrl, async (client) => void (await client.query(statement)))
const snapshotOf = (database: string): Promise<string[]> =>
  withClient(urlOf(database), async (client) =>
    (await client.query<{ line: string }>(schemaSnapshot)).rows.map(({ line }) => line),
  )

/** A cluster without Rowhouse, and the empty databases `one`, `two` and `three`. */
beforeEach(async () => {
  await withClient(server.adminUrl, async (client) => {
    for (const database of ['one', 'two', 'three', 'clone']) {
      await client.query(`drop database if exists ${database} with (force)`)
    }
    for (const role of [
      'rowhouse_app',
      'rowhouse_control',
      'rowhouse_migrator',
      'rowhouse_tenant',
      'rowhouse_owner',
      'builder',
    ]) {
      await client.query(`drop role if exists ${role}`)
    }
    for (const database of ['one', 'two', 'three']) await client.query(`create database ${database}`)
  })
})

describe('install', () => {
  it('20 at once, in three databases of one cluster, leave one clean schema each', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        install({ adminUrl: urlOf(['one', 'two', 'three'][index % 3] as string), signingKey }),
      ),
    )
    const ids = new Set(results.map(({ databaseId }) => databaseId))
    expect(ids.size).toBe(3)
    const applied = results.filter((result) => result.applied.length > 0)
    expect(applied.map((result) => result.applied)).toEqual(Array(3).fill(migrations.map(({ name }) => name)))
    expect(await snapshotOf('two')).toEqual(await snapshotOf('one'))
    expect(await snapshotOf('three')).toEqual(await snapshotOf('one'))
    for (const url of Object.values((results[0] as InstallResult).urls)) {
      const version = withClient(url, (client) => client.query('select schema_version from rowhouse.handshake()'))
      expect((await version).rows).toEqual([{ schema_version: migrations.at(-1)?.version }])
    }
  })

  it('again changes nothing', async () => {
    const first = await install({ adminUrl: urlOf('one'), signingKey })
    const second = await install({ adminUrl: urlOf('one'), signingKey })
    expect(second).toEqual({ ...first, applied: [] })
    const findings = await withClient(urlOf('one'), (client) => client.query('select * from rowhouse.findings()'))
    expect(findings.rows).toEqual([])
  })

  it('with another signing key is refused, unless the logins are reset: then the old key is worthless', async () => {
    const first = await install({ adminUrl: urlOf('one'), signingKey })
    await expect(install({ adminUrl: urlOf('one'), signingKey: otherKey })).rejects.toMatchObject({
      code: 'login_password_differs',
    })
    const old = mintToken({ databaseId: first.databaseId, signingKey }, { user: first.databaseId })
    const enter = (url: string): Promise<string> =>
      withClient(url, (client) => sqlstateOf(client.query('select rowhouse.enter($1)', [old])))
    expect(await enter(first.urls.app)).toBe('done')
    const reset = await install({ adminUrl: urlOf('one'), signingKey: otherKey, resetLogins: true })
    expect(reset.databaseId).toBe(first.databaseId)
    expect(await enter(reset.urls.app)).toBe('RH003')
    await expect(withClient(first.urls.app, (client) => client.query('select 1'))).rejects.toMatchObject({
      code: '28P01',
    })
  })

  it('takes session-level advisory locks from tenants only, and leaves them to whoever migrates', async () => {
    await admin("create role builder login password 'builder'")
    await admin('alter database one owner to builder')
    const { urls } = await install({ adminUrl: urlOf('one'), signingKey })
    const run = (url: string, statement: string): Promise<string> =>
      withClient(url, (client) => sqlstateOf(client.query(statement)))
    // What Prisma Migrate, Flyway and Rails run around a migration.
    const locks = [
      'select pg_advisory_lock(72707369)',
      'select pg_try_advisory_lock(72707369), pg_advisory_unlock(72707369)',
      'select pg_advisory_lock(1, 2), pg_advisory_unlock(1, 2), pg_advisory_unlock_all()',
      'select pg_advisory_lock_shared(7), pg_advisory_unlock_shared(7)',
    ]
    for (const statement of locks) {
      for (const url of [urls.migrator, urls.control, urlOf('one', 'builder')]) {
        expect(await run(url, statement)).toBe('done')
      }
      expect(await run(urls.app, statement)).toBe('42501')
      expect(await run(urls.migrator, `set role rowhouse_owner; ${statement}`)).toBe('done')
    }
    for (const channel of [
      'select lo_create(0)',
      'select pg_terminate_backend(0)',
      'select * from pg_prepared_statements',
    ]) {
      expect(await run(urls.app, channel)).toBe('42501')
    }
    expect(await run(urls.app, 'select pg_advisory_xact_lock(7), pg_try_advisory_xact_lock_shared(8)')).toBe('done')
  })

  it('with the logins reset takes back what the tenant login did to itself', async () => {
    const first = await install({ adminUrl: urlOf('one'), signingKey })
    // Every role may alter its own password and session defaults; no privilege holds that back.
    await withClient(first.urls.app, (app) =>
      app.query(`
        alter role rowhouse_app set default_transaction_read_only = on;
        alter role rowhouse_app in database one set search_path = nowhere;
        alter role rowhouse_app password 'mine'`),
    )
    await expect(install({ adminUrl: urlOf('one'), signingKey })).rejects.toMatchObject({
      code: 'login_password_differs',
    })
    const { urls } = await install({ adminUrl: urlOf('one'), signingKey, resetLogins: true })
    const { rows } = await withClient(urls.app, (app) =>
      app.query(`select current_setting('default_transaction_read_only') as "readOnly",
        current_setting('search_path') as path, current_setting('lock_timeout') as timeout`),
    )
    expect(rows).toEqual([{ readOnly: 'off', path: '"$user", public', timeout: '10s' }])
  })

  it('by a login that is no superuser works, and findings name what it could not do', async () => {
    await admin("create role builder login createrole password 'builder'")
    await admin('alter database one owner to builder')
    const { urls } = await install({ adminUrl: urlOf('one', 'builder'), signingKey })
    await withClient(urls.control, async (control) => {
      const { rows } = await control.query<{ code: string }>('select distinct code from rowhouse.findings() order by 1')
      expect(rows.map(({ code }) => code)).toEqual([
        'guard_missing',
        'migrator_held_by_rls',
        'public_function',
        'queries_visible',
      ])
    })
    await withClient(urls.migrator, (migrator) =>
      migrator.query("create table notes (id uuid primary key); select rowhouse.protect('notes')"),
    )
  })

  it('by a login without the right leaves nothing behind', async () => {
    await admin("create role builder login password 'builder'")
    await expect(install({ adminUrl: urlOf('one', 'builder'), signingKey })).rejects.toMatchObject({
      code: 'login_lacks_privilege',
    })
    await withClient(urlOf('one'), async (client) => {
      expect((await client.query("select from pg_namespace where nspname like 'rowhouse%'")).rowCount).toBe(0)
      expect((await client.query("select from pg_roles where rolname like 'rowhouse%'")).rowCount).toBe(0)
    })
  })

  it('refuses a newer schema, a changed migration, an old server, no server and a wrong password', async () => {
    await install({ adminUrl: urlOf('one'), signingKey })
    const again = (): Promise<unknown> => install({ adminUrl: urlOf('one'), signingKey })
    const change = (statement: string): Promise<unknown> =>
      withClient(urlOf('one'), (client) => client.query(statement))
    await change("insert into rowhouse.migrations (version, name, checksum) values (99999, 'later', 'x')")
    await expect(again()).rejects.toMatchObject({ code: 'schema_newer' })
    await change('delete from rowhouse.migrations where version = 99999')
    await change("update rowhouse.migrations set checksum = 'other' where version = 1")
    await expect(again()).rejects.toMatchObject({ code: 'migration_changed' })
    expect(() => checkVersion(140_012, '14.12')).toThrow(expect.objectContaining({ code: 'postgres_too_old' }))
    checkVersion(150_000, '15.0')
    const nowhere = install({ adminUrl: 'postgres://a:b@127.0.0.1:1/x', signingKey })
    await expect(nowhere).rejects.toMatchObject({ code: 'database_unreachable' })
    const wrong = install({ adminUrl: urlOf('one', 'postgres'), signingKey })
    await expect(wrong).rejects.toMatchObject({ code: 'database_login_refused' })
    await expect(install({ adminUrl: 'not a url', signingKey })).rejects.toMatchObject({ code: 'invalid_option' })
  })
})

describe('a clone', () => {
  it("refuses its source's tokens, before and after it gets an id of its own; the source goes on", async () => {
    const source = await install({ adminUrl: urlOf('one'), signingKey })
    const token = mintToken({ databaseId: source.databaseId, signingKey }, { user: source.databaseId })
    await admin('create database clone template one')
    await admin('grant connect on database clone to rowhouse_app')
    const enter = (database: string): Promise<string> =>
      withClient(loginUrl(urlOf(database), 'rowhouse_app', signingKey), (client) =>
        sqlstateOf(client.query('select rowhouse.enter($1)', [token])),
      )
    expect(await enter('clone')).toBe('RH005')
    const clone = await install({ adminUrl: urlOf('clone'), signingKey })
    expect(clone.databaseId).not.toBe(source.databaseId)
    expect(clone.applied).toEqual([])
    expect(await enter('clone')).toBe('RH003')
    expect(await enter('one')).toBe('done')
    const keys = (database: string) =>
      withClient(urlOf(database), (client) =>
        client.query('select seal_inner_pad, inner_pad from rowhouse.database, rowhouse.keys'),
      )
    expect((await keys('clone')).rows).not.toEqual((await keys('one')).rows)
    const seed = (database: string) =>
      withClient(urlOf(database), (client) => client.query('select seed from rowhouse.lock_seed'))
    expect((await seed('clone')).rows).not.toEqual((await seed('one')).rows)
  })
})
