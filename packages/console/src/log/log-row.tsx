// One line of the log: when, who, what they did to which record, and the fields that differ.
import type { AuditLine } from '@rowhouse/contracts'
import { memo, useMemo } from 'react'
import type { JSX } from 'react'
import { FieldValue } from '../activity/change-row.tsx'
import { Ago } from '../parts/parts.tsx'
import { changesOf, isGone, notable, recordName, shortActionNames } from './line-words.ts'

/** When, who, what, which fields. */
export const logColumns = 'grid grid-cols-[72px_minmax(90px,1fr)_minmax(150px,1.4fr)_minmax(180px,2fr)] gap-x-4'

export interface LogRowProps {
  readonly line: AuditLine
  readonly actor: string
  readonly isCurrent: boolean
  readonly isNarrow: boolean
  readonly onOpen: (seq: string) => void
}

export const LogRow = memo(function LogRow({ line, actor, isCurrent, isNarrow, onOpen }: LogRowProps): JSX.Element {
  const { seq, at, action, table } = line
  const look = `relative border-b border-line py-2 hover:bg-sunken ${isCurrent ? 'bg-sunken shadow-[inset_2px_0_0_var(--brick)]' : ''}`
  const open = (
    <button
      type="button"
      onClick={() => onOpen(seq)}
      className="min-w-0 truncate text-left font-medium after:absolute after:inset-0"
    >
      {recordName(line)}
    </button>
  )
  const what = (
    <span className={isGone(action) ? 'font-medium text-ink' : 'text-ink-2'}>{shortActionNames[action]}</span>
  )
  if (isNarrow)
    return (
      <div className={`${look} grid gap-1`}>
        <div className="flex items-baseline gap-2">
          {open}
          <span className="code truncate text-ink-3">{table}</span>
          <span className="ml-auto text-xs text-ink-3">
            <Ago at={at} />
          </span>
        </div>
        <div className="flex min-w-0 gap-2 text-xs">
          {what}
          <span className="truncate text-ink-3">by {actor}</span>
        </div>
        <Differs line={line} />
      </div>
    )
  return (
    <div className={`${look} ${logColumns} items-center px-2`}>
      <span className="text-xs text-ink-3">
        <Ago at={at} />
      </span>
      <span className="truncate text-ink-2">{actor}</span>
      <span className="grid min-w-0">
        {open}
        <span className="truncate text-xs">
          {what} <span className="text-ink-3">·</span> <span className="code text-ink-3">{table}</span>
        </span>
      </span>
      <Differs line={line} />
    </div>
  )
})

/** The first field that differs, and how many more. A record that went says what it was in the panel. */
function Differs({ line }: { line: AuditLine }): JSX.Element {
  const [first, ...others] = useMemo(() => notable(changesOf(line)), [line])
  if (line.action === 'read') return <span className="truncate text-xs text-ink-2">{line.reason ?? ''}</span>
  if (first === undefined) return <span className="text-xs text-ink-3">no field</span>
  return (
    <span className="flex min-w-0 items-center gap-2">
      <span className="flex min-w-0 items-center gap-2 rounded-sm bg-brick-wash px-2 py-1 text-xs">
        <span className="code shrink-0 font-medium text-brick-ink">{first.field}</span>
        {line.action !== 'insert' && <FieldValue value={first.before} isOld />}
        {line.action === 'update' && (
          <span aria-hidden="true" className="text-ink-3">
            ▸
          </span>
        )}
        {!isGone(line.action) && <FieldValue value={first.after} />}
      </span>
      {others.length > 0 && <span className="num shrink-0 text-xs text-ink-3">+{others.length}</span>}
    </span>
  )
}
