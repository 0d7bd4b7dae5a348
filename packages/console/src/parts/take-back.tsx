// Taking back what was given. No question before it: giving it again makes it good.
import { useMutation } from '@tanstack/react-query'
import type { JSX } from 'react'
import { Button, Failure } from './parts.tsx'

/** Stands last in a line that wraps; what it was refused with stands below the line. */
export function TakeBack({
  label,
  act,
  onDone,
}: {
  /** What is taken back, for who does not see the line. */
  label: string
  act: () => Promise<unknown>
  onDone: () => Promise<unknown>
}): JSX.Element {
  const take = useMutation({ mutationFn: act, onSuccess: onDone })
  const isTaking = take.isPending || take.isSuccess
  return (
    <>
      <Button
        look="quiet"
        className="-mr-3 ml-auto"
        aria-label={label}
        disabled={isTaking}
        onClick={() => take.mutate()}
      >
        {isTaking ? 'Taking back…' : 'Take back'}
      </Button>
      {take.isError && (
        <div className="mt-1 basis-full">
          <Failure error={take.error} />
        </div>
      )}
    </>
  )
}
