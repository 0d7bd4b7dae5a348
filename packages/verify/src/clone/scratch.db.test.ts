// Scratch databases are gone when a run ends, however it ends, and the database under test is only read.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

import { cloneTwoWorlds } from './clone-two-worlds.ts'
import { openScratch } from './scratch.ts'

const database = useTestDatabase()

const exists = (name: string): Promise<boolean> =>
  withClient(database().adminUrl, async (admin) => {
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [name])
    return rowCount === 1
  })

describe('a scratch database', () => {
  it('is dropped at the end, also with sessions in it', async () => {
    const scratch = await openScratch(database().adminUrl, { scratch: 'same-server' })
    const { name, url } = await scratch.create({ copyOf: 'template0' })
    expect(await exists(name)).toBe(true)
    const visitor = new Client({ connectionString: url })
    // The server ends its session, which is the point.
    visitor.on('error', () => undefined)
    await visitor.connect()
    await scratch.close()
    expect(await exists(name)).toBe(false)
    await visitor.end()
    await scratch.close()
    expect(await exists(name)).toBe(false)
  })

  it('of a killed run is dropped by the next one, when it is old and empty', async () => {
    const named = (ageMs: number): string =>
      `rowhouse_verify_${(Date.now() - ageMs).toString(36).padStart(9, '0')}_0123456789`
    const [old, young] = [named(2 * 60 * 60 * 1000), named(60 * 1000)]
    await withClient(database().adminUrl, async (admin) => {
      for (const name of [old, young]) await admin.query(`create database ${name}`)
    })
    await (await openScratch(database().adminUrl, { scratch: 'same-server' })).close()
    expect([await exists(old), await exists(young)]).toEqual([false, true])
    await withClient(database().adminUrl, (admin) => admin.query(`drop database ${young}`))
  })

  it('is dropped on SIGINT, and the process ends by it', async () => {
    const script = `
      const { openScratch } = await import(${JSON.stringify(join(import.meta.dirname, 'scratch.ts'))})
      const scratch = await openScratch(process.argv[1], { scratch: 'same-server' })
      console.log((await scratch.create({ copyOf: 'template0' })).name)
      setInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, database().adminUrl], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const name = line.toString().trim()
    expect(await exists(name)).toBe(true)
    child.kill('SIGINT')
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    expect(signal).toBe('SIGINT')
    expect(await exists(name)).toBe(false)
  })

  it('on a server that is still starting: the server is stopped on SIGINT', async () => {
    const script = `
      const { openScratch } = await import(${JSON.stringify(join(import.meta.dirname, 'scratch.ts'))})
      const startServer = async () => {
        console.log('starting')
        await new Promise((resolve) => process.stdin.once('data', resolve))
        return { adminUrl: process.argv[1], stop: async () => console.log('stopped') }
      }
      await openScratch(process.argv[1], { startServer })
      setInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, database().adminUrl], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    await expect.poll(() => said, { timeout: 60_000 }).toContain('starting')
    child.kill('SIGINT')
    child.stdin.write('go on')
    const [, signal] = (await once(child, 'close')) as [number | null, string | null]
    expect([signal, said]).toEqual(['SIGINT', 'starting\nstopped\n'])
  })

  it('needs a superuser', async () => {
    await expect(openScratch(database().migratorUrl, { scratch: 'same-server' })).rejects.toMatchObject({
      code: 'scratch_unavailable',
      message: expect.stringContaining('rowhouse_migrator is no superuser') as string,
    })
  })

  it('needs a server: none named and none started is an error that says so', async () => {
    await expect(openScratch(database().adminUrl, {})).rejects.toMatchObject({
      code: 'scratch_unavailable',
    })
    const unreachable = new URL('postgres://nobody@127.0.0.1:1/none')
    await expect(openScratch(database().adminUrl, { scratch: unreachable })).rejects.toMatchObject({
      code: 'scratch_unavailable',
    })
  })
})

describe('the database under test', () => {
  beforeAll(() =>
    withClient(database().adminUrl, (admin) =>
      admin.query(`
        create table public.tenants (id uuid primary key, secret text);
        create table public.invoices (id int primary key, tenant_id uuid references public.tenants (id), total int);
        insert into public.tenants values ('00000000-0000-4000-8000-000000000001', 'a secret of a user');
        create role clone_reader login password 'reader' noinherit;
        alter table public.invoices enable row level security;
      `),
    ),
  )

  it('is cloned by a login that may read none of its tables', async () => {
    const reader = new URL(database().adminUrl)
    ;[reader.username, reader.password] = ['clone_reader', 'reader']
    const denied = withClient(reader.href, (client) => client.query('select from public.tenants'))
    await expect(denied).rejects.toMatchObject({ code: '42501' })

    const worlds = await cloneTwoWorlds(reader.href, {
      scratch: new URL(database().adminUrl),
      tenantTable: 'public.tenants',
    })
    try {
      // Roles are of the whole server: another file may be making or changing some.
      expect(worlds.notCovered.filter(({ object }) => !object.startsWith('role '))).toEqual([])
      const planted = worlds.planted.find(({ table }) => table === 'public.tenants')
      expect(JSON.stringify(planted)).not.toContain('a secret of a user')
      expect(planted?.a).toHaveLength(1)
    } finally {
      await worlds.close()
      await withClient(database().adminUrl, (admin) => admin.query('drop role clone_reader'))
    }
  })
})
