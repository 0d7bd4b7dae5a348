// One thing in full, beside the list that it was opened from. Not a modal: the list stays usable.
import { useEffect, useRef } from 'react'
import type { JSX, ReactNode } from 'react'
import { Button } from './parts.tsx'

export interface SidePanelProps {
  /** What kind of thing it shows. */
  readonly label: string
  readonly title: string
  /** Which one it shows: another one takes the focus anew. */
  readonly id: string
  readonly onClose: () => void
  /** Whether it holds more than can be read in a narrow one. @default false */
  readonly isWide?: boolean
  readonly children: ReactNode
}

export function SidePanel({ label, title, id, onClose, isWide = false, children }: SidePanelProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus({ preventScroll: true }), [id])
  return (
    <aside
      aria-label={label}
      className={`appear fixed top-12 right-0 bottom-0 z-20 w-full overflow-y-auto border-l border-line bg-raised shadow-lifted ${isWide ? 'md:w-[680px]' : 'md:w-[440px]'}`}
    >
      <div className="flex items-start justify-between gap-4 px-5 pt-5">
        <h2 ref={heading} tabIndex={-1} className="min-w-0 text-lg font-semibold break-words outline-none">
          {title}
        </h2>
        <Button look="quiet" aria-label="Close" onClick={onClose} className="w-8 px-0 text-base">
          ×
        </Button>
      </div>
      {children}
    </aside>
  )
}

export const Facts = ({ children }: { children: ReactNode }): JSX.Element => (
  <dl className="mt-5 grid grid-cols-[110px_1fr] gap-y-1.5 text-xs">{children}</dl>
)

export const Fact = ({ name, children }: { name: string; children: ReactNode }): JSX.Element => (
  <>
    <dt className="text-ink-3">{name}</dt>
    <dd className="min-w-0 break-all">{children}</dd>
  </>
)

/** Fields before and after, whole. */
export function FieldTable({ children }: { children: ReactNode }): JSX.Element {
  return (
    <table className="mt-5 w-full table-fixed text-left">
      <caption className="sr-only">Fields that changed</caption>
      <thead className="border-b border-line text-xs text-ink-3">
        <tr>
          <th scope="col" className="w-[30%] py-1.5 font-normal">
            Field
          </th>
          <th scope="col" className="py-1.5 font-normal">
            Before
          </th>
          <th scope="col" className="py-1.5 font-normal">
            After
          </th>
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  )
}
