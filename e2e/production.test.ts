// The product without the demo, on a Postgres of the user's own: install, serve, worker, as three processes.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Client as HubSpot } from '@hubspot/api-client'
import { startPostgres } from '@rowhouse/embedded'
import type { EmbeddedPostgres } from '@rowhouse/embedded'
import { startSandbox } from '@rowhouse/sandbox'
import type { Sandbox } from '@rowhouse/sandbox'
import { Client } from 'pg'
import { createRowhouse } from 'rowhouse'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, freePort, run, temporaryFolder } from './processes.ts'
import type { Running } from './processes.ts'

let folder: string
let postgres: EmbeddedPostgres
let sandbox: Sandbox
const processes: Running[] = []

const keys = {
  ROWHOUSE_SIGNING_KEY: 'a signing key of at least thirty-two characters',
  ROWHOUSE_ENCRYPTION_KEY: 'an encryption key of at least thirty-two characters',
  ROWHOUSE_OPERATOR_KEY: 'an-operator-key-of-at-least-thirty-two-characters',
}

beforeAll(async () => {
  folder = await temporaryFolder()
  postgres = await startPostgres({ dataDir: join(folder, 'postgres') })
  sandbox = await startSandbox()
})

afterAll(async () => {
  for (const { child } of processes) child.kill('SIGKILL')
  await sandbox?.close()
  await postgres?.stop()
  await rm(folder, { recursive: true, force: true })
})

const listening = (running: Running): Promise<string> =>
  eventually(
    () => running.stdout() + (running.child.exitCode === null ? '' : `\n${running.stderr()}`),
    (text) => text.includes('\n'),
    { what: 'its first line' },
  )

describe('install, serve, worker', () => {
  it('bring up an organization and its sync on a Postgres of the user’s own', async () => {
    const admin = new Client({ connectionString: postgres.adminUrl })
    await admin.connect()
    await admin.query('create database app')
    await admin.end()
    const adminUrl = new URL(postgres.adminUrl)
    adminUrl.pathname = '/app'
    const env = { ...keys, ROWHOUSE_URL: adminUrl.href }

    const notYet = await run(['serve', '--json', '--port', String(await freePort())], { env }).finished
    expect(notYet.code).not.toBe(0)

    const installed = await run(['install', '--json'], { env }).finished
    expect(installed.stderr).toBe('')
    expect(installed.code).toBe(0)
    const { urls } = JSON.parse(installed.stdout) as { urls: { app: string; migrator: string } }
    expect((await run(['install'], { env }).finished).stdout).toContain('up to date')

    const migrator = new Client({ connectionString: urls.migrator })
    await migrator.connect()
    await migrator.query(`
      create table companies (id uuid default gen_random_uuid() primary key, name text not null, domain text, industry text, employees integer);
      create table contacts (id uuid default gen_random_uuid() primary key, email text, first_name text, last_name text, phone text, title text, company_id uuid references companies);
      select rowhouse.protect('companies');
      select rowhouse.protect('contacts');`)
    await migrator.end()

    const port = await freePort()
    const appEnv = {
      ...keys,
      ROWHOUSE_URL: urls.app,
      ROWHOUSE_PORT: String(port),
      ROWHOUSE_PUBLIC_URL: `http://127.0.0.1:${port}`,
    }
    const server = run(['serve', '--json'], { env: appEnv })
    const worker = run(['worker', '--json'], { env: appEnv })
    processes.push(server, worker)
    expect(JSON.parse(await listening(server))).toEqual({ api: `http://127.0.0.1:${port}` })
    await listening(worker)
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)

    const empty = await run(['org', 'list'], { env: appEnv }).finished
    expect(empty.stderr).toBe('')
    expect(empty.stdout).toContain('rowhouse org create')
    const created = await run(['org', 'create', 'acme', '--name', 'Acme', '--json'], { env: appEnv }).finished
    expect(created.stderr).toBe('')
    const { id: organizationId } = JSON.parse(created.stdout) as { id: string }
    expect((await run(['org', 'create', 'acme'], { env: appEnv }).finished).stderr).toContain('error[slug_taken]')

    const account = sandbox.createAccount({ connector: 'hubspot', name: 'Acme' })
    const added = await run(
      ['connection', 'add', 'acme', '--connector', 'hubspot', '--base-url', account.url, '--json'],
      {
        env: { ...appEnv, CRM_ACCESS_TOKEN: account.accessToken },
      },
    ).finished
    expect(added.stderr).toBe('')
    expect(added.code).toBe(0)

    const client = new HubSpot({ accessToken: account.personToken, basePath: account.url })
    await client.crm.contacts.basicApi.create({
      properties: { email: 'ada@acme.example', firstname: 'Ada' },
      associations: [],
    })
    const rowhouse = createRowhouse({ url: urls.app, signingKey: keys.ROWHOUSE_SIGNING_KEY })
    await eventually(
      () => rowhouse.as({ organizationId, service: 'test' }).query('select email from contacts'),
      ({ rows }) => rows.length === 1,
      { what: 'the contact', timeoutMs: 60_000 },
    )
    await rowhouse.close()

    const doctor = await run(['doctor', '--json'], { env: appEnv }).finished
    const checks = JSON.parse(doctor.stdout) as { status: string }[]
    expect(checks.filter(({ status }) => status === 'error')).toEqual([])
    expect(doctor.code).toBe(0)

    for (const running of [worker, server]) {
      running.child.kill('SIGTERM')
      expect((await running.finished).code).toBe(0)
    }
  })

  it('refuse a login that bypasses row-level security, an unknown organization and a wrong operator key', async () => {
    await expect(
      createRowhouse({ url: postgres.adminUrl.replace(/\/postgres$/, '/app'), signingKey: keys.ROWHOUSE_SIGNING_KEY })
        .as({ organizationId: '00000000-0000-4000-8000-00000000000a', service: 'test' })
        .query('select 1'),
    ).rejects.toMatchObject({ code: 'login_bypasses_rls' })
  })
})
