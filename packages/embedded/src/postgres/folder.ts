// What lies in the folder that the caller named: postgres.json (port, and where the data is), the
// superuser's password, the log, and the data itself in `pgdata`, unless the user who runs Postgres cannot
// reach it there. Then the data goes below /var/lib/rowhouse and postgres.json points to it.
import { createHash, randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readFile, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'
import { isClaimFile } from './claim.ts'
import { canUse } from './identity.ts'
import type { RunAs } from './identity.ts'
import { postgresProcessesOf } from './process-identity.ts'

export const sharedFolder = '/var/lib/rowhouse'

const stateName = 'postgres.json'
const passwordName = 'superuser-password'
const requestedName = 'requested-by'
const enterOnlyMode = 0o711

interface FolderState {
  readonly format: 1
  /** The port of the last start, kept so that URLs in other programs' settings stay right. */
  readonly port?: number
  /** Relative to the folder, or absolute where the data had to go elsewhere. */
  readonly pgdata?: string
}

export interface DataFolder {
  readonly path: string
  readonly logFile: string
  readState(): Promise<FolderState>
  writeState(change: Partial<FolderState>): Promise<void>
  /** The superuser's password; made at the first call. */
  password(): Promise<string>
}

/**
 * Opens a folder that this process has claimed: what another start is about to write there looks like a stranger's.
 * Throws `data_directory_foreign` when it holds something else, `data_version_mismatch` when that is another
 * Postgres's data.
 */
export async function openFolder(path: string, majorVersion: number): Promise<DataFolder> {
  const isNew = await refuseForeign(path, majorVersion)
  const stateFile = join(path, stateName)
  const passwordFile = join(path, passwordName)

  const folder: DataFolder = {
    path,
    logFile: join(path, 'postgres.log'),
    async readState() {
      const text = await readFile(stateFile, 'utf8').catch(() => undefined)
      return text === undefined ? { format: 1 } : parseState(stateFile, text)
    },
    async writeState(change) {
      const state = { ...(await folder.readState()), ...change }
      await writeFile(`${stateFile}.new`, `${JSON.stringify(state, undefined, 2)}\n`)
      await rename(`${stateFile}.new`, stateFile)
    },
    async password() {
      const known = (await readFile(passwordFile, 'utf8').catch(() => '')).trim()
      if (known !== '') return known
      const fresh = randomBytes(32).toString('base64url')
      await writeFile(passwordFile, `${fresh}\n`, { mode: 0o600 })
      return fresh
    },
  }
  // Before anything else is put there: a start that is killed leaves a folder that the next one knows.
  if (isNew) await folder.writeState({})
  return folder
}

/** Where the data lies or will lie: an absolute path whose parent exists and that `user` can reach. */
export async function placeData(folder: DataFolder, user: RunAs | undefined): Promise<string> {
  const { pgdata } = await folder.readState()
  const earlier = pgdata === undefined ? undefined : resolve(folder.path, pgdata)
  // A first start that was ended before it made data has decided nothing.
  if (earlier !== undefined && (await exists(earlier))) return earlier
  if (user === undefined || (await isReachable(folder.path, user))) {
    await folder.writeState({ pgdata: 'pgdata' })
    return join(folder.path, 'pgdata')
  }
  await sweepTemporary()
  const name = createHash('sha256').update(folder.path).digest('hex').slice(0, 16)
  const home = join(sharedFolder, `${name}-${randomBytes(3).toString('hex')}`)
  await mkdir(home, { recursive: true, mode: 0o755 })
  await chmod(home, enterOnlyMode)
  await writeFile(join(home, requestedName), `${folder.path}\n`)
  await folder.writeState({ pgdata: join(home, 'pgdata') })
  return join(home, 'pgdata')
}

/** The major version the data was made with, or undefined where there is none yet. */
export async function dataVersion(pgdata: string): Promise<number | undefined> {
  if (!(await exists(pgdata))) return undefined
  const text = await readFile(join(pgdata, 'PG_VERSION'), 'utf8').catch((cause: unknown) => {
    // Never taken for "no data yet": what cannot be read is kept.
    throw unusable(pgdata, cause)
  })
  return Number.parseInt(text, 10)
}

export function versionMismatch(path: string, found: number, needed: number): RowhouseError {
  return new RowhouseError(
    'data_version_mismatch',
    `The data in ${path} was made by Postgres ${found}; this is Postgres ${needed}.`,
    { details: { path, dataVersion: found, postgresVersion: needed } },
  )
}

/** Makes the folder unless it is there, and gives its path. Throws `data_directory_unusable` when it is no folder. */
export async function makeFolder(requested: string): Promise<string> {
  const path = resolve(requested)
  try {
    await mkdir(path, { recursive: true })
    return await realpath(path)
  } catch (cause) {
    throw unusable(path, cause)
  }
}

/** Whether the folder holds nothing yet. */
async function refuseForeign(path: string, majorVersion: number): Promise<boolean> {
  const names = await readdir(path).catch((cause: unknown) => {
    throw unusable(path, cause)
  })
  if (names.includes(stateName)) return false
  if (names.every((name) => isClaimFile(name) || name === `${stateName}.new`)) return true
  const found = names.includes('PG_VERSION') ? await dataVersion(path) : undefined
  if (found !== undefined && found !== majorVersion) throw versionMismatch(path, found, majorVersion)
  const stranger = names.find((name) => !isClaimFile(name))
  const what =
    found === undefined ? `files that are not Rowhouse's, such as ${stranger}` : 'the data of another Postgres'
  throw new RowhouseError('data_directory_foreign', `The folder ${path} holds ${what}.`, { details: { path } })
}

function parseState(file: string, text: string): FolderState {
  try {
    const state = JSON.parse(text) as FolderState
    if (state.format === 1) return state
  } catch {
    // Falls through: an unreadable state and one of an unknown format are the same to the reader.
  }
  throw new RowhouseError('data_directory_unusable', `The file ${file} is not one this version can read.`, {
    hint: 'It says where the data lies, so it is not replaced. Restore it, or choose another folder with --data.',
  })
}

// The folder itself is ours to open: mkdtemp makes it 0700, and only the password in it is secret, which has
// a mode of its own. Its parents are not ours.
async function isReachable(path: string, user: RunAs): Promise<boolean> {
  const { mode } = await lstat(path)
  await chmod(path, mode | 0o111)
  const probe = join(path, 'pgdata.probe')
  await rm(probe, { recursive: true, force: true })
  await mkdir(probe, { mode: 0o777 })
  await chmod(probe, 0o777)
  const reachable = await canUse(user, probe)
  await rm(probe, { recursive: true, force: true })
  if (!reachable) await chmod(path, mode)
  return reachable
}

// Data of a folder in the temporary directory is not wanted once that folder is gone; what was asked for
// anywhere else is never removed by itself.
async function sweepTemporary(): Promise<void> {
  const temporary = (await realpath(tmpdir())) + sep
  const names = await readdir(sharedFolder).catch(() => [])
  for (const name of names) {
    const home = join(sharedFolder, name)
    const requested = (await readFile(join(home, requestedName), 'utf8').catch(() => '')).trim()
    if (!requested.startsWith(temporary) || (await exists(requested))) continue
    if ((await postgresProcessesOf(join(home, 'pgdata'))).length > 0) continue
    await rm(home, { recursive: true, force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function unusable(path: string, cause: unknown): RowhouseError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new RowhouseError('data_directory_unusable', `The folder ${path} cannot be used: ${reason}.`, {
    details: { path },
    cause,
  })
}
