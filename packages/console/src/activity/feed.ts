// The feed of changes as data: newest first, each position once, live ones patched in place or held
// back while the reader has scrolled. Pure; it knows neither the network nor the screen.
import type { ActivityItem } from '@rowhouse/contracts'

/** Most items kept; older ones are read again when the reader scrolls to them. */
export const FEED_ITEMS_MAX = 2000

export interface Feed {
  /** Newest first, each seq once. */
  readonly items: readonly ActivityItem[]
  /** Arrived while held back; newest first. */
  readonly waiting: readonly ActivityItem[]
  /** Position to read older items from; null when the end was reached. */
  readonly next: string | null
}

export interface FeedFilter {
  readonly direction: ActivityItem['direction'] | null
  readonly table: string | null
  readonly recordId: string | null
}

export type FeedEvent =
  /** A page from the API, the newest or an older one. */
  | { readonly type: 'page'; readonly items: readonly ActivityItem[]; readonly next: string | null }
  /** Live items; `hold` keeps new ones waiting. */
  | { readonly type: 'arrived'; readonly items: readonly ActivityItem[]; readonly hold: boolean }
  | { readonly type: 'released' }
  | { readonly type: 'cleared' }

export const emptyFeed: Feed = { items: [], waiting: [], next: null }

/** Positions are decimal numbers beyond 2^53: longer is larger, equal length compares as text. */
export function compareSeq(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}

export function passes(item: ActivityItem, { direction, table, recordId }: FeedFilter): boolean {
  return (
    (direction === null || item.direction === direction) &&
    (table === null || item.table === table) &&
    (recordId === null || item.recordId === recordId)
  )
}

export function reduceFeed(feed: Feed, event: FeedEvent): Feed {
  switch (event.type) {
    case 'page':
      if (leavesGap(feed, event.items)) return { ...feed, items: event.items, next: event.next }
      return bounded({ ...feed, items: merged(feed.items, event.items), next: older(feed, event) })
    case 'arrived': {
      const known = new Set(feed.items.map(({ seq }) => seq))
      const patches = event.items.filter(({ seq }) => known.has(seq))
      const fresh = event.items.filter(({ seq }) => !known.has(seq))
      const items = patches.length === 0 ? feed.items : merged(feed.items, patches)
      if (event.hold)
        return { ...feed, items, waiting: fresh.length === 0 ? feed.waiting : merged(feed.waiting, fresh) }
      return bounded({ ...feed, items: merged(items, fresh) })
    }
    case 'released':
      return bounded({ ...feed, items: merged(feed.items, feed.waiting), waiting: [] })
    case 'cleared':
      return emptyFeed
  }
}

/** After a long silence the newest page may begin beyond what is here; what lies between would be missing. */
function leavesGap(feed: Feed, page: readonly ActivityItem[]): boolean {
  const newest = feed.items[0]
  const oldestOfPage = page.at(-1)
  return newest !== undefined && oldestOfPage !== undefined && compareSeq(oldestOfPage.seq, newest.seq) > 0
}

/** A page that overlaps what is there (read again after a reconnect) must not rewind the end. */
function older(feed: Feed, page: { items: readonly ActivityItem[]; next: string | null }): string | null {
  const oldest = feed.items.at(-1)
  const oldestOfPage = page.items.at(-1)
  if (oldest === undefined) return page.next
  if (oldestOfPage === undefined) return page.next === null ? null : feed.next
  return compareSeq(oldestOfPage.seq, oldest.seq) <= 0 ? page.next : feed.next
}

function merged(into: readonly ActivityItem[], add: readonly ActivityItem[]): readonly ActivityItem[] {
  if (add.length === 0) return into
  const bySeq = new Map(into.map((item) => [item.seq, item]))
  for (const item of add) bySeq.set(item.seq, item)
  return [...bySeq.values()].sort((a, b) => compareSeq(b.seq, a.seq))
}

function bounded(feed: Feed): Feed {
  if (feed.items.length <= FEED_ITEMS_MAX) return feed
  const items = feed.items.slice(0, FEED_ITEMS_MAX)
  return { ...feed, items, next: (items.at(-1) as ActivityItem).seq }
}
