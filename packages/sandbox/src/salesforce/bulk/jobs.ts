// Bulk jobs of one organization. Owns their states and how many are kept; the work is in ingest.ts and
// query-jobs.ts. https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_job_states.htm
import type { Shelf, Store } from '../../store/store.ts'

export type JobState = 'Open' | 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted'

export interface Job {
  readonly id: string
  readonly kind: 'ingest' | 'query'
  readonly object: string
  readonly operation: string
  readonly externalIdFieldName?: string
  readonly query?: string
  readonly columnDelimiter: string
  readonly lineEnding: string
  readonly createdAt: number
  readonly apiVersion: number
  /** How changes made by this job are told. */
  readonly origin: string
  state: JobState
  errorMessage?: string
  /** What was uploaded, until it is worked on. */
  data: string
  processed: number
  failed: number
  /** Rows of the result files, header first. */
  results: Record<string, string[][]>
}

export const jobsMax = 200

export class Jobs {
  readonly #jobs: Shelf<Job>
  readonly #store: Store
  readonly #account: string

  constructor(account: string, store: Store) {
    this.#account = account
    this.#store = store
    this.#jobs = store.shelf(account, 'bulkjob')
  }

  all(kind: Job['kind']): Job[] {
    return [...this.#jobs.values()].filter((job) => job.kind === kind)
  }

  get(kind: Job['kind'], id: string): Job | undefined {
    const job = this.#jobs.get(id.slice(0, 15))
    return job?.kind === kind ? job : undefined
  }

  add(job: Omit<Job, 'id' | 'data' | 'processed' | 'failed' | 'results'>): Job {
    const id = `750${this.#account.slice(3, 8)}${String(this.#store.next(this.#account, 'bulkjob')).padStart(7, '0')}`
    const added: Job = { ...job, id, data: '', processed: 0, failed: 0, results: {} }
    this.#jobs.set(id, added)
    if (this.#jobs.size > jobsMax) this.#jobs.delete(this.#jobs.entries().next().value![0])
    return added
  }

  save(job: Job): void {
    this.#jobs.set(job.id, job)
  }

  remove(job: Job): void {
    this.#jobs.delete(job.id)
  }
}
