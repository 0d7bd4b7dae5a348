// The two addresses a browser visits to sign in as a person. They answer with redirects, so they stand
// outside the API's contracts.
import { RowhouseError } from '@rowhouse/contracts'
import { beginAudit, settleAudit } from '../catalogue/audit.ts'
import type { Services } from '../context.ts'
import { safeReturnTo } from './return-to.ts'
import type { SignedIn } from './sign-in.ts'

export const startPath = '/v1/session/start'
export const callbackPath = '/v1/session/callback'

export async function startSignIn(services: Services, url: URL): Promise<Response> {
  if (services.signIn === null) throw new RowhouseError('issuer_missing')
  const returnTo = safeReturnTo(url.searchParams.get('returnTo'))
  const { url: location, state } = await services.signIn.start(services.publicUrl() + callbackPath, returnTo)
  return redirect(location, [await services.cookies.writeSignIn(state)])
}

export async function finishSignIn(
  services: Services,
  request: Request,
  trace: { readonly requestId: string; readonly ip: string | null },
): Promise<Response> {
  if (services.signIn === null) throw new RowhouseError('issuer_missing')
  const state = await services.cookies.readSignIn(request.headers.get('cookie'))
  if (state === null) throw new RowhouseError('sign_in_failed', 'This sign-in has expired, or was begun elsewhere.')
  // The redirect URI that was registered, whatever Host header brought the browser back.
  const callback = new URL(services.publicUrl() + callbackPath + new URL(request.url).search)
  const person = await services.signIn.finish(callback, state)
  const entry = await beginAudit(services.catalogue, {
    actorKind: 'user',
    actorId: person.userId,
    action: 'session.create',
    organizationId: null,
    target: null,
    ...trace,
  })
  await rememberUser(services, person)
  const session = await services.cookies.writeSession({ kind: 'user', userId: person.userId })
  await settleAudit(services.catalogue, entry, 'done')
  return redirect(safeReturnTo(state.returnTo), [session, services.cookies.endSignIn()])
}

/** What the provider last said of the person; an answer without e-mail or name keeps the old one. */
async function rememberUser({ catalogue }: Services, signedIn: SignedIn): Promise<void> {
  const { userId, email, isEmailVerified, name } = signedIn
  await catalogue.query(
    `insert into rowhouse.users (id, email, email_verified_at, name) values ($1, $2, case when $3 then now() end, $4)
    on conflict (id) do update
    set email = coalesce(excluded.email, users.email),
      email_verified_at = case when excluded.email is null then users.email_verified_at else excluded.email_verified_at end,
      name = coalesce(excluded.name, users.name), updated_at = now()`,
    [userId, email, email !== null && isEmailVerified, name],
  )
}

function redirect(location: string, cookies: readonly string[]): Response {
  const headers = new Headers({ location, 'cache-control': 'no-store' })
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(null, { status: 302, headers })
}
