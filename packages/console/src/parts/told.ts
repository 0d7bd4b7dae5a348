// Problems of a form are told when it is sent, and not while one types; the first of them gets the focus then.
import { useEffect, useRef, useState } from 'react'
import type { RefObject } from 'react'

export interface Told {
  readonly form: RefObject<HTMLFormElement | null>
  readonly isTold: boolean
  readonly tell: () => void
}

export function useTold(): Told {
  const form = useRef<HTMLFormElement>(null)
  const [times, setTimes] = useState(0)
  useEffect(() => {
    if (times > 0) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }, [times])
  return { form, isTold: times > 0, tell: () => setTimes((before) => before + 1) }
}
