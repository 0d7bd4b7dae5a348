// A self-hosted Supabase for each home, against a simulated `docker compose` and a Postgres shaped like Supabase's.
import { createHmac } from 'node:crypto'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simulateCompose } from '@rowhouse/sandbox'
import type { SimulatedCompose } from '@rowhouse/sandbox'
import { startSupabaseServer, withClient } from '@rowhouse/testkit'
import type { SupabaseServer } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { homeProblems } from '../verify-home.ts'
import { useFleet } from '../test-fleet.ts'
import { selfHostedSupabaseDriver } from './supabase-self-hosted.ts'

let folder: string
let server: SupabaseServer
let compose: SimulatedCompose

const test = useFleet({
  drivers: [selfHostedSupabaseDriver({ docker: (words, cwd) => compose.docker(words, cwd) })],
})

/** The shape of Supabase's own files: fixed names of containers, a pooler on POSTGRES_PORT, a database that is not published. */
const template = {
  'docker-compose.yml': `name: supabase

services:

  kong:
    container_name: supabase-kong
    ports:
      - \${KONG_HTTP_PORT}:8000/tcp
      - \${KONG_HTTPS_PORT}:8443/tcp
    environment:
      SUPABASE_ANON_KEY: \${ANON_KEY}

  realtime:
    # The tenant is read from this name.
    container_name: realtime-dev.supabase-realtime
    environment:
      API_JWT_SECRET: \${JWT_SECRET}

  db:
    container_name: supabase-db
    environment:
      POSTGRES_PASSWORD: \${POSTGRES_PASSWORD}
      PGPORT: \${POSTGRES_PORT}

  supavisor:
    container_name: supabase-pooler
    ports:
      - \${POSTGRES_PORT}:5432
      - \${POOLER_PROXY_PORT_TRANSACTION}:6543

volumes:
  db-config:
`,
  '.env.example': `# Secrets
POSTGRES_PASSWORD=your-super-secret-and-long-postgres-password
JWT_SECRET=your-super-secret-jwt-token-with-at-least-32-characters-long
ANON_KEY=placeholder
SERVICE_ROLE_KEY=placeholder
POSTGRES_HOST=db
POSTGRES_PORT=5432
POOLER_PROXY_PORT_TRANSACTION=6543
POOLER_TENANT_ID=your-tenant-id
KONG_HTTP_PORT=8000
KONG_HTTPS_PORT=8443
`,
}
const access = (): string =>
  `compose://local${join(folder, 'projects')}?template=${join(folder, 'template')}&ports=23000-23019`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rowhouse-compose-'))
  await mkdir(join(folder, 'template'))
  for (const [name, text] of Object.entries(template)) await writeFile(join(folder, 'template', name), text)
  server = await startSupabaseServer()
  // A project's database is called postgres.
  await server.createProject('project')
  await withClient(server.urlOf('template1'), async (admin) => {
    await admin.query('alter database postgres rename to old')
    await admin.query('alter database project rename to postgres')
  })
  compose = simulateCompose({
    async database(environment) {
      await withClient(server.urlOf('postgres'), (admin) =>
        admin.query(`alter role postgres password '${environment['POSTGRES_PASSWORD']}'`),
      )
      return { host: '127.0.0.1', port: Number(new URL(server.adminUrl).port) }
    },
  })
  await test().fleet.clusters.add({ id: 'hosted', region: 'here', driver: 'supabase-self-hosted', url: access() })
})
afterAll(async () => {
  await compose?.close()
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

it('a home is a stack with secrets, names and ports of its own, held to its organization, and goes with it', async () => {
  const { fleet, admin } = test()
  compose.failNextUp()
  await expect(fleet.createHome({ cluster: 'hosted', isolation: 'database' })).rejects.toMatchObject({
    code: 'compose_failed',
  })
  expect(await fleet.reconcile()).toMatchObject({ finished: 1, failed: 0 })
  const [stack] = compose.stacks
  expect(compose.stacks).toHaveLength(1)
  const name = stack?.project ?? ''
  expect(stack?.containers).toEqual([`${name}-kong`, `${name}-realtime`, `${name}-db`, `${name}-supavisor`])
  const { JWT_SECRET: secret = '', ANON_KEY: anonKey = '', POSTGRES_PASSWORD: password } = stack?.environment ?? {}
  const [header, payload, signature] = anonKey.split('.')
  expect(createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')).toBe(signature)
  expect(JSON.parse(Buffer.from(payload ?? '', 'base64url').toString())).toMatchObject({
    role: 'anon',
    iss: 'supabase',
  })
  expect(password).not.toContain('secret')
  expect(await readFile(join(folder, 'projects', name, 'docker-compose.rowhouse.yml'), 'utf8')).toContain(
    'realtime-dev.supabase-realtime',
  )
  const [row] = await admin("select id from rowhouse.homes where state = 'spare'")
  const { readHome } = await import('../home.ts')
  const home = await readHome(fleet.context.catalogue, String(row?.['id']))
  expect(home.cluster).toBe(`hosted-${name}`)
  expect(await homeProblems(fleet.context, home)).toEqual([])

  // A second one beside it: other ports, other names. Its database here is the same Postgres, so only the stack is looked at.
  const driver = selfHostedSupabaseDriver({ docker: compose.docker })
  const order = { name: 'h-00000000000000aa', access: access(), region: 'here', password: password ?? '', tlsCa: null }
  const made = await driver.create(order)
  expect(made.adminUrl).not.toContain(`:${stack?.ports.at(-1)}/`)
  expect((await driver.create(order)).adminUrl).toBe(made.adminUrl)
  expect(compose.stacks).toHaveLength(2)
  await driver.remove(order)

  await fleet.dropHome(home.id)
  expect(compose.stacks).toEqual([])
  expect(await readdir(join(folder, 'projects'))).toEqual(['.ports'])
  expect(await readdir(join(folder, 'projects', '.ports'))).toEqual([])
})

it('a template that is none and a range of ports that is taken are said', async () => {
  const { fleet } = test()
  const url = `compose://local${folder}?template=${folder}&ports=23000-23019`
  await expect(
    fleet.clusters.add({ id: 'bad', region: 'here', driver: 'supabase-self-hosted', url }),
  ).rejects.toMatchObject({ code: 'invalid_option', message: expect.stringContaining('docker-compose.yml') })
  const driver = selfHostedSupabaseDriver({ docker: compose.docker })
  const order = (digit: number) => ({
    name: `h-000000000000000${digit}`,
    access: access(),
    region: 'here',
    password: 'x',
    tlsCa: null,
  })
  await mkdir(join(folder, 'projects', '.ports'), { recursive: true })
  for (const base of [23000, 23005, 23010, 23015]) await mkdir(join(folder, 'projects', '.ports', String(base)))
  await expect(driver.create(order(1))).rejects.toMatchObject({
    code: 'compose_failed',
    message: expect.stringContaining('ports'),
  })
})
