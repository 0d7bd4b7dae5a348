// A server that outlived the process that started it (kill -9) is stopped, not adopted: a server we did not
// spawn cannot tell us how it ends. postmaster.pid may also name a stranger, because pids are handed out
// again; nothing is signalled before the process is known to be a Postgres of this very data directory.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'
import { pollUntil } from './poll.ts'
import { belongingOf, isPostgresOf, postgresProcessesOf } from './process-identity.ts'

const steps = [
  // Fast: ends sessions, writes a checkpoint. Immediate: ends without one; the next start recovers. Then the kernel.
  { signal: 'SIGINT', timeoutMs: 10_000 },
  { signal: 'SIGQUIT', timeoutMs: 5000 },
  { signal: 'SIGKILL', timeoutMs: 5000 },
] as const

/** Stops what still runs in this data directory. Answers the postmaster's pid when there was one. */
export async function stopOrphan(pgdata: string): Promise<number | undefined> {
  const pid = await readPostmasterPid(pgdata)
  const belonging = pid === undefined ? 'other' : await belongingOf(pid, pgdata)
  if (pid !== undefined && belonging === 'ours') await stopProcess(pid, pgdata)
  await stopBackends(pgdata)
  // A pid that a stranger has now would keep Postgres from starting. Where it may be a server of this data
  // after all, the file stays: it is Postgres's own guard against two servers in one directory.
  if (pid !== undefined && belonging !== 'unknown') await rm(join(pgdata, 'postmaster.pid'), { force: true })
  return belonging === 'ours' ? pid : undefined
}

/** Ends backends whose postmaster was killed: they hold the shared memory, and a busy one notices late. */
export async function stopBackends(pgdata: string): Promise<void> {
  for (const step of steps.slice(1)) {
    const pids = await postgresProcessesOf(pgdata)
    for (const pid of pids) signal(pid, step.signal)
    const gone = await pollUntil(async () => (await postgresProcessesOf(pgdata)).length === 0, step)
    if (gone) return
  }
}

async function stopProcess(pid: number, pgdata: string): Promise<void> {
  for (const step of steps) {
    signal(pid, step.signal)
    if (await pollUntil(async () => !(await isPostgresOf(pid, pgdata)), step)) return
  }
  throw new RowhouseError('postgres_start_failed', `Process ${pid} runs Postgres in ${pgdata} and does not end.`, {
    hint: `Stop it by hand: kill -9 ${pid}`,
    details: { pid, pgdata },
  })
}

async function readPostmasterPid(pgdata: string): Promise<number | undefined> {
  const text = await readFile(join(pgdata, 'postmaster.pid'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const pid = Number.parseInt(text, 10)
  return Number.isSafeInteger(pid) && pid > 1 ? pid : 0
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Ended meanwhile, or belongs to another user; the poll that follows sees which.
  }
}
