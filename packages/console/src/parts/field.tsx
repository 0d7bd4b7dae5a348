// A field of a form under its name, with what is to be known of it, or what is wrong with it, below.
import { useId } from 'react'
import type { JSX } from 'react'

/** How fields look, whichever element they are. */
export const fieldLook =
  'h-8 w-full rounded-md border border-line-strong bg-raised px-2 text-ink aria-[invalid=true]:border-bad disabled:opacity-60'

export interface FieldProps {
  readonly name: string
  readonly hint?: string | undefined
  /** What is wrong with what was given; stands in the hint's place. */
  readonly problem?: string | null
  /** The element, with what ties it to its name and hint. */
  readonly render: (tie: {
    readonly id: string
    readonly 'aria-describedby': string | undefined
    readonly 'aria-invalid': boolean
  }) => JSX.Element
}

export function Field({ name, hint, problem = null, render }: FieldProps): JSX.Element {
  const id = useId()
  const said = problem ?? hint
  const hintId = said === undefined ? undefined : `${id}-hint`
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-xs text-ink-2">
        {name}
      </label>
      {render({ id, 'aria-describedby': hintId, 'aria-invalid': problem !== null })}
      {said !== undefined && (
        <p id={hintId} className={`mt-1 text-xs ${problem === null ? 'text-ink-3' : 'text-bad'}`}>
          {said}
        </p>
      )}
    </div>
  )
}
