// Signing in: as a person through the identity provider, or with the operator key.
import { isApiError } from '@rowhouse/client'
import { errorCodes } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useEffect, useId, useState } from 'react'
import type { JSX } from 'react'
import { client, meQuery, queries, signInQuery } from '../app/api.ts'
import { safeReturnTo } from '../app/return-to.ts'
import { Logo } from '../parts/marks.tsx'
import { Button, Failure, Loading } from '../parts/parts.tsx'

const route = getRouteApi('/sign-in')

export function SignInPage(): JSX.Element {
  const { returnTo, error } = route.useSearch()
  const methods = useQuery(signInQuery)
  const provider = methods.data?.identityProvider ?? null
  const [given] = useState(keyInAddress)
  const [wantsKey, setWantsKey] = useState(given !== '')
  return (
    <main className="mx-auto flex min-h-dvh max-w-[360px] flex-col justify-center px-4 pb-24">
      <title>Sign in · Rowhouse</title>
      <Logo />
      <h1 className="mt-4 text-xl font-semibold">Sign in to Rowhouse</h1>
      {error !== undefined && <ProviderFailure code={error} />}
      {methods.isPending && <Loading label="Asking how one can sign in" />}
      {methods.isError && (
        <div className="mt-6">
          <Failure error={methods.error} onRetry={() => void methods.refetch()} />
        </div>
      )}
      {methods.data !== undefined && (
        <div className="mt-6">
          {provider !== null && (
            <a
              href={startUrl(provider.startUrl, returnTo)}
              className="flex h-10 items-center justify-center rounded-md border border-brick bg-brick font-medium text-on-brick hover:border-brick-ink hover:bg-brick-ink"
            >
              Continue with {provider.label || 'your identity provider'}
            </a>
          )}
          {provider !== null && !wantsKey ? (
            <button
              type="button"
              onClick={() => setWantsKey(true)}
              className="mt-4 text-ink-2 underline decoration-line-strong underline-offset-4 hover:text-ink"
            >
              I run this server: use the operator key
            </button>
          ) : (
            <KeyForm
              returnTo={returnTo}
              focus={wantsKey || provider === null}
              given={given}
              divided={provider !== null}
            />
          )}
        </div>
      )}
    </main>
  )
}

function KeyForm({
  returnTo,
  focus,
  given,
  divided,
}: {
  returnTo: string | undefined
  focus: boolean
  /** A key that came with the address, which is tried at once. */
  given: string
  divided: boolean
}): JSX.Element {
  const router = useRouter()
  const id = useId()
  const [key, setKey] = useState(given)
  const signIn = useMutation({
    mutationFn: (operatorKey: string) => client.signInAsOperator({ body: { operatorKey } }),
    onSuccess: async (me) => {
      queries.clear()
      queries.setQueryData(meQuery.queryKey, me)
      await router.navigate({ href: safeReturnTo(returnTo), replace: true })
    },
  })
  const { mutate } = signIn
  useEffect(() => {
    if (given !== '') mutate(given)
  }, [given, mutate])
  const waitS = isApiError(signIn.error) ? signIn.error.retryAfterS : null
  return (
    <form
      className={divided ? 'mt-6 border-t border-line pt-6' : ''}
      onSubmit={(event) => {
        event.preventDefault()
        if (key.trim() !== '') mutate(key.trim())
      }}
    >
      <label htmlFor={id} className="font-medium">
        Operator key
      </label>
      <input
        id={id}
        type="password"
        autoComplete="current-password"
        spellCheck={false}
        // oxlint-disable-next-line jsx-a11y/no-autofocus -- the form's only field, shown because it was asked for
        autoFocus={focus}
        value={key}
        onChange={(event) => setKey(event.target.value)}
        aria-invalid={signIn.isError}
        aria-describedby={`${id}-hint`}
        className="code mt-1 h-10 w-full rounded-md border border-line-strong bg-raised px-3"
      />
      <p id={`${id}-hint`} className="mt-1 text-xs text-ink-3">
        The value of <code className="code">ROWHOUSE_OPERATOR_KEY</code>; in development,{' '}
        <code className="code">npm start</code> prints it.
      </p>
      {signIn.isError && (
        <div className="mt-3">
          <Failure error={signIn.error} />
          {waitS !== null && <p className="mt-1 pl-3 text-xs text-ink-2">Try again in {waitS} s.</p>}
        </div>
      )}
      <Button
        type="submit"
        look={divided ? 'plain' : 'primary'}
        className="mt-4 h-10 w-full"
        disabled={key.trim() === '' || signIn.isPending}
      >
        {signIn.isPending ? 'Signing in…' : 'Sign in'}
      </Button>
    </form>
  )
}

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]'])
const KEY_MARK = '#key='

/**
 * The operator key of a development stack, whose start prints an address that signs in by one click. It stands behind the #,
 * which goes to no server, and leaves the address at once. Of this machine only: elsewhere such an address would be kept in
 * histories and mails.
 */
function keyInAddress(): string {
  const { hash, hostname, pathname, search } = window.location
  if (!hash.startsWith(KEY_MARK) || !loopback.has(hostname)) return ''
  window.history.replaceState(window.history.state, '', pathname + search)
  return decodeURIComponent(hash.slice(KEY_MARK.length))
}

/** What the identity provider's way back said, as a code in the URL. */
function ProviderFailure({ code }: { code: string }): JSX.Element {
  const known = Object.hasOwn(errorCodes, code) ? errorCodes[code as keyof typeof errorCodes] : null
  return (
    <div role="alert" className="mt-4 border-l-2 border-bad py-1 pl-3">
      <p className="font-medium">{known?.message ?? 'The identity provider did not sign you in.'}</p>
      <p className="mt-0.5 text-ink-2">{known?.hint ?? 'Try again; if it happens again, ask who runs this server.'}</p>
      <p className="code mt-1 text-ink-3">{code.slice(0, 60)}</p>
    </div>
  )
}

function startUrl(start: string, returnTo: string | undefined): string {
  const url = new URL(start, location.origin)
  url.searchParams.set('returnTo', safeReturnTo(returnTo))
  return url.origin === location.origin ? url.pathname + url.search : url.href
}
