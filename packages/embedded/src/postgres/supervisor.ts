// Keeps one server running: restarts it when it ends by itself, a bounded number of times, and says so.
// Owns the decision to restart; must not know folders, claims or users.
import { RowhouseError } from '@rowhouse/contracts'
import { stopBackends } from './orphan.ts'
import { launch } from './server-process.ts'
import type { Launch, ServerProcess } from './server-process.ts'

const restartsMax = 3
const restartWindowMs = 60_000

/** What happens to a running server that nobody asked for. */
export type PostgresEvent =
  | {
      readonly type: 'crashed'
      readonly exitCode: number | null
      readonly signal: string | null
      readonly logTail: readonly string[]
    }
  | { readonly type: 'restarted'; readonly pid: number; readonly attempt: number }
  /** The server stays down; the application should end or start anew. */
  | { readonly type: 'gave_up'; readonly error: RowhouseError }

export interface Supervisor {
  readonly pid: number | undefined
  stop(): Promise<void>
}

export async function supervise(
  options: Launch,
  onEvent: (event: PostgresEvent) => void,
  now: () => number,
): Promise<Supervisor> {
  let server: ServerProcess | undefined = await launch(options)
  let stopping = false
  let restarts: number[] = []

  const watch = async (running: ServerProcess): Promise<void> => {
    const ended = await running.ended
    if (stopping) return
    server = undefined
    onEvent({ type: 'crashed', ...ended, logTail: await running.logTail() })
    restarts = [...restarts.filter((at) => now() - at < restartWindowMs), now()]
    if (restarts.length > restartsMax) {
      const message = `Postgres ended ${restarts.length} times within ${restartWindowMs / 1000} seconds and stays down.`
      onEvent({ type: 'gave_up', error: new RowhouseError('postgres_start_failed', message) })
      return
    }
    try {
      await stopBackends(options.pgdata)
      const next = await launch(options)
      server = next
      onEvent({ type: 'restarted', pid: next.pid, attempt: restarts.length })
      watched = watch(next)
    } catch (error) {
      const wrapped =
        error instanceof RowhouseError ? error : new RowhouseError('postgres_start_failed', undefined, { cause: error })
      onEvent({ type: 'gave_up', error: wrapped })
    }
  }
  let watched = watch(server)

  return {
    get pid() {
      return server?.pid
    },
    async stop() {
      stopping = true
      // A restart under way is let finish: its server must not be missed.
      if (server === undefined) await watched
      await server?.stop()
    },
  }
}
