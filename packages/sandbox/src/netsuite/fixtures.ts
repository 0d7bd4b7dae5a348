// A NetSuite account and a plain HTTP client for tests: tokens, JSON, nothing clever.
import { startSandbox } from '../sandbox.ts'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import type { Sandbox } from '../sandbox.ts'
import type { AccountInput, SandboxOptions } from '../options.ts'

export interface Reply {
  readonly status: number
  readonly headers: Headers
  // Test answers are looked at, not trusted: a shape per endpoint would only repeat the simulation.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any
}

export interface Netsuite {
  readonly sandbox: Sandbox
  readonly account: CreatedAccount
  readonly send: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Reply>
  /** Creates a record and returns its id. */
  readonly create: (type: string, body: unknown) => Promise<string>
  readonly suiteql: (q: string, page?: string) => Promise<Reply>
}

export async function startNetsuite(
  options: SandboxOptions = {},
  input: Omit<AccountInput, 'connector'> = {},
): Promise<Netsuite> {
  const sandbox = await startSandbox(options)
  const account = sandbox.createAccount({ connector: 'netsuite', ...input })
  const send: Netsuite['send'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${sandbox.url}/services/rest${path}`, {
      method,
      headers: {
        authorization: `Bearer ${account.accessToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  return {
    sandbox,
    account,
    send,
    async create(type, body) {
      const reply = await send('POST', `/record/v1/${type}`, body)
      if (reply.status !== 204) throw new Error(`${reply.status}: ${JSON.stringify(reply.body)}`)
      return reply.headers.get('location')!.split('/').at(-1)!
    },
    suiteql: (q, page = '') => send('POST', `/query/v1/suiteql${page}`, { q }, { prefer: 'transient' }),
  }
}
