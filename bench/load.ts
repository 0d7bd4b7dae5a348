// Load that comes by the clock, not when the last answer has come: so many queries a second, however long each takes.

/** What became of the queries that began within a window. */
export interface Seen {
  /** Milliseconds of each; of one that was not answered when the window was closed, those until then. */
  readonly times: readonly number[]
  /** Of those, how many were not answered yet. */
  readonly waiting: number
  /** Refusals and failures, by code. */
  readonly failed: Readonly<Record<string, number>>
}

export interface Load {
  /** Forgets what was seen so far; what began before counts no more. */
  mark(): void
  seen(): Seen
  /** Begins no more, and resolves when all that began has ended. */
  stop(): Promise<void>
}

interface Under {
  readonly begunMs: number
}

const codeOf = (error: unknown): string => (error as { readonly code?: string }).code ?? (error as Error).message

/** @param work one query; the number tells them apart */
export function load(perSecond: number, work: (number: number) => Promise<unknown>): Load {
  let times: number[] = []
  let failed: Record<string, number> = {}
  let underWay = new Set<Under>()
  let count = 0
  let open = 0
  let isStopped = false
  let ended = (): void => {}
  const startMs = performance.now()
  const begin = (): void => {
    const under = { begunMs: performance.now() }
    const of = underWay
    const end = (code: string | null): void => {
      open -= 1
      if (isStopped && open === 0) ended()
      // Of an earlier window.
      if (!of.delete(under) || of !== underWay) return
      times.push(performance.now() - under.begunMs)
      if (code !== null) failed[code] = (failed[code] ?? 0) + 1
    }
    of.add(under)
    open += 1
    work((count += 1)).then(
      () => end(null),
      (error: unknown) => end(codeOf(error)),
    )
  }
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) * perSecond) / 1000) - count
    for (let one = 0; one < due; one += 1) begin()
  }, 1)
  return {
    mark: () => {
      times = []
      failed = {}
      underWay = new Set()
    },
    seen: () => ({
      times: [...times, ...[...underWay].map(({ begunMs }) => performance.now() - begunMs)],
      waiting: underWay.size,
      failed: { ...failed },
    }),
    stop: () => {
      clearInterval(timer)
      isStopped = true
      return new Promise((resolve) => {
        ended = resolve
        if (open === 0) resolve()
      })
    },
  }
}

export const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN
