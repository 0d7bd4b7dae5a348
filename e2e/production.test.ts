// The product without the demo, on a Postgres of the user's own: install, serve, worker, as three processes.
import { generateKeyPairSync } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
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

/** As the superuser. */
const databaseUrl = (name: string): string => {
  const url = new URL(postgres.adminUrl)
  url.pathname = `/${name}`
  return url.href
}

async function asAdmin<Result>(use: (admin: Client) => Promise<Result>): Promise<Result> {
  const admin = new Client({ connectionString: postgres.adminUrl })
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.end()
  }
}

const listening = (running: Running): Promise<string> =>
  eventually(
    () => running.stdout() + (running.child.exitCode === null ? '' : `\n${running.stderr()}`),
    (text) => text.includes('\n'),
    { what: 'its first line' },
  )

describe('install, serve, worker', () => {
  it('bring up an organization and its sync on a Postgres of the user’s own', async () => {
    await asAdmin((admin) => admin.query('create database app'))
    const env = { ...keys, ROWHOUSE_URL: databaseUrl('app') }

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
      { what: 'the contact' },
    )
    await rowhouse.close()

    // A machine's login has no token to begin with: a certificate, an account and a private key make one.
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const certificate = { id: 'c1', publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
    const netsuite = sandbox.createAccount({
      connector: 'netsuite',
      apps: [{ clientId: 'machine', clientSecret: 'not used', certificates: [certificate] }],
    })
    const add = ['connection', 'add', 'acme', '--connector', 'netsuite', '--base-url', netsuite.url]
    const secret = { CRM_CLIENT_SECRET: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
    const without = await run(add, { env: { ...appEnv, ...secret } }).finished
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining('CRM_ACCESS_TOKEN is not set')])
    const machine = await run([...add, '--client-id', 'machine', '--json'], {
      env: { ...appEnv, ...secret, CRM_REFRESH_TOKEN: `certificate:c1@${netsuite.id}` },
    }).finished
    expect(machine.stderr).toBe('')
    const { id: connectionId } = JSON.parse(machine.stdout) as { id: string }
    const tested = await run(['connection', 'test', 'acme', connectionId], { env: appEnv }).finished
    expect(tested.stderr).toBe('')
    expect(tested.stdout).toContain(`${netsuite.id} answered`)

    const doctor = await run(['doctor', '--json'], { env: appEnv }).finished
    const checks = JSON.parse(doctor.stdout) as { status: string }[]
    expect(checks.filter(({ status }) => status === 'error')).toEqual([])
    expect(doctor.code).toBe(0)

    for (const running of [worker, server]) {
      running.child.kill('SIGTERM')
      expect((await running.finished).code).toBe(0)
    }
  })

  it('say what is wrong with login, clock, issuer, key and organization, and start nothing', async () => {
    const installed = await run(['install', '--json'], { env: { ...keys, ROWHOUSE_URL: databaseUrl('app') } }).finished
    const { urls } = JSON.parse(installed.stdout) as { urls: { app: string } }
    const env = { ...keys, ROWHOUSE_URL: urls.app }
    const serve = async (more: Record<string, string>): Promise<{ code: number | null; error: string }> => {
      const port = await freePort()
      const { code, stderr, stdout } = await run(['serve', '--json', '--port', String(port)], {
        env: { ...env, ...more },
      }).finished
      expect(stdout).toBe('')
      await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow('fetch failed')
      return { code, error: (JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { code: string }).code }
    }

    const ahead = 'data:text/javascript,const now = Date.now; Date.now = () => now() + 120000'
    expect(await serve({ NODE_OPTIONS: `--import="${ahead}"` })).toEqual({ code: 3, error: 'clock_skew' })

    const issuer = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end('{"keys":[]}')
    })
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
    const ROWHOUSE_ISSUER = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`
    expect(await serve({ ROWHOUSE_ISSUER })).toEqual({ code: 3, error: 'issuer_without_keys' })
    issuer.closeAllConnections()
    await new Promise((resolve) => issuer.close(resolve))
    expect(await serve({ ROWHOUSE_ISSUER })).toEqual({ code: 3, error: 'issuer_unreachable' })

    await asAdmin((admin) => admin.query('alter role rowhouse_app bypassrls'))
    try {
      expect(await serve({})).toEqual({ code: 2, error: 'login_bypasses_rls' })
    } finally {
      await asAdmin((admin) => admin.query('alter role rowhouse_app nobypassrls'))
    }

    await expect(
      createRowhouse({ url: databaseUrl('app'), signingKey: keys.ROWHOUSE_SIGNING_KEY }).connect(),
    ).rejects.toMatchObject({ code: 'login_bypasses_rls' })
    const rowhouse = createRowhouse({ url: urls.app, signingKey: keys.ROWHOUSE_SIGNING_KEY })
    await expect(
      rowhouse.as({ organizationId: '00000000-0000-4000-8000-00000000000a', service: 'test' }).query('select 1'),
    ).rejects.toMatchObject({ code: 'organization_not_found' })
    await rowhouse.close()
  })

  it('refuse a wrong operator key', async () => {
    const port = await freePort()
    const env = { ...keys, ROWHOUSE_URL: databaseUrl('app'), ROWHOUSE_PORT: String(port) }
    const server = run(['serve', '--json'], { env })
    processes.push(server)
    await listening(server)
    const wrong = await run(['org', 'list'], { env: { ...env, ROWHOUSE_OPERATOR_KEY: 'w'.repeat(32) } }).finished
    expect(wrong.code).toBe(1)
    expect(wrong.stderr).toMatch(/^error\[operator_key_wrong\]: .+\n {2}hint: .+\n$/)
    server.child.kill('SIGTERM')
    await server.finished
  })
})
