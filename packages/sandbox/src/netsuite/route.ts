// Routes and what they are given to run with. Owns the matching of paths. Routes are synchronous, so
// nobody else's writes come between.
import type { World } from '../world.ts'
import type { Company } from './company.ts'
import { NetsuiteRefusal, noSuchResource } from './errors.ts'
import type { Answer, Operation } from './operation.ts'
import type { Author } from './records.ts'
import type { RecordType } from './record-types.ts'

export interface Run {
  readonly world: World
  readonly company: Company
  readonly author: Author
  readonly operation: Operation
  /** Base of links: http://127.0.0.1:1234/services/rest */
  readonly base: string
  readonly query: URLSearchParams
  /** What the path's placeholders stood for, decoded. */
  readonly path: Readonly<Record<string, string>>
}

export interface Route {
  readonly method: string
  /** Segments; ':name' stands for any. */
  readonly pattern: string
  readonly run: (run: Run) => Answer
}

/** Throws NONEXISTENT_ID and METHOD_NOT_ALLOWED. */
export function match(
  routes: readonly Route[],
  { method, path }: Operation,
): { route: Route; found: Record<string, string> } {
  const given = path.split('/').filter((segment) => segment !== '')
  let otherMethod = false
  for (const route of routes) {
    const found = matchPattern(
      route.pattern.split('/').filter((segment) => segment !== ''),
      given,
    )
    if (!found) continue
    if (route.method === method) return { route, found }
    otherMethod = true
  }
  if (!otherMethod) throw noSuchResource(path)
  throw new NetsuiteRefusal(405, 'METHOD_NOT_ALLOWED', `The method ${method} is not allowed here.`, ['url', path])
}

function matchPattern(pattern: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== given.length) return undefined
  const path: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const segment = given[index]!
    if (part.startsWith(':')) path[part.slice(1)] = decode(segment)
    else if (part !== segment) return undefined
  }
  return path
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw noSuchResource(segment)
  }
}

/** The record type of the path. Throws NONEXISTENT_ID. */
export function typeOf({ company, path, operation }: Run): RecordType {
  const type = company.schema.get(path['type'] ?? '')
  if (!type) throw noSuchResource(operation.path)
  return type
}

/** The body as an object. Throws INVALID_CONTENT. */
export function bodyOf({ body }: Operation): Record<string, unknown> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  throw new NetsuiteRefusal(400, 'INVALID_CONTENT', 'Invalid content in the request body: an object is needed.')
}

export const collectionType = 'application/vnd.oracle.resource+json; type=collection'
export const singularType = 'application/vnd.oracle.resource+json; type=singular'
