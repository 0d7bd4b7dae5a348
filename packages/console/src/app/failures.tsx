// The pages for what is not there and for what broke.
import { Link } from '@tanstack/react-router'
import type { ErrorComponentProps } from '@tanstack/react-router'
import type { JSX } from 'react'
import { Empty, Failure } from '../parts/parts.tsx'
import { Logo } from '../parts/marks.tsx'

export function NotFound(): JSX.Element {
  return (
    <main className="px-4 md:px-6">
      <title>Not found · Rowhouse</title>
      <Empty
        isPage
        title="There is no page at this address."
        action={
          <Link to="/" className="text-brick-ink underline underline-offset-2">
            Go to the organizations
          </Link>
        }
      >
        The link may be old, or a letter went missing on the way.
      </Empty>
    </main>
  )
}

export function PageFailure({ error, reset }: ErrorComponentProps): JSX.Element {
  return (
    <main className="px-4 py-12 md:px-6">
      <div className="mb-6">
        <Logo />
      </div>
      <Failure error={error} onRetry={reset} />
    </main>
  )
}
