// A Postgres of its own for each home: servers from npm, in folders of this machine, run by the process that made them. The
// cluster is added with `embedded://local/<absolute folder>`. A server that rested is started again by the next check of its
// cluster, on the port it had.
import { mkdir, readdir, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import type { MadeServer, ServerDriver, ServerOrder } from '@rowhouse/fleet'
import { startPostgres } from '../postgres/start.ts'
import type { EmbeddedPostgres } from '../postgres/start.ts'

/** What a driver names its servers; nothing else in the folder is touched. */
const NAME = /^h-[0-9a-f]{16}$/

export interface EmbeddedDriverOptions {
  /** As startPostgres() takes it. @default true */
  readonly durable?: boolean
}

export interface EmbeddedDriver extends ServerDriver {
  /** Ends the servers that this process runs; their data stays. */
  close(): Promise<void>
}

/**
 * A driver for `openFleet({ drivers })` and `startServer(config, { drivers })`.
 *
 * Its methods throw what startPostgres() throws: already_running where another process runs the server,
 * data_directory_unusable, platform_unsupported, postgres_start_failed.
 */
export function embeddedDriver({ durable = true }: EmbeddedDriverOptions = {}): EmbeddedDriver {
  const running = new Map<string, Promise<EmbeddedPostgres>>()

  const start = (dataDir: string): Promise<EmbeddedPostgres> => {
    const known = running.get(dataDir)
    if (known !== undefined) return known
    const starting = startPostgres({ dataDir, durable })
    running.set(dataDir, starting)
    starting.catch(() => running.delete(dataDir))
    return starting
  }

  return {
    name: 'embedded',
    async create({ name, access }: ServerOrder): Promise<MadeServer> {
      const { adminUrl } = await start(folderOf(access, name))
      return { adminUrl, tls: 'off', tlsCa: null }
    },
    async remove({ name, access }: ServerOrder): Promise<void> {
      const dataDir = folderOf(access, name)
      const server = await running.get(dataDir)?.catch(() => undefined)
      await server?.stop()
      running.delete(dataDir)
      await rm(dataDir, { recursive: true, force: true })
    },
    async check(access: string): Promise<void> {
      const folder = rootOf(access)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of await readdir(folder)) {
        if (!NAME.test(name)) continue
        await start(join(folder, name)).catch((error: unknown) => {
          // Another process runs it: that is where its home is reached.
          if (!isRowhouseError(error) || error.code !== 'already_running') throw error
        })
      }
    },
    async close(): Promise<void> {
      const servers = [...running.values()]
      running.clear()
      for (const starting of servers) await starting.then((server) => server.stop()).catch(() => undefined)
    },
  }
}

/** @throws RowhouseError invalid_option */
function rootOf(access: string): string {
  const url = URL.canParse(access) ? new URL(access) : null
  const folder = url?.protocol === 'embedded:' ? decodeURIComponent(url.pathname) : ''
  if (!isAbsolute(folder) || folder === '/') {
    throw new RowhouseError('invalid_option', 'url is not embedded://local/<absolute folder>', {
      details: { option: 'url' },
    })
  }
  return folder
}

function folderOf(access: string, name: string): string {
  if (!NAME.test(name)) throw new RowhouseError('invalid_option', `${name} is no name of a server.`)
  return join(rootOf(access), name)
}
