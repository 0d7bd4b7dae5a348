// Reads headers off whatever a framework calls a request. It reads two headers and nothing else.
import { RowhouseError } from '@rowhouse/contracts'

/** A Web Request, a Node IncomingMessage, or anything shaped like one of them. */
export interface RequestLike {
  readonly headers:
    | { get(name: string): string | null }
    | Readonly<Record<string, string | readonly string[] | undefined>>
}

/** A longer token is not one: Supabase's take 1 to 2 kB, and Node refuses headers over 16 kB. */
const TOKEN_LENGTH_MAX = 16_384

export function header(request: RequestLike, name: string): string | null {
  const { headers } = request
  if (typeof headers.get === 'function') return headers.get(name)
  const value = (headers as Readonly<Record<string, string | readonly string[] | undefined>>)[name]
  return typeof value === 'string' ? value : null
}

/** @throws RowhouseError unauthenticated */
export function bearerToken(request: RequestLike): string {
  const authorization = header(request, 'authorization')
  const token = /^Bearer +([\w.~+/=-]+) *$/i.exec(authorization ?? '')?.[1]
  if (token === undefined || token.length > TOKEN_LENGTH_MAX) throw new RowhouseError('unauthenticated')
  return token
}
