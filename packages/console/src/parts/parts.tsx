// The small parts every page is made of. Each is one element with one look; what they say is decided
// by whoever uses them.
import { isApiError } from '@rowhouse/client'
import type { ConnectionState } from '@rowhouse/contracts'
import { Fragment, useEffect, useState } from 'react'
import type { ComponentProps, JSX, ReactNode } from 'react'
import { useNow } from '../live/now.ts'
import { stateWords } from '../words/connection.ts'
import type { Tone } from '../words/connection.ts'
import { formatCount } from '../words/numbers.ts'
import { formatAgo, formatExact } from '../words/time.ts'

const COPIED_SHOWN_MS = 1500

export const toneText: Record<Tone, string> = {
  ok: 'text-ok',
  busy: 'text-busy',
  warn: 'text-warn',
  bad: 'text-bad',
  off: 'text-off',
}
export const toneFill: Record<Tone, string> = {
  ok: 'bg-ok',
  busy: 'bg-busy',
  warn: 'bg-warn',
  bad: 'bg-bad',
  off: 'bg-off',
}

/** A status is a colour, a shape and a word: the dot is hollow for what is at rest. */
export function Status({ tone, children }: { tone: Tone; children: ReactNode }): JSX.Element {
  return (
    <span className={`inline-flex items-baseline gap-1.5 whitespace-nowrap ${toneText[tone]}`}>
      <span
        aria-hidden="true"
        className={`relative -top-px size-[7px] shrink-0 rounded-full ${tone === 'off' ? 'border-[1.5px] border-off' : toneFill[tone]}`}
      />
      {children}
    </span>
  )
}

export const ConnectionStatus = ({ state }: { state: ConnectionState }): JSX.Element => (
  <Status tone={stateWords[state].tone}>{stateWords[state].word}</Status>
)

/** Relative, with the exact instant on hover and for machines. */
export function Ago({ at }: { at: string }): JSX.Element {
  const nowMs = useNow()
  return (
    <time dateTime={at} title={formatExact(at)} className="num whitespace-nowrap">
      {formatAgo(at, nowMs)}
    </time>
  )
}

const looks = {
  plain: 'border-line-strong bg-raised text-ink hover:border-ink-3',
  // Another colour under the pointer, not a paler one: that would be too faint to read.
  primary: 'border-brick bg-brick text-on-brick hover:border-brick-ink hover:bg-brick-ink',
  /** For what cannot be undone, behind a question. */
  danger: 'border-bad bg-raised text-bad hover:bg-bad hover:text-paper',
  quiet: 'border-transparent text-ink-2 hover:bg-sunken hover:text-ink',
}

export function Button({
  look = 'plain',
  className = '',
  ...rest
}: ComponentProps<'button'> & { look?: keyof typeof looks }): JSX.Element {
  return (
    <button
      type="button"
      className={`inline-flex h-8 items-center justify-center gap-2 rounded-md border px-3 font-medium whitespace-nowrap disabled:opacity-50 ${looks[look]} ${className}`}
      {...rest}
    />
  )
}

/** An id that copies itself. Shown short; copied whole. */
export function CopyId({
  value,
  label,
  short = false,
}: {
  value: string
  label: string
  short?: boolean
}): JSX.Element {
  const [copied, setCopied] = useCopied()
  return (
    <button
      type="button"
      title={`Copy ${label}: ${value}`}
      aria-label={`Copy ${label} ${value}`}
      onClick={() => void navigator.clipboard.writeText(value).then(() => setCopied(true))}
      className="code rounded-xs border-b text-left border-dotted border-line-strong text-ink-2 hover:border-ink-3 hover:text-ink"
    >
      {short ? `${value.slice(0, 8)}…` : value}
      <span role="status" className={copied ? 'ml-1.5 font-sans text-ok' : 'sr-only'}>
        {copied ? 'copied' : ''}
      </span>
    </button>
  )
}

/** A line that is to be copied whole: a link, a command. It wraps rather than hides its end. */
export function CopyText({
  value,
  label,
  isCommand = false,
  isWords = isCommand,
}: {
  value: string
  label: string
  /** Whether it is for a shell, which a prompt says. @default false */
  isCommand?: boolean
  /** Whether its lines end between words. @default where it is a command */
  isWords?: boolean
}): JSX.Element {
  const [copied, setCopied] = useCopied()
  return (
    <div className="flex items-start gap-2">
      <code
        className={`code min-w-0 flex-1 rounded-md bg-sunken px-3 py-2 text-ink ${isWords ? 'break-words' : 'break-all'}`}
      >
        {isCommand && (
          <span aria-hidden="true" className="text-ink-3 select-none">
            ${' '}
          </span>
        )}
        {isWords ? <Unbroken words={value.split(' ')} /> : value}
      </code>
      <Button
        look="quiet"
        aria-label={`Copy ${label}`}
        onClick={() => void navigator.clipboard.writeText(value).then(() => setCopied(true))}
      >
        {copied ? 'Copied' : 'Copy'}
      </Button>
    </div>
  )
}

/** Lines end between words: an option that is broken after its hyphens reads as another one. A word longer than a line breaks. */
const Unbroken = ({ words }: { words: readonly string[] }): JSX.Element => (
  <>
    {words.map((word, index) => (
      // oxlint-disable-next-line react/no-array-index-key -- the same word may stand twice, and none moves
      <Fragment key={index}>
        {index > 0 && ' '}
        <span className="inline-block max-w-full break-words">{word}</span>
      </Fragment>
    ))}
  </>
)

/** True for a moment after it was set. */
export function useCopied(): [boolean, (copied: boolean) => void] {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), COPIED_SHOWN_MS)
    return () => clearTimeout(timer)
  }, [copied])
  return [copied, setCopied]
}

/** A share of a limit. The colour says how near the limit is, and the text says it too. */
export function Bar({
  value,
  limit,
  label,
  tone,
}: {
  value: number
  limit: number
  label: string
  tone: Tone | 'ink'
}): JSX.Element {
  const share = limit <= 0 ? 0 : Math.min(1, value / limit)
  return (
    <span
      role="meter"
      aria-label={label}
      aria-valuenow={Math.min(value, limit)}
      aria-valuemin={0}
      aria-valuemax={limit}
      className="block h-1 overflow-hidden rounded-full bg-line"
    >
      <span
        className={`block h-full rounded-full transition-[width] ${tone === 'ink' ? 'bg-ink-2' : toneFill[tone]}`}
        style={{ width: `${share * 100}%` }}
      />
    </span>
  )
}

export function Key({ children }: { children: ReactNode }): JSX.Element {
  return (
    <kbd className="rounded-xs border border-line-strong px-1 font-mono text-[11px] leading-4 text-ink-2">
      {children}
    </kbd>
  )
}

/** One sentence, one action, the command that does the same. */
export function Empty({
  title,
  children,
  command,
  sql,
  action,
  isPage = false,
  isFlush = false,
}: {
  title: string
  children?: ReactNode
  command?: string
  /** A statement in the command's place: nothing for a shell. */
  sql?: string
  action?: ReactNode
  /** Whether it stands beside other things, with which its top is to align. @default false */
  isFlush?: boolean
  /** Whether it is all there is on the page, so that its title is the page's. @default false */
  isPage?: boolean
}): JSX.Element {
  const Title = isPage ? 'h1' : 'h2'
  return (
    <div className={`max-w-[72ch] ${isFlush ? '' : 'py-12'}`}>
      <Title className={isPage ? 'text-xl font-semibold tracking-[-0.01em]' : 'text-base font-semibold'}>{title}</Title>
      {children !== undefined && <p className="mt-1 max-w-[60ch] text-ink-2">{children}</p>}
      {action !== undefined && <div className="mt-4">{action}</div>}
      {command !== undefined && (
        <div className="mt-4">
          <CopyText value={command} label="the command" isCommand />
        </div>
      )}
      {sql !== undefined && (
        <div className="mt-4">
          <CopyText value={sql} label="the statement" isWords />
        </div>
      )}
    </div>
  )
}

/** What happened and what to do, with the code and the request's id. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }): JSX.Element {
  const known = isApiError(error)
  return (
    <div role="alert" className="max-w-[64ch] border-l-2 border-bad py-1 pl-3">
      <p className="font-medium">{known ? error.message : 'Something went wrong in the console.'}</p>
      <p className="mt-0.5 text-ink-2">
        {known ? error.hint : 'Load the page again. If it happens again, report what you did.'}
      </p>
      <p className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-ink-3">
        <span className="code">{known ? error.code : 'console_failed'}</span>
        {known && error.requestId !== null && <CopyId value={error.requestId} label="request id" />}
      </p>
      {onRetry !== undefined && (
        <Button className="mt-2" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  )
}

/** Says that a list is not whole; nothing where it is. */
export const Newest = ({ shown, total }: { shown: number; total: number }): JSX.Element | null =>
  shown < total ? (
    <p className="num py-3 text-xs text-ink-3">
      {formatCount(shown)} of {formatCount(total)} are shown.
    </p>
  ) : null

/** What an act was refused with, below its buttons; nothing where it was not. */
export const Refused = ({ act }: { act: { readonly isError: boolean; readonly error: unknown } }): JSX.Element | null =>
  act.isError ? (
    <div className="mt-3">
      <Failure error={act.error} />
    </div>
  ) : null

/** Lines where text will be; still, so that a quick answer does not flash. */
export function Loading({ lines = 3, label }: { lines?: number; label: string }): JSX.Element {
  return (
    <div role="status" aria-label={label} className="appear space-y-3 py-4">
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className="h-3 rounded-xs bg-line" style={{ width: `${70 - ((line * 17) % 45)}%` }} />
      ))}
    </div>
  )
}
