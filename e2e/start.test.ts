// What a newcomer does first, as processes: start, look, stop, start again.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '@rowhouse/client'
import { createRowhouse } from 'rowhouse'
import type { ReadyLine } from '@rowhouse/embedded'
import { eventually, freePort, processesMentioning, run, startStack, temporaryFolder } from './processes.ts'
import type { Stack } from './processes.ts'

const folders: string[] = []
const stacks: Stack[] = []
const newFolder = async (): Promise<string> => {
  const folder = await temporaryFolder()
  folders.push(folder)
  return folder
}

/** One for all: each test goes on with what the one before it left, as people do, and would begin anew by itself. */
let dataDir: string
beforeAll(async () => {
  dataDir = await newFolder()
})
afterAll(async () => {
  for (const stack of stacks) stack.running.child.kill('SIGKILL')
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })))
})

const apiOf = (ready: ReadyLine) =>
  createClient({ baseUrl: ready.api, headers: { authorization: `Bearer ${ready.operatorKey}` } })

const writesAt = async (ready: ReadyLine): Promise<number> => {
  const counts = await Promise.all(
    ready.organizations.map(async ({ connection }) => {
      const answer = await fetch(`${connection.sandboxUrl}/_sandbox/requests?account=${connection.account}`)
      const { requests } = (await answer.json()) as { requests: { method: string; path: string }[] }
      return requests.filter(({ path }) => /batch\/create|composite\/sobjects/.test(path)).length
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

describe('rowhouse dev', () => {
  it('starts everything, fills every organization from its CRM, stops without a trace, and loads nothing twice', async () => {
    const first = await startStack({ dataDir })
    stacks.push(first)
    expect(first.running.stdout().trim().split('\n')).toHaveLength(1)
    expect(first.ready.organizations.map(({ slug }) => slug)).toEqual(['acme', 'birch', 'cedar'])
    expect(first.ready.organizations.map(({ connection }) => connection.connector)).toEqual([
      'hubspot',
      'hubspot',
      'salesforce',
    ])

    const api = apiOf(first.ready)
    await eventually(
      () => api.listOrganizations(),
      ({ items }) => items.every(({ connection }) => connection?.state === 'live' && connection.records === 5900),
      { what: 'every organization live with 5,900 records' },
    )

    const owner = new Client({ connectionString: first.ready.ownerUrl })
    await owner.connect()
    const counted = await owner.query<{ contacts: string; companies: string }>(
      `select count(*) as contacts, (select count(*) from companies c where c.organization_id = contacts.organization_id) as companies
      from contacts group by organization_id`,
    )
    await owner.end()
    expect(counted.rows).toEqual(Array.from({ length: 3 }, () => ({ contacts: '5000', companies: '500' })))

    const refused = await run(['dev', '--json', '--data', dataDir, '--port', String(await freePort())]).finished
    expect(refused.code).toBe(3)
    expect(JSON.parse(refused.stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({ code: 'already_running' })

    const stopped = await first.stop()
    expect(stopped.code).toBe(0)
    expect(processesMentioning(dataDir)).toEqual([])

    const second = await startStack({ dataDir })
    stacks.push(second)
    expect(second.ready.organizations.map(({ id }) => id)).toEqual(first.ready.organizations.map(({ id }) => id))
    const again = await apiOf(second.ready).listOrganizations()
    expect(again.items.map(({ connection }) => connection?.records)).toEqual([5900, 5900, 5900])
    expect(await writesAt(second.ready)).toBe(0)
    expect((await second.stop()).code).toBe(0)
  })

  it('gives an organization of any plan a home with the demo’s tables, and goes on with a folder of one’s own', async () => {
    const project = await newFolder()
    await mkdir(join(project, 'migrations'), { recursive: true })
    const stack = await startStack({ dataDir, cwd: project })
    stacks.push(stack)
    const { ready } = stack
    const api = apiOf(ready)
    const rowhouse = createRowhouse({ url: ready.databaseUrl, signingKey: ready.signingKey })
    const env = { ROWHOUSE_URL: ready.databaseUrl, ROWHOUSE_SIGNING_KEY: ready.signingKey }
    const cli = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(args, { env, cwd: project }).finished
      expect([args, code, code === 0 ? '' : stderr]).toEqual([args, 0, ''])
      return stdout
    }
    const owner = ready.organizations[0]?.ownerId ?? ''
    try {
      const made = await Promise.all(
        ['scale', 'enterprise'].map((plan) =>
          api.createOrganization({ body: { name: plan, slug: `new-${plan}`, plan, ownerId: owner } }),
        ),
      )
      expect(made.map(({ isolation }) => isolation)).toEqual(['schema', 'database'])
      const write = (organizationId: string, table: string): Promise<unknown> =>
        rowhouse.as({ organizationId, userId: owner }).query(`insert into ${table} (name) values ('Ours') returning id`)
      for (const { id } of made) await write(id, 'companies')

      await cli('migrate', 'new', 'create_parcels')
      const [file] = await readdir(join(project, 'migrations'))
      await writeFile(
        join(project, 'migrations', file ?? ''),
        `create table parcels (id uuid primary key default gen_random_uuid(), name text); select rowhouse.protect('parcels');`,
      )
      await cli('migrate', 'up', '--json')
      const late = await api.createOrganization({
        body: { name: 'Late', slug: 'late', plan: 'scale', ownerId: owner },
      })
      for (const id of [...made, late].map((organization) => organization.id))
        for (const table of ['companies', 'parcels']) await write(id, table)
      await write(ready.organizations[0]?.id ?? '', 'parcels')
      await cli('migrate', 'status')
      await cli('audit', 'verify')
      expect((await api.planRollout()).upToDate).toBe(true)
    } finally {
      await rowhouse.close()
    }
    expect((await stack.stop()).code).toBe(0)
  })

  it('survives kill -9 of itself: the next start takes over the Postgres it left', async () => {
    const first = await startStack({ dataDir })
    stacks.push(first)
    first.running.child.kill('SIGKILL')
    await first.running.finished
    const second = await startStack({ dataDir })
    stacks.push(second)
    expect(second.ready.organizations.map(({ id }) => id)).toEqual(first.ready.organizations.map(({ id }) => id))
    expect((await second.stop()).code).toBe(0)
    expect(processesMentioning(join(dataDir, 'postgres'))).toEqual([])
  })
})
