// What search may see. HubSpot's index trails the records; here by a set time. Owns the older versions
// that search still shows; must not know filters. In memory: after a restart the index has caught up.
import type { HubspotRecord } from './records.ts'

interface Superseded {
  readonly visibleUntil: number
  /** The record as search shows it until then; undefined when it did not exist yet. */
  readonly before: Pick<HubspotRecord, 'properties' | 'archived' | 'updatedAt'> | undefined
}

export class SearchIndex {
  readonly #superseded = new Map<string, Superseded[]>()
  readonly #lagMs: number
  readonly #now: () => number

  constructor(lagMs: number, now: () => number) {
    this.#lagMs = lagMs
    this.#now = now
  }

  /** Keeps what the record is now, before it is written. */
  keep(record: HubspotRecord, isNew: boolean): void {
    if (this.#lagMs === 0) return
    const { properties, archived, updatedAt } = record
    const versions = this.#superseded.get(record.id) ?? []
    versions.push({
      visibleUntil: this.#now() + this.#lagMs,
      before: isNew ? undefined : { properties: { ...properties }, archived, updatedAt },
    })
    this.#superseded.set(record.id, versions)
  }

  /** The record as search shows it now; undefined when it shows none. */
  view(record: HubspotRecord): HubspotRecord | undefined {
    const versions = this.#superseded.get(record.id)
    if (versions) {
      const current = versions.filter(({ visibleUntil }) => visibleUntil > this.#now())
      if (current.length === 0) this.#superseded.delete(record.id)
      else if (current[0]!.before === undefined || current[0]!.before.archived) return undefined
      else return { ...record, ...current[0]!.before }
    }
    return record.archived ? undefined : record
  }

  clear(): void {
    this.#superseded.clear()
  }
}
