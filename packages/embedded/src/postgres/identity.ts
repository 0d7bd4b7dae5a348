// Which user runs Postgres. It refuses to run as root, so root hands it to `postgres` where that user
// exists and to `nobody` otherwise; everybody else runs it as themselves. Must not create users.
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { promisify } from 'node:util'
import { RowhouseError } from '@rowhouse/contracts'

const run = promisify(execFile)
const userNames = ['postgres', '_postgres', 'nobody'] as const
const outputBytesMax = 1024 * 1024

/** The user to switch to, or undefined to stay the one we are. */
export interface RunAs {
  readonly uid: number
  readonly gid: number
}

export interface Finished {
  readonly exitCode: number | null
  readonly output: string
}

/** Undefined for an ordinary user. Throws `postgres_start_failed` for root where no other user exists. */
export async function chooseUser(): Promise<RunAs | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const name of userNames) {
    const ids = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]).catch(() => undefined)
    const [uid, gid] = (ids ?? []).map(({ stdout }) => Number(stdout))
    if (uid !== undefined && gid !== undefined && uid > 0) return { uid, gid }
  }
  throw new RowhouseError('postgres_start_failed', 'Postgres does not run as root, and no other user was found.', {
    hint: 'Add a user named postgres, or start Rowhouse as an ordinary user.',
  })
}

/**
 * Starts a program as that user. The environment is ours alone, so that a PGDATA or PGPORT of the shell
 * changes nothing, and the working directory is one that every user can enter.
 */
export function spawnAs(
  user: RunAs | undefined,
  program: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'stdio' | 'detached'>,
): ChildProcess {
  return spawn(program, args, {
    ...options,
    ...user,
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
  })
}

/** Runs a program to its end and returns what it wrote, stdout and stderr together. */
export async function runAs(user: RunAs | undefined, program: string, args: readonly string[]): Promise<Finished> {
  const child = spawnAs(user, program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const collect = (chunk: Buffer) => {
    if (output.length < outputBytesMax) output += chunk.toString()
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  return await new Promise((resolve) => {
    child.once('error', (error) => resolve({ exitCode: null, output: `${output}${error.message}` }))
    child.once('close', (exitCode) => resolve({ exitCode, output }))
  })
}

/** Whether that user can enter and write the folder: asked of the kernel, so that ACLs count as well. */
export async function canUse(user: RunAs, folder: string): Promise<boolean> {
  const { exitCode } = await runAs(user, '/bin/sh', ['-c', 'test -w "$1" && test -x "$1"', 'sh', folder])
  return exitCode === 0
}
