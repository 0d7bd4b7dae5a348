// The dense table: one row an organization, only those on the screen in the document. On a phone a
// row is two lines. j and k move, enter opens.
import type { Organization } from '@rowhouse/contracts'
import { Link, useNavigate } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { memo, useEffect, useRef, useState } from 'react'
import type { JSX, ReactNode } from 'react'
import { useKeys } from '../app/keys.ts'
import { useIsNarrow } from '../parts/narrow.ts'
import { ConnectorMark, HouseMark } from '../parts/marks.tsx'
import { Ago, Bar, ConnectionStatus, Status } from '../parts/parts.tsx'
import { backfillPercent, errorCount, isolationWords } from '../words/connection.ts'
import { formatLag } from '../words/duration.ts'
import { formatCount, plural } from '../words/numbers.ts'
import { LATE_MS } from './overview.ts'
import type { Sort, SortKey } from './overview.ts'

const ROW_PX = 40
const ROW_NARROW_PX = 64
/** Plan and last sync give way first. */
const columns =
  'grid items-center gap-x-4 grid-cols-[minmax(150px,2fr)_minmax(190px,1.6fr)_84px_96px_110px] xl:grid-cols-[minmax(220px,2fr)_minmax(90px,0.8fr)_minmax(220px,1.6fr)_110px_120px_130px_110px]'
const heads: readonly {
  readonly key: SortKey
  readonly name: string
  readonly right?: boolean
  readonly wide?: boolean
}[] = [
  { key: 'name', name: 'Organization' },
  { key: 'plan', name: 'Plan', wide: true },
  { key: 'state', name: 'Connection' },
  { key: 'records', name: 'Records', right: true },
  { key: 'lag', name: 'Lag', right: true },
  { key: 'errors', name: 'Errors', right: true },
  { key: 'synced', name: 'Last synced', right: true, wide: true },
]

export interface TableProps {
  readonly organizations: readonly Organization[]
  readonly sort: Sort
  readonly onSort: (sort: Sort) => void
}

export function OrganizationsTable({ organizations, sort, onSort }: TableProps): JSX.Element {
  const isNarrow = useIsNarrow()
  const body = useRef<HTMLDivElement>(null)
  const [marginPx, setMarginPx] = useState(0)
  const [current, setCurrent] = useState<string | null>(null)
  const navigate = useNavigate()
  useEffect(() => setMarginPx(body.current?.offsetTop ?? 0), [isNarrow])
  const rows = useWindowVirtualizer({
    count: organizations.length,
    estimateSize: () => (isNarrow ? ROW_NARROW_PX : ROW_PX),
    getItemKey: (index) => organizations[index]?.id ?? index,
    overscan: 12,
    scrollMargin: marginPx,
    scrollPaddingStart: 96,
    scrollPaddingEnd: 24,
  })
  useEffect(() => rows.measure(), [isNarrow, rows])
  const step = (by: number): void => {
    const at = organizations.findIndex(({ id }) => id === current)
    const to = at < 0 ? 0 : Math.min(organizations.length - 1, Math.max(0, at + by))
    setCurrent(organizations[to]?.id ?? null)
    rows.scrollToIndex(to, { align: 'auto' })
  }
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    Enter: () => {
      if (current !== null)
        void navigate({ to: '/organizations/$organizationId', params: { organizationId: current }, search: {} })
    },
    Escape: () => setCurrent(null),
  })
  return (
    <div role="table" aria-label="Organizations" aria-rowcount={organizations.length + 1}>
      <div
        role="rowgroup"
        className="sticky top-12 z-10 -mx-4 border-b border-line bg-paper px-4 max-md:sr-only md:-mx-6 md:px-6"
      >
        <div role="row" aria-rowindex={1} className={`${columns} h-8`}>
          {heads.map(({ key, name, right, wide }) => {
            const direction = sort === key ? 'ascending' : sort === `-${key}` ? 'descending' : undefined
            return (
              <span
                key={key}
                role="columnheader"
                aria-sort={direction ?? 'none'}
                className={`${right ? 'text-right' : ''} ${wide ? 'max-xl:hidden' : ''}`}
              >
                <button
                  type="button"
                  onClick={() => onSort(nextSort(sort, key))}
                  className={`text-xs ${direction === undefined ? 'text-ink-3 hover:text-ink' : 'font-medium text-ink'}`}
                >
                  {name}
                  <span aria-hidden="true">
                    {direction === 'ascending' ? ' ↑' : direction === 'descending' ? ' ↓' : ''}
                  </span>
                </button>
              </span>
            )
          })}
        </div>
      </div>
      <div ref={body} role="rowgroup" className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start, key }) => {
          const organization = organizations[index]
          if (organization === undefined) return null
          return (
            <Row
              key={key}
              organization={organization}
              index={index}
              offsetPx={start - marginPx}
              isCurrent={organization.id === current}
              isNarrow={isNarrow}
            />
          )
        })}
      </div>
    </div>
  )
}

/** Names begin at the top of the alphabet, numbers with the largest; a second click turns round. */
function nextSort(sort: Sort, key: SortKey): Sort {
  const first: Sort = key === 'name' || key === 'plan' || key === 'state' ? key : `-${key}`
  const second: Sort = first === key ? `-${key}` : key
  return sort === first ? second : first
}

interface RowProps {
  readonly organization: Organization
  readonly index: number
  readonly offsetPx: number
  readonly isCurrent: boolean
  readonly isNarrow: boolean
}

/** The model, which the mark beside it says too, and the one that its plan asks for where that is another. */
function Model({ organization: { isolation, wantedIsolation } }: { organization: Organization }): JSX.Element {
  const { word } = isolationWords[isolation]
  if (wantedIsolation === null) return <span aria-hidden="true">{word}</span>
  const wanted = isolationWords[wantedIsolation]
  return (
    <span title={`Its plan asks for: ${wanted.meaning.toLowerCase()}`}>
      <span aria-hidden="true">{word} → </span>
      <span className="text-warn">
        <span className="sr-only">wants </span>
        {wanted.word}
      </span>
    </span>
  )
}

const Row = memo(function Row({ organization, index, offsetPx, isCurrent, isNarrow }: RowProps): JSX.Element {
  const { id, name, slug, plan, isolation, connection, status } = organization
  const link = (
    <Link
      to="/organizations/$organizationId"
      params={{ organizationId: id }}
      search={{}}
      title={slug}
      className="truncate font-medium after:absolute after:inset-0"
    >
      {name}
    </Link>
  )
  const place = {
    role: 'row',
    'aria-rowindex': index + 2,
    'aria-current': isCurrent ? ('true' as const) : undefined,
    style: { transform: `translateY(${offsetPx}px)` },
  }
  const look = `absolute inset-x-0 top-0 -mx-4 border-b border-line px-4 md:-mx-6 md:px-6 hover:bg-sunken ${isCurrent ? 'bg-sunken shadow-[inset_2px_0_0_var(--brick)]' : ''}`
  if (isNarrow) {
    return (
      <div {...place} className={`${look} grid h-16 content-center gap-1`}>
        <div role="cell" className="flex items-center gap-2">
          <HouseMark isolation={isolation} />
          {link}
          <span className="ml-auto text-xs">
            {status === 'suspended' ? (
              <Status tone="bad">Suspended</Status>
            ) : (
              connection && <ConnectionStatus state={connection.state} />
            )}
          </span>
        </div>
        <div role="cell" className="num flex items-center gap-2 text-xs text-ink-3">
          {connection === null ? (
            <>
              <Model organization={organization} />
              <span>No CRM connected</span>
            </>
          ) : (
            <>
              <Model organization={organization} />
              <ConnectorMark connector={connection.connector} />
              <span>{plural(connection.records, 'record')}</span>
              <span className="ml-auto flex gap-3">
                <Errors count={errorCount(connection)} zero="" />
                {connection.state === 'backfilling' ? (
                  <Backfill organization={organization} />
                ) : (
                  lagOf(connection) !== null && `lag: ${lagOf(connection)}`
                )}
              </span>
            </>
          )}
        </div>
      </div>
    )
  }
  return (
    <div {...place} className={`${look} ${columns} h-10`}>
      <Cell>
        <span className="flex min-w-0 items-center gap-3">
          <HouseMark isolation={isolation} />
          {link}
          <span className="text-xs text-ink-3">
            <Model organization={organization} />
          </span>
          {status === 'suspended' && <Status tone="bad">Suspended</Status>}
        </span>
      </Cell>
      <Cell wide>
        <span className="block truncate text-ink-2" title={plan}>
          {plan}
        </span>
      </Cell>
      <Cell>
        {connection === null ? (
          <span className="text-ink-3">No CRM connected</span>
        ) : (
          <span className="flex items-center gap-3">
            <ConnectorMark connector={connection.connector} />
            <ConnectionStatus state={connection.state} />
            {connection.state === 'backfilling' && <Backfill organization={organization} />}
          </span>
        )}
      </Cell>
      <Cell right>{connection === null ? '' : <Value>{formatCount(connection.records)}</Value>}</Cell>
      <Cell right>
        {connection !== null && lagOf(connection) !== null && (
          <Value>
            <span className={connection.lagMs > LATE_MS ? 'text-warn' : connection.lagMs === 0 ? 'text-ink-3' : ''}>
              {lagOf(connection)}
            </span>
          </Value>
        )}
      </Cell>
      <Cell right>{connection !== null && <Errors count={errorCount(connection)} zero="none" />}</Cell>
      <Cell right wide>
        <span className="text-ink-2">
          {connection?.lastSyncedAt == null ? '' : <Ago at={connection.lastSyncedAt} />}
        </span>
      </Cell>
    </div>
  )
})

/** Null while it is not known: nobody hears of changes at the other side. */
const lagOf = ({ state, lagMs }: NonNullable<Organization['connection']>): string | null =>
  state === 'backfilling' || state === 'disconnected' || state === 'authorizing' ? null : formatLag(lagMs)

const Cell = ({
  right = false,
  wide = false,
  children,
}: {
  right?: boolean
  /** Whether only a wide screen has room for it. */
  wide?: boolean
  children: ReactNode
}): JSX.Element => (
  <span role="cell" className={`min-w-0 ${right ? 'num text-right' : ''} ${wide ? 'max-xl:hidden' : ''}`}>
    {children}
  </span>
)

const Value = ({ children }: { children: ReactNode }): JSX.Element => <span className="num">{children}</span>

function Errors({ count, zero }: { count: number; zero: string }): JSX.Element {
  return count === 0 ? (
    <span className="text-ink-3">{zero}</span>
  ) : (
    <Status tone="warn">{plural(count, 'record')}</Status>
  )
}

function Backfill({ organization: { connection, name } }: { organization: Organization }): JSX.Element | null {
  if (connection === null) return null
  const percent = backfillPercent(connection)
  if (percent === null) return <span className="num text-ink-2">{plural(connection.records, 'record')} so far</span>
  return (
    <span className="flex items-center gap-2">
      <span className="block w-16">
        <Bar value={percent} limit={100} label={`Backfill of ${name}`} tone="busy" />
      </span>
      <span className="num text-ink-2">{percent} %</span>
    </span>
  )
}
