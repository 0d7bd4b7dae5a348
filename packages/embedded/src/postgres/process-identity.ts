// Tells one process from another. A pid alone names nobody, because the kernel hands it out again;
// pid and start time together name one process for as long as the machine runs. Must never signal anything.
import { execFile } from 'node:child_process'
import { readFile, readdir, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface ProcessIdentity {
  readonly pid: number
  /** Opaque: equal for the same process, different for a later one with the same pid. */
  readonly startedAt: string
}

/** The identity of a living process, or undefined when nothing lives under this pid. */
export async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  const startedAt = process.platform === 'linux' ? await startTicks(pid) : await startDate(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

export async function isSameProcess(identity: ProcessIdentity): Promise<boolean> {
  return (await identityOf(identity.pid))?.startedAt === identity.startedAt
}

/** Whether `pid` is a Postgres process (postmaster or backend) of this data directory. */
export async function isPostgresOf(pid: number, pgdata: string): Promise<boolean> {
  if (process.platform === 'linux') {
    // Every Postgres process changes into its data directory and stays there. A process under another
    // user cannot be read; it is not ours to stop then, and Postgres itself will refuse beside it.
    const [state, cwd, name] = await Promise.all([
      startTicks(pid),
      readlink(`/proc/${pid}/cwd`).catch(() => ''),
      readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
    ])
    return state !== undefined && cwd === pgdata && name.trim().startsWith('postgres')
  }
  const { stdout } = await run('ps', ['-p', String(pid), '-o', 'command=']).catch(() => ({ stdout: '' }))
  return stdout.includes('postgres') && stdout.includes(pgdata)
}

/** Every process of this data directory; where /proc does not exist, none can be listed. */
export async function postgresProcessesOf(pgdata: string): Promise<number[]> {
  if (process.platform !== 'linux') return []
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const ours = await Promise.all(pids.map((pid) => isPostgresOf(pid, pgdata)))
  return pids.filter((_, index) => ours[index])
}

// proc_pid_stat(5): field 22 is the start in clock ticks since boot, field 3 the state. The second field
// is the command in parentheses and may hold spaces, so counting begins after the last parenthesis.
async function startTicks(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return undefined
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A zombie has ended; only its parent has not looked yet.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return fields[19]
}

async function startDate(pid: number): Promise<string | undefined> {
  const { stdout } = await run('ps', ['-p', String(pid), '-o', 'lstart=']).catch(() => ({ stdout: '' }))
  const date = Date.parse(stdout.trim())
  return Number.isNaN(date) ? undefined : String(date)
}
