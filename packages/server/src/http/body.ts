// Reads request bodies within their bound, before anything trusts their length or their encoding.
import { RowhouseError } from '@rowhouse/contracts'

export const bodyBytesMax = 1024 * 1024

/** @throws RowhouseError payload_too_large, as soon as more than the bound has come */
export async function readBytes(request: Request, bytesMax = bodyBytesMax): Promise<Uint8Array> {
  const tooLarge = (): RowhouseError =>
    new RowhouseError('payload_too_large', `The body is larger than ${bytesMax} bytes.`, { details: { bytesMax } })
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw tooLarge()
  const chunks: Uint8Array[] = []
  let length = 0
  if (request.body !== null) {
    for await (const chunk of request.body) {
      length += chunk.byteLength
      if (length > bytesMax) throw tooLarge()
      chunks.push(chunk)
    }
  }
  return Buffer.concat(chunks)
}

/** @throws RowhouseError payload_too_large; validation_failed when it is not JSON in UTF-8 */
export async function readJson(request: Request): Promise<unknown> {
  const bytes = await readBytes(request)
  if (bytes.byteLength === 0) return undefined
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    throw new RowhouseError('validation_failed', 'The body is not declared as JSON.', {
      hint: 'Send the header Content-Type: application/json.',
    })
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch (cause) {
    const what = cause instanceof SyntaxError ? 'JSON' : 'UTF-8'
    throw new RowhouseError('validation_failed', `The body is not valid ${what}.`, { cause })
  }
}
