// The schema as one migration file: run on a database shaped like Supabase's by a `postgres` that is no superuser, as
// `supabase db push` does, then dumped and restored.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  asPostgrest,
  createTwoWorlds,
  findInstalledPostgres,
  mintToken,
  sqlstateOf,
  startSupabaseServer,
  testSigningKey,
  withClient,
} from '@rowhouse/testkit'
import type { SupabaseServer, TestDatabase } from '@rowhouse/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { schemaSnapshot } from '../generated/queries.ts'
import { loginUrl } from '../keys.ts'
import { migrations, schemaVersion } from '../migrations.ts'
import { installSql } from './install-sql.ts'
import { install } from './install.ts'
import type { InstallResult } from './install.ts'

const run = promisify(execFile)
const signingKey = testSigningKey

let binaries: string | null = null
let server: SupabaseServer
beforeAll(async () => {
  binaries = await findInstalledPostgres()
  server = await startSupabaseServer(binaries ?? undefined)
})
afterAll(() => server?.stop())

let count = 0
let project = ''
beforeEach(async () => {
  await withClient(server.adminUrl, async (admin) => {
    for (const { datname } of (
      await admin.query<{ datname: string }>("select datname from pg_database where datname like 'project\\_%'")
    ).rows) {
      await admin.query(`drop database ${datname} with (force)`)
    }
    for (const role of ['rowhouse_app', 'rowhouse_control', 'rowhouse_migrator', 'rowhouse_tenant', 'rowhouse_owner']) {
      await admin.query(`drop role if exists ${role}`)
    }
  })
  count += 1
  project = `project_${count}`
  await server.createProject(project)
})

const asPostgres = (statement: string, database = project) =>
  withClient(server.urlOf(database, 'postgres'), (postgres) => postgres.query(statement))
const snapshotOf = (database: string): Promise<string[]> =>
  withClient(server.urlOf(database), async (admin) =>
    (await admin.query<{ line: string }>(schemaSnapshot)).rows.map(({ line }) => line),
  )
const described = ({ databaseId, urls }: InstallResult, database = project): TestDatabase => ({
  name: database,
  databaseId,
  signingKey,
  adminUrl: server.urlOf(database),
  appUrl: urls.app,
  migratorUrl: urls.migrator,
  controlUrl: urls.control,
  drop: () => Promise.resolve(),
})
const getsIn = (): Promise<string> => {
  const request = { claims: { role: 'authenticated', sub: '00000000-0000-4000-8000-000000000001' } }
  return sqlstateOf(asPostgrest(server.urlOf(project, 'authenticator'), request, 'select 1'))
}

test('the file installs as postgres, holds no secret and lets nobody in; install then brings the keys and changes nothing', async () => {
  const file = installSql()
  expect(/\bpassword '|SCRAM-SHA/i.test(file)).toBe(false)
  await asPostgres(file)
  expect(await getsIn()).toBe('RH071')
  const logins = await asPostgres("select rolname from pg_roles where rolname like 'rowhouse%' and rolcanlogin")
  expect(logins.rows).toEqual([])
  const noKey = mintToken({ databaseId: '00000000-0000-4000-8000-000000000001', signingKey }, {})
  expect(await sqlstateOf(asPostgres(`set role rowhouse_owner; select rowhouse.enter('${noKey}')`))).toBe('RH003')
  expect((await asPostgres("select set_config('rowhouse.seal', repeat('0', 300), false)")).rowCount).toBe(1)

  const before = await snapshotOf(project)
  const result = await install({ adminUrl: server.urlOf(project, 'postgres'), signingKey })
  expect(result).toMatchObject({ applied: [], schemaVersion })
  expect(await snapshotOf(project)).toEqual(before)
  expect(await getsIn()).toBe('done')
  const { a } = await createTwoWorlds(described(result))
  await withClient(loginUrl(server.urlOf(project), 'rowhouse_app', signingKey), async (app) => {
    await app.query('begin')
    await a.enter(app)
    expect((await app.query('select from notes')).rowCount).toBe(3)
    await app.query('rollback')
  })
})

test('the file makes what install makes', async () => {
  await asPostgres(installSql())
  await server.createProject('project_installed')
  await install({ adminUrl: server.urlOf('project_installed', 'postgres'), signingKey })
  const ofFile = await snapshotOf(project)
  expect(ofFile).toEqual(await snapshotOf('project_installed'))
  expect(ofFile.length).toBeGreaterThan(100)
})

test('it runs in the transaction of any tool, leaves role and search_path as they were, and is whole or not there', async () => {
  await withClient(server.urlOf(project, 'postgres'), async (postgres) => {
    const state = async (): Promise<unknown> =>
      (await postgres.query("select current_user, current_setting('search_path') as path")).rows[0]
    const before = await state()
    await postgres.query('begin')
    await postgres.query(installSql())
    expect(await state()).toEqual(before)
    await postgres.query('rollback')
    expect(await state()).toEqual(before)
    expect((await postgres.query("select to_regnamespace('rowhouse') as made")).rows).toEqual([{ made: null }])
    expect(await sqlstateOf(postgres.query(`${installSql()}; select 1 / 0`))).toBe('22012')
    expect((await postgres.query("select to_regnamespace('rowhouse') as made")).rows).toEqual([{ made: null }])
  })
})

test('a file for another version is refused before anything changes, and --from writes only what is newer', async () => {
  const previous = migrations.at(-2)?.version ?? 0
  await asPostgres(installSql())
  expect(await sqlstateOf(asPostgres(installSql()))).toBe('RH034')
  expect(await sqlstateOf(asPostgres(installSql({ from: previous })))).toBe('RH034')
  await asPostgres(installSql({ from: schemaVersion }))
  const newest = installSql({ from: previous })
  expect(newest).toContain(`-- ${schemaVersion} `)
  expect(newest).not.toContain(`-- ${previous} `)
  expect(() => installSql({ from: 3.5 })).toThrow(expect.objectContaining({ code: 'invalid_option' }))
})

test('a dump restored into a fresh project is the same schema, and its source’s tokens are worthless there', async () => {
  await asPostgres(installSql())
  const source = await install({ adminUrl: server.urlOf(project, 'postgres'), signingKey })
  const worlds = await createTwoWorlds(described(source))
  await server.createProject('project_restored')
  await carry(project, 'project_restored')
  expect(await snapshotOf('project_restored')).toEqual(await snapshotOf(project))

  const token = worlds.a.token()
  const enter = (): Promise<string> =>
    withClient(loginUrl(server.urlOf('project_restored'), 'rowhouse_app', signingKey), (app) =>
      sqlstateOf(app.query('select rowhouse.enter($1)', [token])),
    )
  expect(['RH003', 'RH005']).toContain(await enter())
  const restored = await install({ adminUrl: server.urlOf('project_restored', 'postgres'), signingKey })
  expect(restored.applied).toEqual([])
  expect(restored.databaseId).not.toBe(source.databaseId)
  expect(await enter()).toBe('RH003')
  expect(await snapshotOf('project_restored')).toEqual(await snapshotOf(project))
  await createTwoWorlds(described(restored, 'project_restored'))
})

/** By pg_dump and psql where they are installed; else by the file, which is what a diff of the two would come to. */
async function carry(from: string, to: string): Promise<void> {
  if (binaries === null) {
    await asPostgres(installSql(), to)
    return
  }
  const dump = await run(
    `${binaries}/pg_dump`,
    ['--schema=rowhouse', '--schema=rowhouse_home', '--schema=public', '--dbname', server.urlOf(from, 'postgres')],
    { maxBuffer: 64 * 1024 * 1024 },
  )
  // What `supabase db dump` leaves out as well: a schema that is there, and privileges only supabase_admin may set.
  const script = dump.stdout.replaceAll(
    /^(CREATE SCHEMA public|ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin .*);$/gm,
    '',
  )
  // A dump gives a schema's privileges last, and its owner needs this one to be given its tables: docs/supabase.md.
  await asPostgres('grant usage, create on schema public to rowhouse_owner', to)
  const psql = execFile(`${binaries}/psql`, ['-v', 'ON_ERROR_STOP=1', '-q', '-1', '-d', server.urlOf(to, 'postgres')])
  const done = new Promise<void>((resolve, reject) => {
    let said = ''
    psql.stderr?.on('data', (chunk) => (said += String(chunk)))
    psql.on('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(said))
    })
  })
  psql.stdin?.on('error', () => undefined).end(script)
  await done
}
