// A real PgBouncer before one database, in transaction mode with one server connection. It is not on npm: the machine
// must have it (Debian: apt-get install pgbouncer).
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'

const START_TRIES_MAX = 100
const START_TRY_MS = 100

export interface PgBouncer {
  readonly version: string
  /** The login of the URL it was started with, through the pooler. */
  readonly url: string
  log(): string
  /** Server connections to the database right now. */
  serverConnections(): Promise<number>
  stop(): Promise<void>
}

/** @returns `PgBouncer 1.18.0`, or null where there is none */
export function pgbouncerVersion(): string | null {
  const { status, stdout } = spawnSync('pgbouncer', ['--version'], { encoding: 'utf8' })
  return status === 0 ? (stdout.split('\n')[0] ?? '') : null
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Where root starts it, it needs a user to become; the files are that user's then. */
function ordinaryUser(): { readonly name: string; readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const fields = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'nobody')
  if (fields === undefined) throw new Error('PgBouncer does not run as root, and there is no user nobody.')
  return { name: 'nobody', uid: Number(fields[2]), gid: Number(fields[3]) }
}

/** @param databaseUrl the login that every client uses, straight to Postgres */
export async function startPgBouncer(databaseUrl: string, clientsMax: number): Promise<PgBouncer> {
  const version = pgbouncerVersion()
  if (version === null) throw new Error('There is no pgbouncer on this machine: apt-get install pgbouncer')
  const target = new URL(databaseUrl)
  const [user, password] = [decodeURIComponent(target.username), decodeURIComponent(target.password)]
  const folder = mkdtempSync(join(tmpdir(), 'rowhouse-pgbouncer-'))
  const port = await freePort()
  const files = { users: join(folder, 'users.txt'), settings: join(folder, 'pgbouncer.ini'), log: join(folder, 'log') }
  writeFileSync(files.users, `"${user}" "${password.replaceAll('"', '""')}"\n`)
  writeFileSync(
    files.settings,
    [
      '[databases]',
      `app = host=${target.hostname} port=${target.port} dbname=${target.pathname.slice(1)} pool_size=1`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${files.users}`,
      `admin_users = ${user}`,
      'pool_mode = transaction',
      'default_pool_size = 1',
      'max_db_connections = 1',
      `max_client_conn = ${clientsMax + 10}`,
      'query_wait_timeout = 300',
      `logfile = ${files.log}`,
    ].join('\n'),
  )
  writeFileSync(files.log, '')
  const other = ordinaryUser()
  if (other !== null) for (const path of [folder, ...Object.values(files)]) chownSync(path, other.uid, other.gid)
  chmodSync(folder, 0o700)
  const child = spawn('pgbouncer', [...(other === null ? [] : ['-u', other.name]), files.settings], { stdio: 'ignore' })
  const url = new URL(target)
  url.host = `127.0.0.1:${port}`
  url.pathname = '/app'
  const consoleUrl = new URL(url)
  consoleUrl.pathname = '/pgbouncer'
  await untilItAnswers(url.href, files.log)
  return {
    version,
    url: url.href,
    log: () => readFileSync(files.log, 'utf8'),
    serverConnections: async () => {
      const client = new Client(consoleUrl.href)
      await client.connect()
      // pg sends a simple query when there are no values; the console speaks no other.
      const { rows } = await client.query<{ database: string }>('show servers')
      await client.end()
      return rows.filter(({ database }) => database === 'app').length
    },
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode === null) child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilItAnswers(url: string, logFile: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const client = new Client(url)
    try {
      await client.connect()
      await client.end()
      return
    } catch (cause) {
      await client.end().catch(() => {})
      if (attempt === START_TRIES_MAX) {
        throw new Error(`PgBouncer does not answer:\n${readFileSync(logFile, 'utf8')}`, { cause })
      }
      await new Promise((resolve) => setTimeout(resolve, START_TRY_MS))
    }
  }
}
