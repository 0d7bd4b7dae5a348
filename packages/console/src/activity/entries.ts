// What the feed shows: single changes, and in one line what was read from the CRM at once (a backfill,
// an import there), which would otherwise bury them. Pure; the items themselves are all kept.
import type { ActivityItem } from '@rowhouse/contracts'

/** Fewer than this are shown one by one. */
export const BULK_MIN = 5
/** Records of one reading follow each other at most this far apart. */
const GAP_MS = 2000

export type Entry =
  | { readonly kind: 'change'; readonly key: string; readonly item: ActivityItem }
  | {
      readonly kind: 'bulk'
      /** Of its newest change: it stays while older ones are read. */
      readonly key: string
      /** Newest first, all new records of one table from the CRM. */
      readonly items: readonly ActivityItem[]
    }

/**
 * Every item once, in its order.
 *
 * @param opened positions whose reading is shown item by item. @default none
 */
export function entriesOf(items: readonly ActivityItem[], opened: ReadonlySet<string> = new Set()): readonly Entry[] {
  const entries: Entry[] = []
  for (let at = 0; at < items.length;) {
    let end = at + 1
    while (end < items.length && isOneReading(items[end - 1] as ActivityItem, items[end] as ActivityItem)) end += 1
    const run = items.slice(at, end)
    if (run.length >= BULK_MIN && !run.some(({ seq }) => opened.has(seq)))
      entries.push({ kind: 'bulk', key: `bulk ${run[0]?.seq}`, items: run })
    else for (const item of run) entries.push({ kind: 'change', key: item.seq, item })
    at = end
  }
  return entries
}

/** The changes that were made one by one. */
export const singles = (entries: readonly Entry[]): readonly ActivityItem[] =>
  entries.flatMap((entry) => (entry.kind === 'change' ? [entry.item] : []))

function isOneReading(newer: ActivityItem, older: ActivityItem): boolean {
  return (
    newer.direction === 'inbound' &&
    older.direction === 'inbound' &&
    newer.action === 'insert' &&
    older.action === 'insert' &&
    newer.table === older.table &&
    newer.connectionId === older.connectionId &&
    Date.parse(newer.at) - Date.parse(older.at) <= GAP_MS
  )
}
