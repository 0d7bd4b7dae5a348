// One change between the two sides: what it is here on the left, what it is in the CRM on the right,
// and between them the field that changed, lit, with the arrow of its direction.
import type { ActivityItem, FieldChange } from '@rowhouse/contracts'
import { memo } from 'react'
import type { JSX } from 'react'
import { formatCount } from '../words/numbers.ts'
import { connectorWords } from '../words/connection.ts'
import { ConnectorMark } from '../parts/marks.tsx'
import { Ago, Status } from '../parts/parts.tsx'
import { actionWords, actorWords, recordWords, statusWords } from './words.ts'

export const ROW_PX = 60
export const ROW_NARROW_PX = 108
/** When, here, what changed, in the CRM. */
export const columns = 'grid grid-cols-[72px_minmax(110px,1fr)_minmax(200px,2.2fr)_minmax(120px,1fr)] gap-x-4'

export interface ChangeRowProps {
  readonly item: ActivityItem
  readonly isCurrent: boolean
  readonly isNarrow: boolean
  readonly onOpen: (seq: string) => void
}

export const ChangeRow = memo(function ChangeRow({ item, isCurrent, isNarrow, onOpen }: ChangeRowProps): JSX.Element {
  const status = statusWords(item)
  const open = (
    <button
      type="button"
      onClick={() => onOpen(item.seq)}
      className="truncate text-left font-medium after:absolute after:inset-0"
    >
      {recordWords(item)}
    </button>
  )
  const look = `absolute inset-0 border-b border-line hover:bg-sunken ${isCurrent ? 'bg-sunken shadow-[inset_2px_0_0_var(--brick)]' : ''}`
  if (isNarrow) {
    return (
      <div className={`${look} grid content-center gap-1.5`}>
        <div className="flex items-baseline gap-2">
          {open}
          <span className="code truncate text-ink-3">{item.table}</span>
          <span className="ml-auto text-xs text-ink-3">
            <Ago at={item.at} />
          </span>
        </div>
        <Lane item={item} />
        <div className="flex items-center gap-2 text-xs text-ink-3">
          <span className="truncate">{actorWords(item)}</span>
          <span className="ml-auto">
            <Status tone={status.tone}>{status.word}</Status>
          </span>
        </div>
      </div>
    )
  }
  return (
    <div className={`${look} ${columns} items-center px-2`}>
      <span className="text-xs text-ink-3">
        <Ago at={item.at} />
      </span>
      <span className="grid min-w-0">
        {open}
        <span className="truncate text-xs text-ink-3">
          <span className="code">{item.table}</span>
          {item.direction !== 'inbound' && <> · {actorWords(item)}</>}
        </span>
      </span>
      <Lane item={item} />
      <span className="grid min-w-0 gap-0.5">
        {item.direction === 'local' ? (
          <span className="text-xs text-ink-3">not synced</span>
        ) : (
          <span className="flex items-center gap-2">
            <ConnectorMark connector={item.connector} />
            <span className="code truncate text-ink-2">{item.remoteId ?? '—'}</span>
          </span>
        )}
        <span className="truncate text-xs">
          <Status tone={status.tone}>{status.word}</Status>
        </span>
      </span>
    </div>
  )
})

export interface BulkRowProps {
  /** Newest first, at least one. */
  readonly items: readonly ActivityItem[]
  /** Whether older ones of it may not have been read. */
  readonly mayGoOn: boolean
  readonly isCurrent: boolean
  readonly isNarrow: boolean
  readonly onOpen: () => void
}

/** What was read at once, in one line. */
export function BulkRow({ items, mayGoOn, isCurrent, isNarrow, onOpen }: BulkRowProps): JSX.Element | null {
  const newest = items[0]
  if (newest === undefined) return null
  const { name } = connectorWords(newest.connector)
  const look = `absolute inset-0 border-b border-line hover:bg-sunken ${isCurrent ? 'bg-sunken shadow-[inset_2px_0_0_var(--brick)]' : ''}`
  const count = `${formatCount(items.length)}${mayGoOn ? '+' : ''} ${newest.table}`
  const open = (
    <button type="button" onClick={onOpen} className="truncate text-left font-medium after:absolute after:inset-0">
      {count}
    </button>
  )
  const what = <span className="rounded-sm bg-sunken px-2 py-1 text-xs text-ink-2">read from {name} at once</span>
  if (isNarrow) {
    return (
      <div className={`${look} grid content-center gap-1.5`}>
        <div className="flex items-baseline gap-2">
          {open}
          <span className="ml-auto text-xs text-ink-3">
            <Ago at={newest.at} />
          </span>
        </div>
        <div className="flex">{what}</div>
        <div className="text-xs text-ink-3">Show each</div>
      </div>
    )
  }
  return (
    <div className={`${look} ${columns} items-center px-2`}>
      <span className="text-xs text-ink-3">
        <Ago at={newest.at} />
      </span>
      {open}
      <span className="flex items-center gap-2">
        <span aria-hidden="true" className="font-mono text-base leading-none text-ink-3">
          ←
        </span>
        {what}
      </span>
      <span className="text-xs text-ink-3">Show each</span>
    </div>
  )
}

const arrows: Record<ActivityItem['direction'], { readonly sign: string; readonly words: string }> = {
  outbound: { sign: '→', words: 'from here to the CRM' },
  inbound: { sign: '←', words: 'from the CRM to here' },
  local: { sign: '·', words: 'here only' },
}

function Lane({ item }: { item: ActivityItem }): JSX.Element {
  const [first, ...others] = item.changes
  const { sign, words } = arrows[item.direction]
  const arrow = (
    <span
      className={`shrink-0 font-mono text-base leading-none ${item.direction === 'local' ? 'text-ink-3' : 'text-brick-ink'}`}
    >
      <span aria-hidden="true">{sign}</span>
      <span className="sr-only">{words}</span>
    </span>
  )
  return (
    <span className="flex min-w-0 items-center gap-2">
      {item.direction === 'inbound' && arrow}
      <span className="flex min-w-0 items-center gap-2 rounded-sm bg-brick-wash px-2 py-1 text-xs">
        {first === undefined ? (
          <span className="text-ink-2">{actionWords[item.action]}</span>
        ) : (
          <OneChange change={first} isNew={item.action === 'insert'} />
        )}
      </span>
      {others.length > 0 && <span className="num shrink-0 text-xs text-ink-3">+{others.length}</span>}
      <span
        aria-hidden="true"
        className={`h-px min-w-2 flex-1 ${item.direction === 'local' ? '' : 'bg-line-strong'}`}
      />
      {item.direction !== 'inbound' && arrow}
    </span>
  )
}

/** `field  before → after`; no value is a word of its own, so that it is not taken for text. */
function OneChange({ change: { field, before, after }, isNew }: { change: FieldChange; isNew: boolean }): JSX.Element {
  return (
    <>
      <span className="code shrink-0 font-medium text-brick-ink">{field}</span>
      {!isNew && (
        <>
          <FieldValue value={before} isOld />
          <span className="shrink-0 text-ink-3">
            <span aria-hidden="true">▸</span>
            <span className="sr-only">became</span>
          </span>
        </>
      )}
      <FieldValue value={after} />
    </>
  )
}

/** On one line where space is short; `wraps` shows it whole. */
export function FieldValue({
  value,
  isOld = false,
  wraps = false,
}: {
  value: string | null
  isOld?: boolean
  wraps?: boolean
}): JSX.Element {
  const fit = wraps ? 'break-words' : 'truncate'
  if (value === null || value === '')
    return <span className="shrink-0 text-ink-2 italic">{value === null ? 'none' : 'empty'}</span>
  return isOld ? (
    <del className={`${fit} text-ink-2 decoration-ink-3`}>{value}</del>
  ) : (
    <ins className={`${fit} text-ink no-underline`}>{value}</ins>
  )
}
