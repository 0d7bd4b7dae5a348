// Headers of every answer, whatever it is.

const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

export interface HeaderOptions {
  readonly requestId: string
  /** The console's policy for its pages; the API's answers load nothing. */
  readonly contentSecurityPolicy?: string | undefined
  readonly isSecure: boolean
}

export function withHeaders(response: Response, options: HeaderOptions): Response {
  const { headers } = response
  headers.set('x-request-id', options.requestId)
  headers.set('x-content-type-options', 'nosniff')
  headers.set('x-frame-options', 'DENY')
  headers.set('referrer-policy', 'no-referrer')
  headers.set('cross-origin-opener-policy', 'same-origin')
  headers.set('cross-origin-resource-policy', 'same-origin')
  headers.set('permissions-policy', 'camera=(), geolocation=(), microphone=()')
  headers.set('content-security-policy', options.contentSecurityPolicy ?? apiPolicy)
  if (options.isSecure) headers.set('strict-transport-security', 'max-age=31536000')
  return response
}
