// The feed of one organization under one filter: first page, older pages on demand, live items as
// they arrive, held back while the reader has scrolled away from the top.
import type { ActivityItem, ServerEvent } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useReducer, useRef } from 'react'
import { client } from '../app/api.ts'
import { emptyFeed, passes, reduceFeed } from './feed.ts'
import type { Feed, FeedFilter } from './feed.ts'

const PAGE_SIZE = 50
const OLDER_PAGE_SIZE = 200

const queryOf = ({ direction, table, recordId }: FeedFilter, before?: string) => ({
  limit: before === undefined ? PAGE_SIZE : OLDER_PAGE_SIZE,
  ...(direction !== null && { direction }),
  ...(table !== null && { table }),
  ...(recordId !== null && { recordId }),
  ...(before !== undefined && { before }),
})

export interface LiveFeed {
  readonly feed: Feed
  readonly isPending: boolean
  readonly error: unknown
  readonly retry: () => void
  readonly readMore: () => void
  readonly release: () => void
  /** Hands on what the stream brought. */
  readonly take: (events: readonly ServerEvent[]) => void
}

/** @param isHeld asked when items arrive: whether new ones wait */
export function useFeed(organizationId: string, filter: FeedFilter, isHeld: () => boolean): LiveFeed {
  const [feed, dispatch] = useReducer(reduceFeed, emptyFeed)
  const isReading = useRef(false)
  const { direction, table, recordId } = filter
  const first = useQuery({
    queryKey: ['organization', organizationId, 'activity', direction, table, recordId],
    queryFn: ({ signal }) =>
      client.listActivity({ params: { organizationId }, query: queryOf({ direction, table, recordId }), signal }),
    // The stream does not tell of what other filters missed meanwhile.
    staleTime: 0,
    gcTime: 0,
  })
  const generation = useRef(0)
  useEffect(() => {
    generation.current += 1
    dispatch({ type: 'cleared' })
  }, [organizationId, direction, table, recordId])
  useEffect(() => {
    if (first.data !== undefined) dispatch({ type: 'page', ...first.data })
  }, [first.data])
  const readMore = useCallback(() => {
    if (isReading.current || feed.next === null) return
    isReading.current = true
    const asked = generation.current
    client
      .listActivity({ params: { organizationId }, query: queryOf({ direction, table, recordId }, feed.next) })
      .then((page) => (asked === generation.current ? dispatch({ type: 'page', ...page }) : undefined))
      // Scrolling again tries again.
      .catch(() => {})
      .finally(() => (isReading.current = false))
  }, [organizationId, direction, table, recordId, feed.next])
  return {
    feed,
    isPending: first.isPending || (first.data !== undefined && first.data.items.length > 0 && feed.items.length === 0),
    error: first.error,
    retry: () => void first.refetch(),
    readMore,
    release: () => dispatch({ type: 'released' }),
    take: (events) => {
      const items: ActivityItem[] = events
        .flatMap((event) => (event.type === 'activity' && event.organizationId === organizationId ? event.items : []))
        .filter((item) => passes(item, filter))
      if (items.length > 0) dispatch({ type: 'arrived', items, hold: isHeld() })
    },
  }
}
