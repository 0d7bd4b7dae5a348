// What `rowhouse verify --attack` needs beside the rules: a place for the scratch databases, bounds, and a log.
import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'
import type { AttackDatabaseOptions, ScratchServer, TriedProbe } from '@rowhouse/verify'
import type { VerifyEvent } from './verify-progress.ts'

/** @throws RowhouseError invalid_option */
export function attackOptions(
  options: {
    readonly attackOnly?: readonly string[]
    readonly scratchUrl?: string
    readonly attackSeconds?: string
    readonly copySeconds?: string
  },
  report: (event: VerifyEvent) => void,
  onProbe?: (tried: TriedProbe) => void,
): AttackDatabaseOptions {
  return {
    attackSeconds: readSeconds('--attack-seconds', options.attackSeconds, ATTACK_SECONDS),
    ...(options.attackOnly !== undefined && { only: options.attackOnly }),
    ...(onProbe !== undefined && { onProbe }),
    clone: {
      scratch: readScratch(options.scratchUrl),
      copySeconds: readSeconds('--copy-seconds', options.copySeconds, COPY_SECONDS),
      startServer: startScratchServer,
      onProgress: (step) => report({ type: 'copying', step }),
    },
    onProgress: (progress) => report({ type: 'attack', ...progress }),
  }
}

/**
 * The log of an attack, a JSON object a line. Written as it goes on, so that a run that is killed leaves what it tried.
 *
 * @throws RowhouseError invalid_option where the file cannot be written
 */
export function openLog(path: string): { readonly write: (tried: TriedProbe) => void; readonly close: () => void } {
  let file: number
  try {
    file = openSync(path, 'w')
  } catch (cause) {
    throw new RowhouseError('invalid_option', `${path} cannot be written: ${String(cause)}`, { cause })
  }
  let lines: string[] = []
  const flush = (): void => {
    writeSync(file, lines.join(''))
    lines = []
  }
  return {
    write: (tried) => {
      lines.push(`${JSON.stringify(tried)}\n`)
      if (lines.length >= LOG_LINES_MAX) flush()
    },
    close: () => {
      flush()
      closeSync(file)
    },
  }
}

/** Lines kept back before they are written. */
const LOG_LINES_MAX = 500
/** Unless options say otherwise. */
const ATTACK_SECONDS = 300
const COPY_SECONDS = 600
const SECONDS_MAX = 86_400

function readSeconds(option: string, given: string | undefined, byDefault: number): number {
  const seconds = given === undefined ? byDefault : Number(given)
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= SECONDS_MAX) return seconds
  throw new RowhouseError('invalid_option', `${option} is a number from 1 to ${SECONDS_MAX}, not ${given}.`)
}

function readScratch(given: string | undefined): 'same-server' | URL | undefined {
  if (given === undefined || given === 'same-server') return given
  if (URL.canParse(given) && /^postgres(ql)?:$/.test(new URL(given).protocol)) return new URL(given)
  throw new RowhouseError('invalid_option', '--scratch-url is neither same-server nor the URL of a Postgres server.', {
    hint: 'It looks like this: postgres://postgres:password@host:5432/postgres. Without it a server is started here.',
  })
}

/** A Postgres of this run's own: the server under test carries no load, and needs to allow nothing but reading. */
async function startScratchServer(): Promise<ScratchServer> {
  // Imported when it is used: it is large, and the rules do without.
  const { startPostgres } = await import('@rowhouse/embedded')
  const dataDir = await mkdtemp(join(tmpdir(), 'rowhouse-verify-'))
  const remove = (): Promise<void> => rm(dataDir, { recursive: true, force: true })
  try {
    const server = await startPostgres({ dataDir, durable: false })
    return {
      adminUrl: server.adminUrl,
      stop: async () => {
        await server.stop()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}
