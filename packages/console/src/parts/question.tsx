// What an act will do is said before it is done: the question, its effects, the button that does it and the one that does not.
import { useEffect, useRef } from 'react'
import type { JSX, ReactNode } from 'react'
import { Button, Refused } from './parts.tsx'

/** What a question knows of the act behind it; a mutation of react-query is one. */
export interface Act {
  readonly isPending: boolean
  readonly isSuccess: boolean
  readonly isError: boolean
  readonly error: unknown
}

export interface QuestionProps {
  readonly title: string
  /** One line for each thing that it does. */
  readonly effects: readonly string[]
  /** What the button says that does it, and while it does. */
  readonly yes: string
  readonly doing: string
  readonly no: string
  readonly act: Act
  readonly onYes: () => void
  readonly onNo: () => void
  /** Whether it cannot be taken back. @default false */
  readonly isForGood?: boolean
  /** Whether it has the focus at once; not where it comes of a choice that one may go on choosing in. @default true */
  readonly takesFocus?: boolean
  /** Whether it may be done already; not while something is to be typed first. @default true */
  readonly isReady?: boolean
  readonly className?: string
  /** Beneath the effects. */
  readonly children?: ReactNode
}

/** It takes the focus, and gives it back to what had it, where that is still there. */
export function Question({
  title,
  effects,
  yes,
  doing,
  no,
  act,
  onYes,
  onNo,
  isForGood = false,
  takesFocus = true,
  isReady = true,
  className = 'mt-3',
  children,
}: QuestionProps): JSX.Element {
  const group = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!takesFocus) return
    const before = document.activeElement
    group.current?.focus({ preventScroll: true })
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true })
    }
  }, [takesFocus])
  const isDoing = act.isPending || act.isSuccess
  return (
    <div
      ref={group}
      tabIndex={-1}
      role="group"
      aria-label={title}
      className={`border-l-2 pl-3 outline-none ${isForGood ? 'border-bad' : 'border-brick'} ${className}`}
    >
      <p className="font-medium break-words">{title}</p>
      <ul className="mt-1 list-disc space-y-0.5 pl-4 text-ink-2">
        {effects.map((effect) => (
          <li key={effect}>{effect}</li>
        ))}
      </ul>
      {children}
      <div className="mt-3 flex flex-wrap gap-2">
        <Button look={isForGood ? 'danger' : 'primary'} disabled={isDoing || !isReady} onClick={onYes}>
          {isDoing ? doing : yes}
        </Button>
        <Button disabled={act.isPending} onClick={onNo}>
          {no}
        </Button>
      </div>
      <Refused act={act} />
    </div>
  )
}
