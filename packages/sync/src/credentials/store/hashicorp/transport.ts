// One call of Vault's HTTP API. It follows a standby to the active node, and says nothing of tokens, headers or bodies.
// Statuses as https://developer.hashicorp.com/vault/api-docs#http-status-codes has them.
import { RowhouseError } from '@rowhouse/contracts'
import { Agent, request as send } from 'undici'
import { isPrivate } from './options.ts'
import type { ResolvedHashicorp } from './options.ts'

export interface VaultCall {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below /v1/. */
  readonly path: string
  readonly body?: object
  readonly token?: string
}

export interface VaultAnswer {
  readonly status: number
  /** `data`, `auth`, `errors` …; empty for an answer without a body, or with one that is no JSON. */
  readonly body: Readonly<Record<string, unknown>>
}

export interface Transport {
  /** @throws RowhouseError credential_store_unavailable: no answer */
  call(call: VaultCall): Promise<VaultAnswer>
  close(): Promise<void>
}

const BODY_BYTES_MAX = 1024 * 1024
const REDIRECTS_MAX = 2

export function openTransport({ address, namespace, ca, timeoutMs }: ResolvedHashicorp): Transport {
  const dispatcher = new Agent(ca === null ? {} : { connect: { ca } })
  const once = async (url: string, { method, body, token }: VaultCall, signal: AbortSignal) =>
    send(url, {
      method,
      dispatcher,
      signal,
      headers: {
        // Vault's own protection from requests that somebody else's server was made to send.
        'x-vault-request': 'true',
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(namespace === null ? {} : { 'x-vault-namespace': namespace }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    })
  return {
    async call(call) {
      const signal = AbortSignal.timeout(timeoutMs)
      try {
        let url = `${address}/v1/${call.path}`
        for (let hop = 0; ; hop += 1) {
          const answer = await once(url, call, signal)
          const text = await readText(answer.body)
          if (answer.statusCode !== 307 || hop === REDIRECTS_MAX)
            return { status: answer.statusCode, body: parse(text) }
          url = follow(url, answer.headers['location'])
        }
      } catch (cause) {
        throw unavailable(cause)
      }
    },
    close: () => dispatcher.close(),
  }
}

/** The token goes along, so never to where anybody on the way can read it. */
function follow(from: string, location: string | string[] | undefined): string {
  const to = new URL(Array.isArray(location) ? (location[0] ?? '') : (location ?? ''), from)
  if (to.protocol !== new URL(from).protocol || !isPrivate(to)) throw new Error('redirected to where others read it')
  return to.href
}

/** The client's own messages may quote a header; a code of the system does not. */
function unavailable(cause: unknown): RowhouseError {
  const { code, name } = (cause instanceof Error ? cause : {}) as { code?: unknown; name?: string }
  const reason = typeof code === 'string' ? code : (name ?? 'no answer')
  return new RowhouseError('credential_store_unavailable', `The vault does not answer: ${reason}.`, {
    details: { store: 'hashicorp_vault', reason },
    hint: /CERT|SIGNATURE|ALTNAME/.test(reason)
      ? 'Name the certificate authority of the vault in VAULT_CACERT.'
      : 'Check VAULT_ADDR and the network; connections go on by themselves, and what rests there is not lost.',
  })
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > BODY_BYTES_MAX) throw new Error('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
