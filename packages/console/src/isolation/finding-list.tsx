// The findings, worst first: what it is about, what is wrong, and, opened, how to mend it. j and k move, enter opens.
import type { Finding } from '@rowhouse/contracts'
import { useEffect, useId, useRef, useState } from 'react'
import type { JSX } from 'react'
import { useKeys } from '../app/keys.ts'
import { Button, Status, useCopied } from '../parts/parts.tsx'
import { formatCount } from '../words/numbers.ts'
import { keyOf, severityWords } from './words.ts'

export interface FindingListProps {
  readonly findings: readonly Finding[]
  /** keyOf() the one that is open. */
  readonly open: string | undefined
  readonly onOpen: (key: string | undefined) => void
}

export function FindingList({ findings, open, onOpen }: FindingListProps): JSX.Element {
  const [current, setCurrent] = useState<string | null>(null)
  const step = (by: number): void => {
    const at = findings.findIndex((finding) => keyOf(finding) === (current ?? open))
    const to = findings[at < 0 ? 0 : Math.min(findings.length - 1, Math.max(0, at + by))]
    setCurrent(to === undefined ? null : keyOf(to))
  }
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    Enter: () => {
      if (current !== null) onOpen(current === open ? undefined : current)
    },
    Escape: () => {
      setCurrent(null)
      onOpen(undefined)
    },
  })
  return (
    <ul aria-label="Findings, worst first" className="border-t border-line">
      {findings.map((finding) => {
        const key = keyOf(finding)
        return (
          <Row
            key={key}
            finding={finding}
            isOpen={key === open}
            isCurrent={key === current}
            onToggle={() => onOpen(key === open ? undefined : key)}
          />
        )
      })}
    </ul>
  )
}

interface RowProps {
  readonly finding: Finding
  readonly isOpen: boolean
  readonly isCurrent: boolean
  readonly onToggle: () => void
}

function Row({ finding, isOpen, isCurrent, onToggle }: RowProps): JSX.Element {
  const { severity, object, message } = finding
  const { word, tone } = severityWords[severity]
  const detail = useId()
  const row = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (isOpen || isCurrent) row.current?.scrollIntoView({ block: 'nearest' })
  }, [isOpen, isCurrent])
  return (
    <li
      ref={row}
      aria-current={isCurrent ? 'true' : undefined}
      className={`-mx-4 scroll-mt-14 scroll-mb-4 border-b border-line px-4 md:-mx-6 md:px-6 ${isCurrent || isOpen ? 'bg-sunken shadow-[inset_2px_0_0_var(--brick)]' : ''}`}
    >
      <button
        type="button"
        aria-expanded={isOpen}
        aria-controls={detail}
        onClick={onToggle}
        className="grid w-full gap-x-4 gap-y-0.5 py-2 text-left md:grid-cols-[88px_minmax(200px,1fr)_2fr]"
      >
        <Status tone={tone}>{word}</Status>
        <span className="code min-w-0 break-all">{object}</span>
        <span className={`min-w-0 text-ink-2 ${isOpen ? '' : 'max-md:line-clamp-2 md:truncate'}`}>{message}</span>
      </button>
      <div id={detail} hidden={!isOpen}>
        {isOpen && <Detail finding={finding} />}
      </div>
    </li>
  )
}

function Detail({ finding: { rule, code, fix, fixIsSql, docs, cost } }: { finding: Finding }): JSX.Element {
  return (
    <div className="appear max-w-[88ch] pb-4 md:ml-[104px]">
      {cost !== null && (
        <p className="num mb-2 text-ink-2">
          Planned at {formatCount(cost.planned)} for one organization of {formatCount(cost.rows)} rows; by the tenant
          column alone {formatCount(cost.plannedByTenant)}.
        </p>
      )}
      <div className="flex items-center gap-3">
        <h3 className="text-xs text-ink-3">How to mend it</h3>
        {fixIsSql && <CopyFix fix={fix} />}
      </div>
      {fixIsSql ? (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a line that scrolls must be reachable by keyboard
        <pre className="code mt-1 overflow-x-auto rounded-md border border-line bg-raised px-3 py-2" tabIndex={0}>
          {fix}
        </pre>
      ) : (
        <p className="mt-1">{fix}</p>
      )}
      <p className="mt-2 text-xs">
        <a
          href={docs}
          target="_blank"
          rel="noreferrer"
          className="text-brick-ink underline decoration-line-strong underline-offset-4"
        >
          <span className="code">
            {rule} {code}
          </span>
        </a>
      </p>
    </div>
  )
}

function CopyFix({ fix }: { fix: string }): JSX.Element {
  const [copied, setCopied] = useCopied()
  return (
    <Button
      look="quiet"
      className="-my-1 h-6 px-2 text-xs"
      onClick={() => void navigator.clipboard.writeText(fix).then(() => setCopied(true))}
    >
      {copied ? 'Copied' : 'Copy'}
    </Button>
  )
}
