// Answers that arrive broken: HTML for JSON, an error with status 200, cut short, dribbled, or the page before once more. Owns how an
// answer is spoilt; chaos.ts decides which. What the request did is done and committed by then.
import type { ChaosMark } from '../http/request-log.ts'
import type { Sleep } from '../options.ts'

export interface Spoilt {
  readonly how: ChaosMark
  readonly response: Response
}

const pieceBytes = 512
/** Pieces a body is sent in at most, whatever its size: a bound for how long it takes. */
const piecesMax = 32
const pagesMax = 200

/** What a proxy in front of a CRM answers on a bad day, with a status that says all is well. */
export function htmlPage(): Spoilt {
  const body =
    '<!doctype html><html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>'
  return {
    how: 'HTML',
    response: new Response(body, { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } }),
  }
}

/** What a gateway answers that keeps the status of what it could not pass on to itself: JSON, and nothing that was asked for. */
export function errorBody(): Spoilt {
  const body = JSON.stringify({ status: 'error', message: 'There was a problem with the request.', errors: [] })
  return {
    how: 'error body',
    response: new Response(body, { status: 200, headers: { 'content-type': 'application/json;charset=utf-8' } }),
  }
}

export async function truncated(response: Response): Promise<Spoilt> {
  const text = await response.text()
  return { how: 'truncated', response: again(response, text.slice(0, Math.floor(text.length / 2))) }
}

/** The body in pieces, with a wait before each: what a client's read timeout is for. */
export async function slowly(
  response: Response,
  pieceMs: number,
  { sleep, signal }: { readonly sleep: Sleep; readonly signal: AbortSignal },
): Promise<Spoilt> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  const size = Math.max(pieceBytes, Math.ceil(bytes.length / piecesMax))
  let at = 0
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await sleep(pieceMs, signal)
      if (at >= bytes.length || signal.aborted) return controller.close()
      controller.enqueue(bytes.slice(at, at + size))
      at += size
    },
  })
  return { how: 'slow body', response: again(response, body) }
}

/** Pages that were given, so that one can be given again in place of the next. */
export class Pages {
  readonly #last = new Map<string, string>()

  /** Remembers this page; the page before it, when this is a next one. */
  async seen(account: string, method: string, url: string, response: Response): Promise<Spoilt | undefined> {
    if (!response.ok) return undefined
    const { pathname, searchParams } = new URL(url)
    const isNext =
      searchParams.has('after') || Number(searchParams.get('offset') ?? 0) > 0 || /\/query(All)?\/01g/.test(pathname)
    const key = `${account} ${method} ${pathname.replace(/\/(01g\w+)-\d+$/, '/$1')}`
    const text = await response.clone().text()
    const before = this.#last.get(key)
    this.#last.set(key, text)
    if (this.#last.size > pagesMax) this.#last.delete(this.#last.keys().next().value!)
    return isNext && before !== undefined ? { how: 'repeated page', response: again(response, before) } : undefined
  }
}

function again(response: Response, body: string | ReadableStream<Uint8Array>): Response {
  const headers = new Headers(response.headers)
  headers.delete('content-length')
  return new Response(body, { status: response.status, headers })
}
