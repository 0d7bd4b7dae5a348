// Real servers, really killed. Nothing here waits for a time; every wait names its condition and has a bound.
// Long because every way a server can die needs a whole life of one to show.
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { RowhouseError } from '@rowhouse/contracts'
import { Client } from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { stopOrphan } from './orphan.ts'
import { pollUntil } from './poll.ts'
import { identityOf, isPostgresOf, postgresProcessesOf } from './process-identity.ts'
import { startPostgres } from './start.ts'
import type { EmbeddedPostgres, PostgresOptions } from './start.ts'
import type { PostgresEvent } from './supervisor.ts'

const waitMs = 60_000
const isRoot = process.getuid?.() === 0
const linux = process.platform === 'linux'
const program = join(import.meta.dirname, '../../test/start-and-wait.ts')

const servers: EmbeddedPostgres[] = []
const children: ChildProcess[] = []
const folders: string[] = []

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const server of servers.splice(0)) await server.stop()
  for (const folder of folders.splice(0)) {
    // The servers of the programs that were killed above.
    const made = existsSync(join(folder, 'superuser-password'))
    if (made) await stopOrphan(dataOf(folder))
    rmSync(folder, { recursive: true, force: true })
  }
})

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rowhouse-postgres-'))
  folders.push(folder)
  return folder
}

async function start(dataDir: string, options: Partial<PostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startPostgres({ dataDir, durable: false, ...options })
  servers.push(server)
  return server
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

interface Said {
  readonly adminUrl: string
  readonly port: number
  readonly pid: number
  readonly uid: number
  readonly code?: string
  readonly message?: string
}

async function startInChild(folder: string, ids: { uid?: number; gid?: number } = {}, wrapper: readonly string[] = []) {
  const [command, ...words] = [...wrapper, process.execPath, program, folder]
  const child = spawn(command, words, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], HOME: '/', NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
    ...ids,
  })
  children.push(child)
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, said: JSON.parse(line) as Said }
}

async function failure(promise: Promise<unknown>): Promise<RowhouseError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(RowhouseError)
  return error as RowhouseError
}

describe('startPostgres', () => {
  it('keeps port, password and rows from one start to the next, and leaves no process', async () => {
    const folder = makeFolder()
    const first = await start(folder)
    const { pid } = first
    await query(first.adminUrl, 'create table kept as select 7 as n')
    await first.stop()
    await first.stop()
    expect(await identityOf(pid ?? 0)).toBeUndefined()
    expect(readdirSync(folder).filter((name) => name.endsWith('.lock'))).toEqual([])

    const second = await start(folder)
    expect(second.adminUrl).toBe(first.adminUrl)
    expect(await query(second.adminUrl, 'select n from kept')).toEqual([{ n: 7 }])
    expect(statSync(join(folder, 'superuser-password')).mode & 0o777).toBe(0o600)
  })

  it('wants the password, and listens on loopback only', async () => {
    const server = await start(makeFolder())
    const wrong = new URL(server.adminUrl)
    wrong.password = 'guess'
    await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
    expect(
      await query(
        server.adminUrl,
        `select name, setting from pg_settings
         where name in ('listen_addresses', 'max_connections', 'password_encryption', 'unix_socket_directories')
         order by name`,
      ),
    ).toEqual([
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'max_connections', setting: '200' },
      { name: 'password_encryption', setting: 'scram-sha-256' },
      { name: 'unix_socket_directories', setting: '' },
    ])
    await query(server.adminUrl, 'create extension pg_stat_statements')
    expect(await query(server.adminUrl, 'select count(*) > 0 as counts from pg_stat_statements')).toEqual([
      { counts: true },
    ])
  })

  it('takes another port when the one it had is taken, and refuses a taken port that was asked for', async () => {
    const folder = makeFolder()
    const first = await start(folder)
    await first.stop()
    const stranger = createServer().listen(first.port, '127.0.0.1')
    await once(stranger, 'listening')
    try {
      const second = await start(folder)
      expect(second.port).not.toBe(first.port)
      await second.stop()
      expect((await failure(start(folder, { port: first.port }))).code).toBe('port_in_use')
      expect(readdirSync(folder).filter((name) => name.endsWith('.lock'))).toEqual([])
    } finally {
      stranger.close()
    }
    expect((await failure(start(folder, { port: 99_999 }))).code).toBe('invalid_option')
  })
})

describe('one owner a folder', () => {
  it('refuses a second start in this and in another process, naming pid and URL', async () => {
    const folder = makeFolder()
    const { child, said } = await startInChild(folder)
    const error = await failure(start(folder))
    expect(error.code).toBe('already_running')
    expect(error.details).toMatchObject({ pid: child.pid, url: `postgres://127.0.0.1:${said.port}` })
    expect(error.message).toContain(String(child.pid))

    const other = makeFolder()
    await start(other)
    expect((await failure(start(other))).details).toMatchObject({ pid: process.pid })
  })

  it('lets exactly one of several simultaneous starts through', async () => {
    const folder = makeFolder()
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => startInChild(folder)))
    const codes = outcomes.map(({ said }) => said.code ?? 'up').sort()
    expect(codes).toEqual(['already_running', 'already_running', 'already_running', 'up'])
  })

  it('is not fooled by a claim whose pid belongs to somebody else now', async () => {
    const folder = makeFolder()
    writeFileSync(join(folder, `owner-${process.ppid}-1.lock`), 'postgres://127.0.0.1:1\n')
    await start(folder)
    expect(existsSync(join(folder, `owner-${process.ppid}-1.lock`))).toBe(false)
  })
})

describe('after kill -9', () => {
  it('of the parent: the next start stops the orphan and serves the same rows', async () => {
    const folder = makeFolder()
    const { child, said } = await startInChild(folder)
    await query(said.adminUrl, 'create table kept as select 1 as n')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await identityOf(said.pid)).toBeDefined()

    const lines: string[] = []
    const server = await start(folder, { log: (line) => lines.push(line) })
    expect(await identityOf(said.pid)).toBeUndefined()
    expect(lines.join('\n')).toContain(`Stopped process ${said.pid}`)
    expect(await query(server.adminUrl, 'select n from kept')).toEqual([{ n: 1 }])
  })

  it('of parent and Postgres, with a session still busy: recovers what was committed', async () => {
    const folder = makeFolder()
    const { child, said } = await startInChild(folder)
    await query(said.adminUrl, 'create table kept as select 1 as n')
    const busy = query(said.adminUrl, 'select count(*) from generate_series(1, 1e12)').catch(() => undefined)
    const running = await pollUntil(
      async () =>
        (
          await query(
            said.adminUrl,
            `select 1 from pg_stat_activity where query like '%1e12%' and state = 'active' and pid <> pg_backend_pid()`,
          )
        ).length > 0,
      { timeoutMs: waitMs },
    )
    expect(running).toBe(true)
    child.kill('SIGKILL')
    process.kill(said.pid, 'SIGKILL')
    await once(child, 'exit')

    const server = await start(folder)
    await busy
    expect(await query(server.adminUrl, 'select n from kept')).toEqual([{ n: 1 }])
    expect(await query(server.adminUrl, 'select pg_is_in_recovery() as recovering')).toEqual([{ recovering: false }])
  })

  it('of Postgres: is restarted on the same port, says so, and gives up after a bounded number', async () => {
    const events: PostgresEvent[] = []
    const server = await start(makeFolder(), { onEvent: (event) => events.push(event), now: () => 0 })
    const count = (type: PostgresEvent['type']) => events.filter((event) => event.type === type).length
    await query(server.adminUrl, 'create table kept as select 1 as n')
    for (let kill = 1; kill <= 3; kill++) {
      process.kill(server.pid ?? 0, 'SIGKILL')
      expect(await pollUntil(async () => count('restarted') === kill, { timeoutMs: waitMs })).toBe(true)
      expect(await query(server.adminUrl, 'select n from kept')).toEqual([{ n: 1 }])
    }
    process.kill(server.pid ?? 0, 'SIGKILL')
    expect(await pollUntil(async () => count('gave_up') === 1, { timeoutMs: waitMs })).toBe(true)
    expect(count('crashed')).toBe(4)
    expect(events[0]).toMatchObject({ type: 'crashed', signal: 'SIGKILL' })
    expect(server.pid).toBeUndefined()
    await server.stop()
  })

  it('ends a stop that comes while it restarts', async () => {
    const events: PostgresEvent[] = []
    const folder = makeFolder()
    const server = await start(folder, { onEvent: (event) => events.push(event) })
    process.kill(server.pid ?? 0, 'SIGKILL')
    await pollUntil(async () => events.length > 0, { timeoutMs: waitMs })
    await server.stop()
    expect(await postgresProcessesOf(join(folder, 'pgdata'))).toEqual([])
  })

  it.runIf(linux)('leaves alone a stranger that has the pid of postmaster.pid now', async () => {
    const folder = makeFolder()
    const first = await start(folder)
    await first.stop()
    const stranger = spawn('/bin/sleep', ['600'])
    children.push(stranger)
    const pgdata = dataOf(folder)
    expect(await isPostgresOf(stranger.pid ?? 0, pgdata)).toBe(false)
    writeFileSync(
      join(pgdata, 'postmaster.pid'),
      `${stranger.pid}\n${pgdata}\n1\n${first.port}\n\n127.0.0.1\n\nready\n`,
    )
    const second = await start(folder)
    expect(await query(second.adminUrl, 'select 1 as up')).toEqual([{ up: 1 }])
    expect(await identityOf(stranger.pid ?? 0)).toBeDefined()
  })
})

describe('bad folders', () => {
  it('takes for its own what a first start that was killed left there', async () => {
    const early = makeFolder()
    writeFileSync(join(early, 'postgres.json.new'), '{"for')
    await (await start(early)).stop()
    const later = makeFolder()
    writeFileSync(join(later, 'postgres.json'), '{"format": 1}')
    mkdirSync(join(later, 'pgdata.probe'))
    await (await start(later)).stop()
    expect(readdirSync(later).filter((name) => name.endsWith('.probe'))).toEqual([])
  })

  it('refuses data of another major version, ours and foreign, naming both', async () => {
    const foreign = makeFolder()
    writeFileSync(join(foreign, 'PG_VERSION'), '15\n')
    const ours = makeFolder()
    await (await start(ours)).stop()
    writeFileSync(join(ours, 'pgdata', 'PG_VERSION'), '17\n')
    const errors = [await failure(start(foreign)), await failure(start(ours))]
    expect(errors.map(({ code }) => code)).toEqual(['data_version_mismatch', 'data_version_mismatch'])
    expect(errors[0]?.message).toMatch(/Postgres 15.*Postgres 18/)
    expect(errors[1]?.message).toMatch(/Postgres 17.*Postgres 18/)
    expect(readdirSync(foreign)).toEqual(['PG_VERSION'])
  })

  it('refuses a folder with other files, a file, and a state it cannot read, and changes none', async () => {
    const photos = makeFolder()
    writeFileSync(join(photos, 'cat.jpg'), 'cat')
    expect((await failure(start(photos))).code).toBe('data_directory_foreign')
    expect(readdirSync(photos)).toEqual(['cat.jpg'])
    expect((await failure(start(join(photos, 'cat.jpg')))).code).toBe('data_directory_unusable')
    const future = makeFolder()
    writeFileSync(join(future, 'postgres.json'), '{"format": 9}')
    expect((await failure(start(future))).code).toBe('data_directory_unusable')
    expect(readFileSync(join(future, 'postgres.json'), 'utf8')).toBe('{"format": 9}')
  })

  it('says the last lines of the log when the data is damaged', async () => {
    const folder = makeFolder()
    await (await start(folder)).stop()
    writeFileSync(join(dataOf(folder), 'global', 'pg_control'), 'damaged')
    const error = await failure(start(folder))
    expect(error.code).toBe('postgres_start_failed')
    expect(error.message).toMatch(/pg_control/)
    expect(error.hint).toContain(join(folder, 'postgres.log'))
  })

  it('never replaces data whose version cannot be read', async () => {
    const folder = makeFolder()
    await (await start(folder)).stop()
    const pgdata = dataOf(folder)
    rmSync(join(pgdata, 'PG_VERSION'))
    expect((await failure(start(folder))).code).toBe('data_directory_unusable')
    expect(existsSync(join(pgdata, 'global', 'pg_control'))).toBe(true)
  })

  it('makes the data anew when the first start was killed in the middle', async () => {
    const folder = makeFolder()
    mkdirSync(join(folder, 'pgdata.partial'))
    writeFileSync(join(folder, 'pgdata.partial', 'PG_VERSION'), '18\n')
    writeFileSync(join(folder, 'postgres.json'), '{"format": 1, "pgdata": "pgdata"}')
    const server = await start(folder)
    expect(await query(server.adminUrl, 'select 1 as up')).toEqual([{ up: 1 }])
    expect(existsSync(join(folder, 'pgdata.partial'))).toBe(false)
  })
})

describe.runIf(isRoot)('as root', () => {
  it('runs as another user, beside a folder that user cannot reach, and comes back to its data', async () => {
    const closed = makeFolder()
    chmodSync(closed, 0o700)
    const folder = join(closed, 'data')
    const first = await start(folder)
    await query(first.adminUrl, 'create table kept as select 1 as n')
    const pgdata = dataOf(folder)
    expect(pgdata.startsWith('/var/lib/rowhouse/')).toBe(true)
    folders.push(dirname(pgdata))
    expect(statSync(pgdata).uid).not.toBe(0)
    expect(statSync(closed).mode & 0o777).toBe(0o700)
    await first.stop()
    const second = await start(folder)
    expect(await query(second.adminUrl, 'select n from kept')).toEqual([{ n: 1 }])
  })

  it.runIf(existsSync('/usr/bin/setpriv'))(
    'stops an orphan in a container, where root may not look into other users',
    async () => {
      const folder = makeFolder()
      const wrapper = ['/usr/bin/setpriv', '--bounding-set=-sys_ptrace']
      const first = await startInChild(folder, {}, wrapper)
      await query(first.said.adminUrl, 'create table kept as select 1 as n')
      first.child.kill('SIGKILL')
      await once(first.child, 'exit')
      const second = await startInChild(folder, {}, wrapper)
      expect(second.said).toMatchObject({ uid: 0 })
      expect(await identityOf(first.said.pid)).toBeUndefined()
      expect(await query(second.said.adminUrl, 'select n from kept')).toEqual([{ n: 1 }])
      process.kill(second.said.pid, 'SIGKILL')
      second.child.kill('SIGKILL')
      await once(second.child, 'exit')
      const third = await startInChild(folder, {}, wrapper)
      expect(await query(third.said.adminUrl, 'select n from kept')).toEqual([{ n: 1 }])
    },
  )

  it('copies the programs when their folder is closed too', async () => {
    const closed = makeFolder()
    chmodSync(closed, 0o700)
    const { findBinaries } = await import('./binaries.ts')
    const shared = makeFolder()
    chmodSync(shared, 0o755)
    const user = { uid: 65_534, gid: 65_534 }
    const original = await findBinaries(user, shared)
    const native = dirname(dirname(original.postgres))
    const source = join(closed, 'package')
    mkdirSync(source)
    execFileSync('cp', ['-a', native, join(source, 'native')])
    writeFileSync(join(source, 'package.json'), '{"version": "1.2.3"}')
    const copied = await findBinaries(user, shared, source)
    expect(copied).toEqual({
      ...original,
      postgres: join(shared, `postgres-1.2.3-${process.arch}/bin/postgres`),
      initdb: join(shared, `postgres-1.2.3-${process.arch}/bin/initdb`),
    })
  })

  it('just works for an ordinary user', async () => {
    const home = makeFolder()
    chmodSync(home, 0o755)
    const folder = join(home, 'data')
    mkdirSync(folder)
    chownSync(folder, 65_534, 65_534)
    const { child, said } = await startInChild(folder, { uid: 65_534, gid: 65_534 })
    expect(said).toMatchObject({ uid: 65_534 })
    expect(statSync(join(folder, 'pgdata')).uid).toBe(65_534)
    expect(await query(said.adminUrl, 'select 1 as up')).toEqual([{ up: 1 }])
    child.kill('SIGKILL')
    await once(child, 'exit')
    // Root takes over the same folder, and the data stays the other user's.
    const server = await start(folder)
    expect(await query(server.adminUrl, 'select 1 as up')).toEqual([{ up: 1 }])
    expect(statSync(join(folder, 'pgdata')).uid).toBe(65_534)
  })
})

function dataOf(folder: string): string {
  const { pgdata } = JSON.parse(readFileSync(join(folder, 'postgres.json'), 'utf8')) as { pgdata?: string }
  if (pgdata === undefined) return join(folder, 'pgdata')
  return pgdata.startsWith('/') ? pgdata : join(folder, pgdata)
}
