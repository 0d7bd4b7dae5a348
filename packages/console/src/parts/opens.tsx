// A button that becomes what it opens: a question, a form. Escape leaves that, and the button has the focus again.
import { useEffect, useRef, useState } from 'react'
import type { ComponentProps, JSX } from 'react'
import { Button } from './parts.tsx'

export interface OpensProps extends ComponentProps<typeof Button> {
  /** What stands in the button's place; `close` brings the button back. */
  readonly render: (close: () => void) => JSX.Element
}

export function Opens({ render, ...button }: OpensProps): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  const wasOpen = useRef(false)
  useEffect(() => {
    if (wasOpen.current && !isOpen) opener.current?.focus()
    wasOpen.current = isOpen
  }, [isOpen])
  const close = (): void => setOpen(false)
  return isOpen ? (
    <Leavable onLeave={close}>{render(close)}</Leavable>
  ) : (
    <Button {...button} ref={opener} onClick={() => setOpen(true)} />
  )
}

/** What Escape leaves; the page's own keys do not hear of it. */
export const Leavable = ({ onLeave, children }: { onLeave: () => void; children: JSX.Element }): JSX.Element => (
  <div
    role="presentation"
    onKeyDown={(event) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return
      event.preventDefault()
      event.stopPropagation()
      onLeave()
    }}
  >
    {children}
  </div>
)
