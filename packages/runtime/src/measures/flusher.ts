// Carries what was counted to the catalogue, in batches, as this process: some seconds after the first statement, and while
// there is something to carry; an application that asks nothing sends nothing. A batch that did not arrive is sent again, and
// the database counts each once, by its number; the oldest of too many is let go. No query waits for it or hears of it.
//
// What is lost: at kill -9 what was counted since the last flush; while the catalogue is away what is older than
// BATCHES_MAX flushes.
import { randomUUID } from 'node:crypto'

import { isRowhouseError } from '@rowhouse/contracts'

import { Measures } from './measures.ts'
import type { Cell, Counted } from './measures.ts'

/** What is sent as one statement. */
interface Batch {
  readonly sequence: number
  /** When its first statement ended, on the process's own clock. */
  readonly sinceMs: number
  /** As JSON, without its age, which is known when it is sent. */
  readonly content: string
  attempts: number
}

/** Batches that wait to be sent again. */
const BATCHES_MAX = 5
/** Between two flushes, however quickly the table fills. */
const EARLY_MS = 1_000

export interface FlusherOptions {
  readonly flushMs: number
  /** Sends one batch as this process. Rejects where it did not arrive. */
  readonly send: (processId: string, batch: string) => Promise<void>
  /** The same where that takes no waiting for a connection, or null. */
  readonly sendNow: (processId: string, batch: string) => Promise<void> | null
}

export class Flusher {
  readonly measures: Measures
  readonly #options: FlusherOptions
  readonly #processId = randomUUID()
  #waiting: Batch[] = []
  #sequence = 0
  #sinceMs = 0
  #flushedAtMs = 0
  #timer: NodeJS.Timeout | null = null
  #sending: Promise<void> | null = null
  #isClosed = false
  #failures = 0

  constructor(options: FlusherOptions) {
    this.#options = options
    this.measures = new Measures(
      () => {
        this.#sinceMs = performance.now()
        this.#flushLater(options.flushMs)
      },
      () => this.#flushEarly(),
    )
  }

  /** Flushes that failed since the process began. */
  get failures(): number {
    return this.#failures
  }

  /** Sends what there is. Never rejects. */
  flush(): Promise<void> {
    this.#sending ??= this.#flush().finally(() => {
      this.#sending = null
    })
    return this.#sending
  }

  /** Takes leave: sends what there is where a connection is at hand, and waits `waitMs` at the longest. */
  async close(waitMs: number): Promise<void> {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs)
    })
    await Promise.race([this.#sendLast().catch(() => {}), late])
    clearTimeout(timer)
  }

  async #sendLast(): Promise<void> {
    // Without a wait where nothing is under way: the caller is about to close what it is sent over.
    if (this.#sending !== null) await this.#sending
    this.#gather()
    for (const batch of this.#waiting.splice(0)) {
      const sent = this.#options.sendNow(this.#processId, textOf(batch))
      if (sent === null) return
      await sent
    }
  }

  #flushLater(afterMs: number): void {
    if (this.#isClosed || this.#timer !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.flush()
    }, afterMs)
    this.#timer.unref()
  }

  /** The table is full: it is emptied before its time, but not in a stream. */
  #flushEarly(): void {
    if (this.#sending !== null || this.#isClosed || performance.now() - this.#flushedAtMs < EARLY_MS) return
    void this.flush()
  }

  #gather(): void {
    const counted = this.measures.take()
    if (counted.own.size + counted.background.size === 0) return
    this.#sequence += 1
    this.#waiting.push({ sequence: this.#sequence, sinceMs: this.#sinceMs, content: contentOf(counted), attempts: 0 })
    if (this.#waiting.length > BATCHES_MAX) this.#waiting.shift()
  }

  async #flush(): Promise<void> {
    this.#flushedAtMs = performance.now()
    this.#gather()
    // In their order: the database takes no number that is not above the last.
    for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
      try {
        batch.attempts += 1
        await this.#options.send(this.#processId, textOf(batch))
      } catch (error) {
        this.#failures += 1
        // One that the database does not take must not keep the others from it.
        const isRefused = isRowhouseError(error) && !error.retryable && batch.attempts > 1
        if (!isRefused) break
      }
      if (this.#waiting[0] === batch) this.#waiting.shift()
    }
    if (this.#waiting.length > 0) this.#flushLater(this.#options.flushMs)
  }
}

function textOf({ sequence, sinceMs, content }: Batch): string {
  const ageMs = Math.max(0, Math.round(performance.now() - sinceMs))
  return `{"sequence":${sequence},"ageMs":${ageMs},${content}}`
}

/** As rowhouse.record_measures() reads it. */
function contentOf({ own, background }: Counted): string {
  const texts: Record<string, string> = {}
  const cells: unknown[] = []
  for (const table of [own, background]) {
    for (const [organization, shapes] of table) {
      for (const cell of shapes.values()) {
        texts[cell.shape.fingerprint] = cell.shape.text
        cells.push(lineOf(organization, cell, table === background))
      }
    }
  }
  return `"shapes":${JSON.stringify(texts)},"cells":${JSON.stringify(cells)}`
}

const lineOf = (organization: string, cell: Cell, isBackground: boolean): unknown => ({
  o: organization,
  k: isBackground,
  f: cell.shape.fingerprint,
  c: cell.calls,
  e: cell.errors,
  t: Math.round(cell.timeMs * 1000) / 1000,
  r: cell.rows,
  b: cell.bytes,
  m: Math.round(cell.maxMs * 1000) / 1000,
  h: [...cell.buckets],
})
