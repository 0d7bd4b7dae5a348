// Asynchronous jobs: a request kept, worked on once its time has come, its answer kept for whoever asks.
// Owns idempotency keys and the bound on how many are kept. Work is done when the company is next looked
// at, on the clock that is injected, so that a run repeats.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/chapter_161251386312.html
import type { Shelf, Store } from '../store/store.ts'
import type { Answer, Operation } from './operation.ts'

export interface Job {
  readonly id: string
  readonly operation: Operation
  readonly dueAt: number
  readonly key?: string
  /** Whether the person who asked works in the pages of the CRM. */
  readonly person: boolean
  answer?: Answer
}

/** Jobs a company keeps; the oldest goes when one more is asked for. */
export const jobsMax = 1000

export class Jobs {
  readonly #jobs: Shelf<Job>
  readonly #store: Store
  readonly #account: string
  readonly #now: () => number
  readonly #delayMs: number

  constructor(account: string, store: Store, now: () => number, delayMs: number) {
    this.#account = account
    this.#store = store
    this.#now = now
    this.#delayMs = delayMs
    this.#jobs = store.shelf(account, 'job')
  }

  get(id: string): Job | undefined {
    return this.#jobs.get(id)
  }

  byKey(key: string): Job | undefined {
    for (const job of this.#jobs.values()) if (job.key === key) return job
    return undefined
  }

  submit(operation: Operation, key: string | undefined, person: boolean): Job {
    const id = String(this.#store.next(this.#account, 'job'))
    const job: Job = {
      id,
      operation,
      dueAt: this.#now() + this.#delayMs,
      person,
      ...(key === undefined ? {} : { key }),
    }
    this.#jobs.set(id, job)
    if (this.#jobs.size > jobsMax) this.#jobs.delete(this.#jobs.entries().next().value![0])
    return job
  }

  /** Works on what is due, oldest first. */
  run(perform: (job: Job) => Answer): void {
    for (const job of this.#jobs.values()) {
      if (job.answer !== undefined || job.dueAt > this.#now()) continue
      job.answer = perform(job)
      this.#jobs.set(job.id, job)
    }
  }
}
