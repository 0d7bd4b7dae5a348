// Who did what? Every line of the organization's log, narrowed by URL, page by page; j, k and enter; the file of all of it.
import type { AuditLine, Organization } from '@rowhouse/contracts'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import type { JSX } from 'react'
import { compareSeq } from '../activity/feed.ts'
import type { ActivitySearch } from '../activity/search.ts'
import type { LiveFeed } from '../activity/use-feed.ts'
import { useKeys } from '../app/keys.ts'
import { useIsNarrow } from '../parts/narrow.ts'
import { Button, Empty, Failure, Loading } from '../parts/parts.tsx'
import { plural } from '../words/numbers.ts'
import { LinePanel } from './line-panel.tsx'
import { actorName } from './line-words.ts'
import { LogFilters } from './log-filters.tsx'
import { LogRow, logColumns } from './log-row.tsx'
import { exportUrl, logQuery, useKnown } from './queries.ts'

const nothing = {
  table: undefined,
  record: undefined,
  actor: undefined,
  action: undefined,
  from: undefined,
  to: undefined,
}

export interface LogViewProps {
  readonly organization: Organization
  readonly live: LiveFeed
  readonly search: ActivitySearch
  readonly onSearch: (change: ActivitySearch) => void
}

export function LogView({ organization, live, search, onSearch }: LogViewProps): JSX.Element {
  const { id: organizationId, connection } = organization
  const { table, record, actor, action, from, to, change: opened } = search
  const filter = { table, record, actor, action, from, to }
  const known = useKnown(organizationId, connection)
  const log = useInfiniteQuery(logQuery(organizationId, filter))
  const isNarrow = useIsNarrow()
  const list = useRef<HTMLOListElement>(null)
  const [current, setCurrent] = useState<string | null>(null)
  const lines = log.data?.pages.flatMap(({ items }) => items) ?? []
  const isFiltered = Object.values(filter).some((one) => one !== undefined)
  const selected = opened ?? current
  const open = (seq: string): void => onSearch({ change: seq })
  const step = (by: number): void => {
    const at = lines.findIndex(({ seq }) => seq === selected)
    const to = at < 0 ? 0 : Math.min(lines.length - 1, Math.max(0, at + by))
    const line = lines[to]
    if (line === undefined) return
    setCurrent(line.seq)
    if (opened !== undefined) open(line.seq)
    list.current?.children[to]?.scrollIntoView({ block: 'nearest' })
  }
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    Enter: () => (current === null ? undefined : open(current)),
    Escape: () => (opened === undefined ? setCurrent(null) : onSearch({ change: undefined })),
  })
  const clear = (): void => onSearch(nothing)
  const tables = [
    ...new Set([...(connection?.objects.map(({ table }) => table) ?? []), ...lines.map(({ table }) => table)]),
  ].toSorted()
  return (
    <section aria-label="Log">
      <LogFilters search={search} onSearch={onSearch} tables={tables} known={known} />
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 pb-3 text-xs text-ink-2">
        {isFiltered && <Quiet onClick={clear}>Clear the filters</Quiet>}
        <NewLines lines={lines} live={live} isFiltered={isFiltered} onRead={() => void log.refetch()} />
        <span className="ml-auto">
          {isFiltered ? 'Export these lines' : 'Export all lines'}:{' '}
          {(['csv', 'jsonl'] as const).map((format, index) => (
            <span key={format}>
              {index > 0 && ' · '}
              <a
                href={exportUrl(organizationId, filter, format)}
                download
                className="underline decoration-line-strong underline-offset-4 hover:text-ink"
              >
                {format === 'csv' ? 'CSV' : 'JSON lines'}
              </a>
            </span>
          ))}
        </span>
      </div>
      {log.isPending ? (
        <Loading lines={6} label="Reading the log" />
      ) : lines.length === 0 && log.error !== null ? (
        <div className="py-4">
          <Failure error={log.error} onRetry={() => void log.refetch()} />
        </div>
      ) : lines.length === 0 ? (
        <NoLines isFiltered={isFiltered} slug={organization.slug} onClear={clear} />
      ) : (
        <>
          {!isNarrow && (
            <div aria-hidden="true" className={`${logColumns} border-b border-line px-2 pb-1.5 text-xs text-ink-3`}>
              <span>When</span>
              <span>Who</span>
              <span>What</span>
              <span>Fields</span>
            </div>
          )}
          <ol ref={list} aria-label="Lines of the log, newest first">
            {lines.map((line) => (
              <li key={line.seq}>
                <LogRow
                  line={line}
                  actor={actorName(line.actor, known)}
                  isCurrent={line.seq === selected}
                  isNarrow={isNarrow}
                  onOpen={open}
                />
              </li>
            ))}
          </ol>
          {log.isFetchNextPageError && (
            <div className="py-4">
              <Failure error={log.error} />
            </div>
          )}
          <p className="py-4 text-center text-xs text-ink-3">
            {log.hasNextPage ? (
              <Button disabled={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
                {log.isFetchingNextPage ? 'Reading…' : 'Read older lines'}
              </Button>
            ) : (
              'This is where the log begins.'
            )}
          </p>
        </>
      )}
      {opened !== undefined && (
        <LinePanel
          organization={organization}
          seq={opened}
          readLine={lines.find(({ seq }) => seq === opened)}
          known={known}
          onClose={() => onSearch({ change: undefined })}
          onOpen={open}
          onOnly={(only) => onSearch({ ...nothing, ...only })}
        />
      )}
    </section>
  )
}

const Quiet = ({ onClick, children }: { onClick: () => void; children: string }): JSX.Element => (
  <button
    type="button"
    onClick={onClick}
    className="underline decoration-line-strong underline-offset-4 hover:text-ink"
  >
    {children}
  </button>
)

/** Changes that came since the log was read wait here; it would move under the reader's eyes otherwise. */
function NewLines({
  lines,
  live,
  isFiltered,
  onRead,
}: {
  lines: readonly AuditLine[]
  live: LiveFeed
  isFiltered: boolean
  onRead: () => void
}): JSX.Element {
  const newest = lines[0]?.seq
  const arrived =
    newest === undefined || isFiltered
      ? 0
      : [...live.feed.waiting, ...live.feed.items].filter(({ seq }) => compareSeq(seq, newest) > 0).length
  return (
    <span role="status">{arrived > 0 && <Quiet onClick={onRead}>{`${plural(arrived, 'new line')} ↑`}</Quiet>}</span>
  )
}

function NoLines({
  isFiltered,
  slug,
  onClear,
}: {
  isFiltered: boolean
  slug: string
  onClear: () => void
}): JSX.Element {
  if (isFiltered)
    return (
      <Empty title="No line matches these filters." action={<Button onClick={onClear}>Clear the filters</Button>} />
    )
  return (
    <Empty title="Nothing is in the log yet." command={`rowhouse audit verify --organization ${slug}`}>
      Every write to a protected table is a line here, with who made it. Nobody can change one, and this proves it:
    </Empty>
  )
}
