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

/** `unknown`: a Postgres process whose data directory the kernel does not let us see. */
export type Belonging = 'ours' | 'other' | 'unknown'

/** Whether `pid` is a Postgres process (postmaster or backend) of this data directory; `other` when it has ended. */
export async function belongingOf(pid: number, pgdata: string): Promise<Belonging> {
  if (process.platform !== 'linux') {
    const { stdout } = await run('ps', ['-p', String(pid), '-o', 'command=']).catch(() => ({ stdout: '' }))
    return stdout.includes('postgres') && stdout.includes(pgdata) ? 'ours' : 'other'
  }
  const [state, name, cwd, commandLine] = await Promise.all([
    startTicks(pid),
    readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
    readlink(`/proc/${pid}/cwd`).catch(() => undefined),
    readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
  ])
  if (state === undefined || !name.startsWith('postgres')) return 'other'
  // Every Postgres process changes into its data directory and stays there.
  if (cwd !== undefined) return cwd === pgdata ? 'ours' : 'other'
  // Root without CAP_SYS_PTRACE, as in a container, may not read that of another user. The postmaster's
  // arguments are open to all; backends write a title over theirs.
  const words = commandLine.split('\0')
  return words[words.indexOf('-D') + 1] === pgdata ? 'ours' : 'unknown'
}

export async function isPostgresOf(pid: number, pgdata: string): Promise<boolean> {
  return (await belongingOf(pid, pgdata)) === 'ours'
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
