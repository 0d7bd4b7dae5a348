// What the server did while one session's answer took long: without it a slow answer under an adoption cannot be told
// from a slow disk. Looks only while an answer is overdue, so that it costs nothing the rest of the time.
import type { Client } from 'pg'

const OVERDUE_MS = 50
const LOOK_EVERY_MS = 5

export interface SlowAnswer {
  readonly tookMs: number
  /** How often each wait was seen, most often first: `Lock:transactionid`, `IO:WALSync`, `working` for none. */
  readonly waits: readonly (readonly [string, number])[]
  /** The longest stretch in which every look saw the session wait for a lock, ms. */
  readonly lockedMs: number
  /** What the other sessions and the server's own processes waited for, as `backend type wait`. */
  readonly others: readonly (readonly [string, number])[]
}

interface Look {
  readonly mine: boolean
  readonly backend: string
  readonly wait: string
}

const LOOK = `
  select pid = $1 as mine, backend_type as backend, coalesce(wait_event_type || ':' || wait_event, 'working') as wait
  from pg_stat_activity
  where pid = $1 or (pid <> pg_backend_pid() and (state = 'active' or backend_type <> 'client backend')
    and coalesce(wait_event_type, '') <> 'Activity')`

/** Watches the session of `watched` through the connection `through`. */
export class SlowAnswers {
  readonly found: SlowAnswer[] = []
  readonly #pid: number
  readonly #through: Client
  readonly #timer: NodeJS.Timeout
  #startedAt: number | undefined
  #looking: Promise<void> | undefined
  #looks: { atMs: number; seen: Look[] }[] = []

  constructor(watched: Client, through: Client) {
    this.#pid = (watched as unknown as { processID: number }).processID
    this.#through = through
    this.#timer = setInterval(() => {
      if (this.#startedAt === undefined || performance.now() - this.#startedAt < OVERDUE_MS) return
      this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    }, LOOK_EVERY_MS)
  }

  async #look(): Promise<void> {
    const { rows } = await this.#through.query<Look>(LOOK, [this.#pid])
    if (this.#startedAt !== undefined) this.#looks.push({ atMs: performance.now() - this.#startedAt, seen: rows })
  }

  async watch<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#looks = []
    this.#startedAt = performance.now()
    try {
      return await work()
    } finally {
      const tookMs = performance.now() - this.#startedAt
      this.#startedAt = undefined
      if (this.#looks.length > 0) this.found.push(summarize(tookMs, this.#looks))
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
  }
}

function summarize(tookMs: number, looks: readonly { atMs: number; seen: Look[] }[]): SlowAnswer {
  const mine = new Map<string, number>()
  const others = new Map<string, number>()
  let lockedMs = 0
  let lockedSince: number | undefined
  // The first look comes when the answer is overdue: a lock seen then may have been waited for from the start.
  let before = 0
  for (const { atMs, seen } of looks) {
    for (const look of seen) {
      const [into, key] = look.mine ? [mine, look.wait] : [others, `${look.backend} ${look.wait}`]
      into.set(key, (into.get(key) ?? 0) + 1)
    }
    if (seen.some((look) => look.mine && look.wait.startsWith('Lock:'))) {
      lockedSince ??= before
      lockedMs = Math.max(lockedMs, atMs - lockedSince)
    } else {
      lockedSince = undefined
    }
    before = atMs
  }
  // Locked at the last look: it may have been until the answer came.
  if (lockedSince !== undefined) lockedMs = Math.max(lockedMs, tookMs - lockedSince)
  const sorted = (counts: Map<string, number>) => [...counts].sort((a, b) => b[1] - a[1])
  return { tookMs, waits: sorted(mine), lockedMs, others: sorted(others) }
}

export const describeSlowAnswer = ({ tookMs, waits, lockedMs, others }: SlowAnswer): string => {
  const list = (counts: readonly (readonly [string, number])[]) => counts.map(([key, n]) => `${key} ${n}×`).join(', ')
  return `${tookMs.toFixed(1)} ms, of them locked ${lockedMs.toFixed(1)}; waits: ${list(waits)}; the others: ${list(others) || 'none'}`
}
