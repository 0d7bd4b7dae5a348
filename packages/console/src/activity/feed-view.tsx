// The list of changes: filters, the "n new" line, rows on the screen only, j, k and enter.
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { JSX } from 'react'
import { useKeys } from '../app/keys.ts'
import { useIsNarrow } from '../parts/narrow.ts'
import { Button, Empty, Failure, Loading } from '../parts/parts.tsx'
import { plural } from '../words/numbers.ts'
import { BulkRow, ChangeRow, ROW_NARROW_PX, ROW_PX, columns } from './change-row.tsx'
import { entriesOf } from './entries.ts'
import type { Entry } from './entries.ts'
import { directions } from './search.ts'
import type { ActivitySearch } from './search.ts'
import type { LiveFeed } from './use-feed.ts'

const control = 'h-7 rounded-md border border-line-strong bg-raised px-2 text-xs text-ink'
const directionWords = { inbound: 'From the CRM', outbound: 'To the CRM', local: 'Here only' }
const READ_MORE_ROWS = 10

export interface FeedViewProps {
  readonly live: LiveFeed
  readonly search: ActivitySearch
  readonly onSearch: (change: ActivitySearch) => void
  readonly tables: readonly string[]
  readonly remoteName: string
  readonly isConnected: boolean
}

export function FeedView({ live, search, onSearch, tables, remoteName, isConnected }: FeedViewProps): JSX.Element {
  const { feed, readMore, release } = live
  const isNarrow = useIsNarrow()
  const body = useRef<HTMLOListElement>(null)
  const [marginPx, setMarginPx] = useState(0)
  const [current, setCurrent] = useState<string | null>(null)
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  const entries = useMemo(
    () => entriesOf(feed.items, search.change === undefined ? opened : new Set([...opened, search.change])),
    [feed.items, opened, search.change],
  )
  const hasWaiting = feed.waiting.length > 0
  const isEmpty = feed.items.length === 0
  useEffect(() => {
    const measure = (): void => {
      if (body.current !== null) setMarginPx(Math.round(body.current.getBoundingClientRect().top + window.scrollY))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [isNarrow, isEmpty])
  const rows = useWindowVirtualizer({
    count: entries.length,
    estimateSize: () => (isNarrow ? ROW_NARROW_PX : ROW_PX),
    getItemKey: (index) => entries[index]?.key ?? index,
    overscan: 8,
    scrollMargin: marginPx,
    scrollPaddingStart: 100,
    scrollPaddingEnd: 24,
  })
  useEffect(() => rows.measure(), [isNarrow, rows])
  // One line would otherwise draw in the whole of a large backfill; there is a button instead.
  const endsInBulk = entries.at(-1)?.kind === 'bulk'
  const lastIndex = rows.getVirtualItems().at(-1)?.index ?? 0
  useEffect(() => {
    if (!endsInBulk && lastIndex >= entries.length - READ_MORE_ROWS) readMore()
  }, [lastIndex, entries.length, endsInBulk, readMore])
  const selected = search.change ?? current
  const step = (by: number): void => {
    const at = entries.findIndex(({ key }) => key === selected)
    const to = at < 0 ? 0 : Math.min(entries.length - 1, Math.max(0, at + by))
    const entry = entries[to]
    if (entry === undefined) return
    setCurrent(entry.key)
    if (search.change !== undefined && entry.kind === 'change') onSearch({ change: entry.key })
    rows.scrollToIndex(to, { align: 'auto' })
  }
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    Enter: () => {
      const entry = entries.find(({ key }) => key === current)
      if (entry !== undefined) open(entry)
    },
    Escape: () => (search.change === undefined ? setCurrent(null) : onSearch({ change: undefined })),
  })
  const showNew = (): void => {
    release()
    window.scrollTo({ top: Math.max(0, marginPx - 140) })
  }
  const clear = (): void => onSearch({ direction: undefined, table: undefined, record: undefined })
  const isFiltered = search.direction !== undefined || search.table !== undefined || search.record !== undefined
  return (
    <section aria-label="Changes">
      <search className="flex flex-wrap items-center gap-2 py-3">
        <select
          aria-label="Direction"
          className={control}
          value={search.direction ?? ''}
          onChange={(event) => onSearch({ direction: directions.find((one) => one === event.target.value) })}
        >
          <option value="">Both directions</option>
          {directions.map((direction) => (
            <option key={direction} value={direction}>
              {directionWords[direction]}
            </option>
          ))}
        </select>
        <select
          aria-label="Table"
          className={control}
          value={search.table ?? ''}
          onChange={(event) => onSearch({ table: event.target.value || undefined })}
        >
          <option value="">Every table</option>
          {[...new Set([...tables, ...(search.table === undefined ? [] : [search.table])])].map((table) => (
            <option key={table}>{table}</option>
          ))}
        </select>
        {search.record !== undefined && (
          <button
            type="button"
            className={`${control} inline-flex items-center gap-2`}
            onClick={() => onSearch({ record: undefined })}
          >
            Record <span className="code">{search.record.slice(0, 8)}…</span>
            <span aria-hidden="true">×</span>
            <span className="sr-only">remove this filter</span>
          </button>
        )}
        {isFiltered && (
          <button
            type="button"
            className="text-xs text-ink-2 underline decoration-line-strong underline-offset-4 hover:text-ink"
            onClick={clear}
          >
            Clear
          </button>
        )}
      </search>
      {!isNarrow && feed.items.length > 0 && (
        <div aria-hidden="true" className={`${columns} border-b border-line px-2 pb-1.5 text-xs text-ink-3`}>
          <span>When</span>
          <span>Here</span>
          <span>What changed</span>
          <span>{remoteName}</span>
        </div>
      )}
      <div role="status" className="sticky top-14 z-20 h-0">
        {hasWaiting && (
          <button
            type="button"
            onClick={showNew}
            className="appear mx-auto block translate-y-2 rounded-full bg-ink px-3 py-1 text-xs font-medium text-paper shadow-lifted"
          >
            {plural(feed.waiting.length, 'new change')} ↑
          </button>
        )}
      </div>
      {live.isPending ? (
        <Loading lines={6} label="Reading the changes" />
      ) : live.error !== null && feed.items.length === 0 ? (
        <div className="py-4">
          <Failure error={live.error} onRetry={live.retry} />
        </div>
      ) : feed.items.length === 0 ? (
        <NoChanges isFiltered={isFiltered} isConnected={isConnected} onClear={clear} />
      ) : (
        <ol ref={body} aria-label="Changes, newest first" className="relative" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start, size, key }) => {
            const entry = entries[index]
            return entry === undefined ? null : (
              <li
                key={key}
                aria-setsize={feed.next === null ? entries.length : -1}
                aria-posinset={index + 1}
                className="absolute inset-x-0 top-0"
                style={{ height: size, transform: `translateY(${start - marginPx}px)` }}
              >
                {entry.kind === 'change' ? (
                  <ChangeRow
                    item={entry.item}
                    isCurrent={entry.key === selected}
                    isNarrow={isNarrow}
                    onOpen={openChange}
                  />
                ) : (
                  <BulkRow
                    items={entry.items}
                    mayGoOn={feed.next !== null && index === entries.length - 1}
                    isCurrent={entry.key === selected}
                    isNarrow={isNarrow}
                    onOpen={() => open(entry)}
                  />
                )}
              </li>
            )
          })}
        </ol>
      )}
      {endsInBulk && feed.next !== null && (
        <p className="py-4 text-center">
          <Button onClick={readMore}>Read older changes</Button>
        </p>
      )}
      {feed.items.length > 0 && feed.next === null && (
        <p className="py-4 text-center text-xs text-ink-3">This is where the log begins.</p>
      )}
    </section>
  )

  function open(entry: Entry): void {
    if (entry.kind === 'change') openChange(entry.key)
    else setOpened(new Set([...opened, ...entry.items.map(({ seq }) => seq)]))
  }

  function openChange(seq: string): void {
    onSearch({ change: seq })
  }
}

function NoChanges({
  isFiltered,
  isConnected,
  onClear,
}: {
  isFiltered: boolean
  onClear: () => void
  isConnected: boolean
}): JSX.Element {
  if (isFiltered)
    return (
      <Empty title="No change matches these filters." action={<Button onClick={onClear}>Clear the filters</Button>} />
    )
  if (!isConnected) {
    return (
      <Empty title="Nothing has changed yet.">
        Connect a CRM, and changes on both sides appear here as they happen.
      </Empty>
    )
  }
  return (
    <Empty
      title="Nothing has changed yet."
      sql="update contacts set title = 'Engineer' where email = 'grace@example.com'"
    >
      Change a record here or in the CRM: it appears within a moment, and again when the other side has it.
    </Empty>
  )
}
