// One run of the postgres program: spawned in a session of its own (a Ctrl-C in the terminal must reach
// only us, we then stop it in order), ready when it says so in postmaster.pid, stopped in bounded steps.
// Must not restart itself; that is the supervisor's.
import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import type { Binaries } from './binaries.ts'
import { spawnAs } from './identity.ts'
import type { RunAs } from './identity.ts'
import { stopBackends } from './orphan.ts'
import { pollUntil } from './poll.ts'
import { openLog, readTail, sizeOf } from './server-log.ts'
import { serverArguments } from './settings.ts'

export interface Launch {
  readonly binaries: Binaries
  readonly user: RunAs | undefined
  readonly pgdata: string
  readonly logFile: string
  readonly port: number
  readonly durable: boolean
  readonly startTimeoutMs: number
}

export interface Ended {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ServerProcess {
  readonly pid: number
  readonly ended: Promise<Ended>
  logTail(): Promise<string[]>
  stop(): Promise<void>
}

const stopFastMs = 10_000
const stopImmediateMs = 5000
const busyAttemptsMax = 30
const busyPauseMs = 300
const readyLine = 7

/**
 * Runs the server. Backends of one that was killed give up the shared memory when they notice, which they
 * do by themselves; they are waited for a bounded time where they could not be found and ended.
 * Throws `port_in_use` or `postgres_start_failed` (with the last log lines); nothing runs then.
 */
export async function launch(options: Launch): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await launchOnce(options)
    } catch (error) {
      const busy = isRowhouseError(error) && error.details['sharedMemoryBusy'] === true
      if (!busy || attempt === busyAttemptsMax) throw error
      await delay(busyPauseMs)
    }
  }
}

async function launchOnce(options: Launch): Promise<ServerProcess> {
  const { binaries, user, pgdata, logFile, port, durable, startTimeoutMs } = options
  const log = await openLog(logFile)
  const logStart = await sizeOf(logFile)
  let child: ChildProcess
  try {
    child = spawnAs(user, binaries.postgres, serverArguments(pgdata, { port, durable }), {
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    })
  } finally {
    await log.close()
  }
  let ended: Ended | undefined
  let spawnError: Error | undefined
  const end = new Promise<Ended>((resolve) => {
    child.once('error', (error) => {
      spawnError = error
      resolve({ exitCode: null, signal: null })
    })
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  }).then((value) => (ended = value))

  const ready = await pollUntil(async () => ended ?? (await isReady(pgdata, child.pid)), { timeoutMs: startTimeoutMs })
  const tail = () => readTail(logFile, logStart)
  if (ready === true && child.pid !== undefined) {
    const { pid } = child
    return { pid, ended: end, logTail: tail, stop: () => stop(child, end, pgdata) }
  }
  if (ended === undefined) await stop(child, end, pgdata)
  throw await startFailure(options, await tail(), spawnError, ready === undefined)
}

// The postmaster writes its state into the eighth line; pg_ctl --wait reads the same.
async function isReady(pgdata: string, pid: number | undefined): Promise<true | undefined> {
  const lines = (await readFile(join(pgdata, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  return Number(lines[0]) === pid && lines[readyLine]?.trim() === 'ready' ? true : undefined
}

async function stop(child: ChildProcess, end: Promise<Ended>, pgdata: string): Promise<void> {
  for (const [signal, timeoutMs] of [
    ['SIGINT', stopFastMs],
    ['SIGQUIT', stopImmediateMs],
  ] as const) {
    child.kill(signal)
    const timer = new AbortController()
    const late = delay(timeoutMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const)
    const outcome = await Promise.race([end, late])
    timer.abort()
    if (outcome !== 'late') return
  }
  child.kill('SIGKILL')
  await end
  await stopBackends(pgdata)
}

async function startFailure(
  { port, logFile, startTimeoutMs }: Launch,
  tail: string[],
  spawnError: Error | undefined,
  timedOut: boolean,
): Promise<RowhouseError> {
  const lines = tail.join('\n')
  if (/could not bind|Address already in use/i.test(lines)) {
    return new RowhouseError('port_in_use', `Port ${port} was taken while Postgres started.`, { details: { port } })
  }
  const why = spawnError?.message ?? (timedOut ? `it was not ready within ${startTimeoutMs} ms` : 'it ended')
  return new RowhouseError('postgres_start_failed', `Postgres did not start: ${why}.${lines && `\n${lines}`}`, {
    hint: `The whole log: ${logFile}`,
    details: { logFile, lines: tail, sharedMemoryBusy: /pre-existing shared memory block/.test(lines) },
    ...(spawnError && { cause: spawnError }),
  })
}
