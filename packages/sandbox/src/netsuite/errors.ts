// NetSuite's errors: a problem document with details in `o:errorDetails`. Owns their wording; must not
// decide when they are due.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_156570709583.html
import { Refusal } from '../http/refusal.ts'

export interface ErrorDetail {
  readonly detail: string
  readonly 'o:errorCode': string
  /** JSON path of what is wrong in the body. */
  readonly 'o:errorPath'?: string
  readonly 'o:errorQueryParam'?: string
  readonly 'o:errorHeader'?: string
  readonly 'o:errorUrl'?: string
}

type Place = 'path' | 'query' | 'header' | 'url'

const placeKeys = {
  path: 'o:errorPath',
  query: 'o:errorQueryParam',
  header: 'o:errorHeader',
  url: 'o:errorUrl',
} as const

const titles: Readonly<Record<number, readonly [title: string, section: string]>> = {
  400: ['Bad Request', '#sec10.4.1'],
  401: ['Unauthorized', ''],
  403: ['Forbidden', '#sec10.4.4'],
  404: ['Not Found', '#sec10.4.5'],
  405: ['Method Not Allowed', '#sec10.4.6'],
  413: ['Request Entity Too Large', '#sec10.4.14'],
  415: ['Unsupported Media Type', '#sec10.4.16'],
  429: ['Too Many Requests', ''],
  500: ['Internal Server Error', '#sec10.5.1'],
  502: ['Bad Gateway', '#sec10.5.3'],
  503: ['Service Unavailable', '#sec10.5.4'],
}

export class NetsuiteRefusal extends Refusal {
  readonly code: string

  constructor(
    status: number,
    code: string,
    detail: string,
    place?: readonly [place: Place, name: string],
    headers: Readonly<Record<string, string>> = {},
  ) {
    const [title, section] = titles[status] ?? ['Error', '']
    const detailed = { detail, ...(place ? { [placeKeys[place[0]]]: place[1] } : {}), 'o:errorCode': code }
    super(
      status,
      {
        type: `https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html${section}`,
        title,
        status,
        'o:errorDetails': [detailed],
      },
      headers,
    )
    this.code = code
  }
}

export const invalidContent = (detail: string, path?: string): NetsuiteRefusal =>
  new NetsuiteRefusal(
    400,
    'INVALID_CONTENT',
    `Error while accessing a resource. ${detail}`,
    path === undefined ? undefined : ['path', path],
  )

export const userError = (detail: string): NetsuiteRefusal =>
  new NetsuiteRefusal(400, 'USER_ERROR', `Error while accessing a resource. ${detail}`)

export const invalidParameter = (name: string, detail: string): NetsuiteRefusal =>
  new NetsuiteRefusal(400, 'INVALID_PARAMETER', detail, ['query', name])

export const invalidHeader = (name: string, detail: string): NetsuiteRefusal =>
  new NetsuiteRefusal(400, 'INVALID_HEADER', detail, ['header', name])

export const noSuchResource = (url: string): NetsuiteRefusal =>
  new NetsuiteRefusal(404, 'NONEXISTENT_ID', 'The requested resource does not exist.', ['url', url])

export const noSuchRecord = (): NetsuiteRefusal =>
  new NetsuiteRefusal(
    404,
    'NONEXISTENT_ID',
    'Error while accessing a resource. The record instance does not exist. Provide a valid record instance ID.',
    ['path', 'id'],
  )

/** The refusal of a token that is not good, and one of the disguises of too many requests at once. */
export const invalidLogin = (): NetsuiteRefusal =>
  new NetsuiteRefusal(
    401,
    'INVALID_LOGIN',
    'Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at Setup > Users/Roles > User Management > View Login Audit Trail.',
  )

/** Too many requests at once, in one of the three forms that were seen. */
export function tooManyAtOnce(form: '429' | '400' | 'login'): NetsuiteRefusal {
  if (form === 'login') return invalidLogin()
  const message = 'Concurrent request limit exceeded. Request blocked.'
  return form === '429'
    ? new NetsuiteRefusal(429, 'CONCURRENCY_LIMIT_EXCEEDED', message)
    : new NetsuiteRefusal(400, 'SSS_REQUEST_LIMIT_EXCEEDED', message)
}
