// The one error the client throws: the API's error answer, or why there was none. It keeps unknown
// codes as they are, because a newer server may refuse with codes this client has not heard of.
import { errorCodes } from '@rowhouse/contracts'
import type { ErrorBody, ErrorCode } from '@rowhouse/contracts'

export interface ApiErrorOptions {
  readonly status: number
  readonly hint?: string | undefined
  readonly details?: Readonly<Record<string, unknown>> | undefined
  readonly requestId?: string | undefined
  /** Seconds the server asked to wait, from Retry-After. */
  readonly retryAfterS?: number | undefined
  readonly cause?: unknown
}

export class ApiError extends Error {
  /** A code of @rowhouse/contracts, or one of a newer server. */
  readonly code: ErrorCode | (string & {})
  /** HTTP status; 0 when no answer came. */
  readonly status: number
  readonly hint: string
  readonly details: Readonly<Record<string, unknown>>
  /** Names the request in the server's log; null when no server of Rowhouse answered. */
  readonly requestId: string | null
  readonly retryAfterS: number | null

  constructor(code: string, message: string, options: ApiErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ApiError'
    this.code = code
    this.status = options.status
    this.hint = options.hint ?? known(code)?.hint ?? ''
    this.details = options.details ?? {}
    this.requestId = options.requestId ?? null
    this.retryAfterS = options.retryAfterS ?? null
  }

  /** Whether the same call may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return known(this.code)?.retryable ?? (this.status === 0 || this.status === 429 || this.status >= 500)
  }
}

export function isApiError(error: unknown): error is ApiError {
  return error instanceof ApiError
}

/** Reads an error answer; one that is not the API's own shape (a proxy's page) becomes `answer_invalid`. */
export async function errorFromAnswer(answer: Response): Promise<ApiError> {
  const seconds = Number(answer.headers.get('retry-after'))
  const retryAfterS = Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
  const body: unknown = await answer.json().catch(() => null)
  if (isErrorBody(body)) {
    const { code, message, hint, details, requestId } = body
    return new ApiError(code, message, { status: answer.status, hint, details, requestId, retryAfterS })
  }
  return new ApiError('answer_invalid', `The answer (HTTP ${answer.status}) is not one of Rowhouse.`, {
    status: answer.status,
    retryAfterS,
    requestId: answer.headers.get('x-request-id') ?? undefined,
  })
}

function isErrorBody(body: unknown): body is ErrorBody {
  return typeof body === 'object' && body !== null && 'code' in body && 'message' in body && 'requestId' in body
}

function known(code: string): (typeof errorCodes)[ErrorCode] | undefined {
  return Object.hasOwn(errorCodes, code) ? errorCodes[code as ErrorCode] : undefined
}
