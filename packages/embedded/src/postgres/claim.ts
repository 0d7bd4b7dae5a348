// One owner per folder. Each contender writes a claim named after itself (pid and start time), then looks
// for others: a claim whose process has ended is removed, which is always safe because no later process
// has that name; a living one wins. Two that see each other both step back and try again. So there is no
// lock to be left behind by kill -9, and no moment in which two can believe they own the folder.
import { randomInt } from 'node:crypto'
import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'
import { pollUntil } from './poll.ts'
import { identityOf, isSameProcess } from './process-identity.ts'

const claimPattern = /^owner-(\d+)-(\d+)\.lock$/
const attemptsMax = 40

export interface Claim {
  /** Makes the address known, so that a second start can name it. The URL carries no password. */
  publish(url: string): Promise<void>
  release(): Promise<void>
}

export function isClaimFile(name: string): boolean {
  return claimPattern.test(name)
}

/**
 * Claims the folder for this process; `what` runs in it, for the message.
 * Throws `already_running` with the pid and URL of the living owner.
 */
export async function claimFolder(folder: string, what = 'Postgres'): Promise<Claim> {
  const self = await identityOf(process.pid)
  if (self === undefined) {
    throw new RowhouseError('postgres_start_failed', 'This process cannot find out its own start time.', {
      hint: 'On Linux /proc must be mounted; elsewhere the program ps must exist.',
    })
  }
  const file = join(folder, `owner-${self.pid}-${self.startedAt}.lock`)

  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    await create(file, folder, what)
    const rival = await findRival(folder, file)
    if (rival === undefined) return makeClaim(file)
    await rm(file, { force: true })
    const url = await readUrl(rival.file)
    if (url !== undefined || attempt === attemptsMax) throw alreadyRunning(what, folder, rival.pid, url)
    // It has not said where it is: it is starting, or stepping back as we do. Unequal pauses decide.
    await pollUntil(async () => (await readUrl(rival.file)) !== undefined || !(await isSameProcess(rival)), {
      timeoutMs: randomInt(50, 500),
    })
  }
  throw alreadyRunning(what, folder, undefined, undefined)
}

async function create(file: string, folder: string, what: string): Promise<void> {
  try {
    await writeFile(file, '', { flag: 'wx', mode: 0o644 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw alreadyRunning(what, folder, process.pid, await readUrl(file))
    }
    throw error
  }
}

async function findRival(folder: string, own: string) {
  for (const name of await readdir(folder)) {
    const match = claimPattern.exec(name)
    const file = join(folder, name)
    if (match === null || file === own) continue
    const identity = { pid: Number(match[1]), startedAt: match[2] ?? '' }
    if (await isSameProcess(identity)) return { ...identity, file }
    await rm(file, { force: true })
  }
  return undefined
}

async function readUrl(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trim() === '' ? undefined : text.trim()
}

function makeClaim(file: string): Claim {
  return {
    async publish(url) {
      await writeFile(`${file}.new`, `${url}\n`)
      await rename(`${file}.new`, file)
    },
    async release() {
      await rm(file, { force: true })
    },
  }
}

function alreadyRunning(what: string, folder: string, pid: number | undefined, url: string | undefined): RowhouseError {
  const owner = pid === undefined ? 'another process' : `process ${pid}`
  const where = url === undefined ? 'is starting' : `serves ${url}`
  return new RowhouseError('already_running', `${what} already runs in ${folder}: ${owner} ${where}.`, {
    details: { folder, pid, url },
  })
}
