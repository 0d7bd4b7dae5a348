// One API operation, whatever carried it: an HTTP request or an entry of a composite request. Owns the
// shapes and the matching of paths. Operations are synchronous, so a group of writes cannot be mixed
// with somebody else's.
import type { World } from '../world.ts'
import { SalesforceRefusal, notFound } from './errors.ts'
import type { Organization } from './organization.ts'
import type { ObjectName } from './objects.ts'
import type { Author } from './records.ts'

export interface Operation {
  readonly method: string
  /** Below the version: /sobjects/Contact/003… */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** As in paths: v67.0 */
  readonly version: string
}

export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Records created, changed or deleted. */
  readonly written?: number
}

export interface Run {
  readonly world: World
  readonly organization: Organization
  readonly author: Author
  readonly operation: Operation
  /** What the path's placeholders stood for, decoded. */
  readonly path: Readonly<Record<string, string>>
}

export interface Route {
  readonly method: string
  /** Segments; ':name' stands for any. */
  readonly pattern: string
  readonly run: (run: Run) => Answer
}

/** Throws NOT_FOUND and METHOD_NOT_ALLOWED. */
export function match(routes: readonly Route[], operation: Operation): { route: Route; path: Record<string, string> } {
  const given = operation.path.split('/').filter((segment) => segment !== '')
  let otherMethod = false
  for (const route of routes) {
    const path = matchPattern(
      route.pattern.split('/').filter((segment) => segment !== ''),
      given,
    )
    if (!path) continue
    if (route.method === operation.method) return { route, path }
    otherMethod = true
  }
  if (!otherMethod) throw notFound()
  const message = `HTTP Method '${operation.method}' not allowed.`
  throw new SalesforceRefusal(405, 'METHOD_NOT_ALLOWED', message)
}

function matchPattern(pattern: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== given.length) return undefined
  const path: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const segment = given[index]!
    if (part.startsWith(':')) path[part.slice(1)] = decode(segment)
    else if (part.toLowerCase() !== segment.toLowerCase()) return undefined
  }
  return path
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw notFound()
  }
}

/** The object a path or body names. Throws NOT_FOUND. */
export function objectOf(organization: Organization, name: string | undefined): ObjectName {
  const object = organization.schema.parse(name ?? '')
  if (!object) throw notFound()
  return object
}

/** The body as an object. Throws JSON_PARSER_ERROR. */
export function bodyOf(operation: Operation): Record<string, unknown> {
  if (typeof operation.body === 'object' && operation.body !== null && !Array.isArray(operation.body)) {
    return operation.body as Record<string, unknown>
  }
  throw new SalesforceRefusal(
    400,
    'JSON_PARSER_ERROR',
    'The HTTP entity body is required, but this request has no entity body.',
  )
}
