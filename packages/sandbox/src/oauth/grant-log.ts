// Token requests in the request log, so that a test can count refreshes. They pass no limits and no
// chaos: what a lost answer does to a rotating token cannot be repaired by any client.
import type { Context } from 'hono'
import { Refusal } from '../http/refusal.ts'
import type { Env, World } from '../world.ts'

/** Runs a grant and logs it under the account it is about: the new token's, or that of the token presented. */
export function logGrant(
  world: World,
  context: Context<Env>,
  form: Readonly<Record<string, string>>,
  grant: () => Record<string, unknown>,
): Record<string, unknown> {
  const presented = world.tokens.find(form['refresh_token'] ?? form['code'] ?? '', 'refresh', 'code')
  const log = (status: number, account: string): void =>
    world.requests.add({
      method: context.req.method,
      path: context.req.path,
      status,
      at: new Date(world.now()).toISOString(),
      account,
      clientId: form['client_id'] ?? '',
      durationMs: 0,
      written: 0,
    })
  try {
    const answer = grant()
    const issued = answer['access_token']
    const token = typeof issued === 'string' ? world.tokens.find(issued, 'access') : undefined
    log(200, token?.account ?? '')
    return answer
  } catch (error) {
    if (error instanceof Refusal) log(error.status, presented?.account ?? '')
    throw error
  }
}
