// What a simulation answers, as a list: so that a test can hold the documentation to it, and no endpoint is added in silence.
import type { Hono } from 'hono'
import type { Env } from '../world.ts'

/** `GET /crm/v3/owners/:id`. Catch-alls, which refuse or lead to a table of routes, are none. */
export type Endpoint = string

export function endpointsOf(app: Hono<Env>): Endpoint[] {
  return app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)
}

/** Those of a table of routes below a base. */
export function endpointsBelow(
  base: string,
  routes: readonly { readonly method: string; readonly pattern: string }[],
): Endpoint[] {
  return routes.map(({ method, pattern }) => `${method} ${base}${pattern === '/' ? '' : pattern}`)
}
