// What asks a process for its end, told apart: a person who presses Ctrl-C, a supervisor, and the same once more.
import { isatty } from 'node:tty'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/**
 * npm, npx and the hand-over to a newer Node pass on what the terminal has sent to all of them already: one Ctrl-C comes two or
 * three times, within some milliseconds.
 */
const SAME_REQUEST_MS = 500
/** How often it is looked whether who started this is still there. */
const PARENT_EVERY_MS = 500

/** Of the process: a seam for tests. */
export interface EndedProcess {
  readonly ppid: number
  readonly env: NodeJS.ProcessEnv
  on(event: string, listener: (event?: unknown) => void): unknown
  off(event: string, listener: (event?: unknown) => void): unknown
}

export interface EndRequestOptions {
  /** @default process */
  readonly of?: EndedProcess
  /** Whether input or output is a terminal. @default of this process */
  readonly hasTerminal?: () => boolean
  /** @default performance.now */
  readonly now?: () => number
  /** @default 500 */
  readonly parentEveryMs?: number
}

/**
 * Calls back with each request for the end of this process, until the function that it returns is called.
 *
 * - SIGINT and SIGTERM always are one.
 * - SIGHUP says that a terminal is gone. Where neither input nor output is one, as under nohup, it is not ours and is not
 *   heard: Node takes back that nohup had it ignored.
 * - The end of the process that started this one, where that left a channel, or where npm stands between: it passes SIGTERM on to the
 *   shell that it runs a script in, and a shell that waits for us ends by that without telling us. Who was started by npm, or one of
 *   its kin, therefore ends when its parent has. Whoever was not, such as under nohup, systemd or in a container, does not look.
 *
 * @param request told whether somebody had asked before
 */
export function onEndRequest(
  request: (isAgain: boolean) => void,
  {
    of = process,
    hasTerminal = () => [0, 1, 2].some((descriptor) => isatty(descriptor)),
    now = () => performance.now(),
    parentEveryMs = PARENT_EVERY_MS,
  }: EndRequestOptions = {},
): () => void {
  const parent = of.ppid
  // Now: one that is gone is no terminal any more.
  const isOnTerminal = hasTerminal()
  let askedAt: number | null = null
  const onEvent = (event?: unknown): void => {
    if (event === 'SIGHUP' && !isOnTerminal) return
    if (askedAt !== null && now() - askedAt < SAME_REQUEST_MS) return
    const isAgain = askedAt !== null
    askedAt = now()
    request(isAgain)
  }
  const events = [...signals, 'disconnect']
  for (const event of events) of.on(event, onEvent)
  const watch = wasStartedByNpm(of.env)
    ? setInterval(() => {
        if (of.ppid !== parent && askedAt === null) onEvent()
      }, parentEveryMs).unref()
    : undefined
  return () => {
    clearInterval(watch)
    for (const event of events) of.off(event, onEvent)
  }
}

/** npm start, npx, and the same of pnpm, yarn and bun: https://docs.npmjs.com/cli/v11/using-npm/scripts#environment */
const wasStartedByNpm = (environment: NodeJS.ProcessEnv): boolean => environment['npm_lifecycle_event'] !== undefined
