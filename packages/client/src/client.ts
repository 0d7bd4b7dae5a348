// The typed HTTP client, made from the contracts: one method per endpoint, named by its id. It must
// not cache, retry or keep state; errors are ApiError. Runs in browsers and in Node.
import { endpoints } from '@rowhouse/contracts'
import type { BodyOf, EndpointId, Endpoints, PathParams, QueryOf, ResponseOf, ServerEvent } from '@rowhouse/contracts'
import { send } from './send.ts'
import type { Sender } from './send.ts'
import { subscribe } from './events/subscribe.ts'
import type { EventsFilter, EventsOptions } from './events/subscribe.ts'

export interface ClientOptions {
  /** Where the API is, without `/v1`; `''` for the page's own origin. */
  readonly baseUrl: string
  /**
   * Sent with every call, e.g. `{ authorization: 'Bearer …' }`; a function is asked before each call.
   * @default none: in a browser the session cookie signs the calls
   */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>)
  /** @default the global fetch */
  readonly fetch?: typeof fetch
}

type PartOf<Name extends string, Value> = [Value] extends [undefined]
  ? { readonly [Key in Name]?: undefined }
  : Partial<Value> extends Value
    ? { readonly [Key in Name]?: Value }
    : { readonly [Key in Name]: Value }

/** What a call takes: `params` of the path, `query` and `body` where the endpoint has them, and a signal. */
export type CallInput<E> = PartOf<'params', keyof PathParams<E> extends never ? undefined : PathParams<E>> &
  PartOf<'query', QueryOf<E>> &
  PartOf<'body', BodyOf<E>> & { readonly signal?: AbortSignal | undefined }

/** The input may be left out where nothing in it is required. */
export type CallArguments<E> =
  Partial<CallInput<E>> extends CallInput<E> ? [input?: CallInput<E>] : [input: CallInput<E>]

type Calls = {
  readonly [Id in EndpointId]: (...input: CallArguments<Endpoints[Id]>) => Promise<ResponseOf<Endpoints[Id]>>
}

export interface Client extends Calls {
  /**
   * Live changes. Resolves when the signal aborts; reconnects by itself after network failures and
   * server restarts; rejects with ApiError when the server refuses (401, 403, 404 …).
   *
   * @example
   * await client.events({ organizationId, signal }, (event) => {
   *   if (event.type === 'activity') feed.push(...event.items)
   * })
   */
  events(filter: EventsFilter, onEvent: (event: ServerEvent) => void, options?: EventsOptions): Promise<void>
}

/**
 * Makes the client of one server.
 *
 * @example
 * const client = createClient({ baseUrl: 'http://127.0.0.1:4100', headers: { authorization: `Bearer ${key}` } })
 * const { items } = await client.listOrganizations({ query: { search: 'acme' } })   // GET /v1/organizations?search=acme
 */
export function createClient(options: ClientOptions): Client {
  const { headers } = options
  const sender: Sender = {
    baseUrl: options.baseUrl.replace(/\/+$/, ''),
    headers: typeof headers === 'function' ? headers : () => headers ?? {},
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
  }
  const calls = Object.fromEntries(
    Object.entries(endpoints).map(([id, endpoint]) => [
      id,
      (input: Parameters<typeof send>[2] = {}) => send(sender, endpoint, input),
    ]),
  )
  return {
    ...(calls as unknown as Calls),
    events: (filter, onEvent, eventsOptions = {}) => subscribe(sender, filter, onEvent, eventsOptions),
  }
}
