// What a request was made with that nobody may read in its answer. A provider, or a proxy before it, may repeat headers and
// forms in an error; its text becomes a reason, a dead letter, a line people read. So it is taken out before anybody sees it.
import type { HttpRequest } from '@rowhouse/connectors'
import { formsOf } from '../credentials/redact.ts'
import type { Redact } from '../credentials/redact.ts'

/** Fields of a token request that are no secrets. */
const open = new Set(['grant_type', 'redirect_uri', 'client_id', 'client_assertion_type', 'scope'])

export function secretsOf(request: HttpRequest, accessToken: () => string): string[] {
  const form = Object.entries(request.form ?? {}).flatMap(([name, value]) => (open.has(name) ? [] : [value]))
  const headers = Object.entries(request.headers ?? {}).flatMap(([name, value]) =>
    name.toLowerCase() === 'authorization' ? inAuthorization(value) : [],
  )
  return [...form, ...headers, ...(request.authorized === false ? [] : [accessToken()])]
}

/** The credentials as they are sent and, of Basic ones, the secret by itself. */
function inAuthorization(header: string): string[] {
  const [scheme = '', credentials = ''] = header.split(/\s+(.*)/s)
  if (scheme.toLowerCase() !== 'basic') return [credentials]
  const [, secret = ''] = Buffer.from(credentials, 'base64').toString().split(/:(.*)/s)
  return [credentials, secret, decoded(secret)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * The answer without them. The answer of a token endpoint that is no refusal stays as it is: it may give the same refresh
 * token again. Bytes that are no text stay as they are too.
 */
export function withoutSecrets(
  bytes: Uint8Array,
  status: number,
  request: HttpRequest,
  accessToken: () => string,
  redact: Redact,
): Uint8Array {
  if (request.authorized === false && status < 400) return bytes
  const secrets = secretsOf(request, accessToken)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // Most answers repeat nothing, and may be large: they are not made into text for it.
  if (!formsOf(secrets).some((form) => buffer.includes(form, 0, 'latin1'))) return bytes
  return Buffer.from(redact(buffer.toString('latin1'), secrets), 'latin1')
}
