// What a HashiCorp Vault is reached with, checked once.
import { RowhouseError } from '@rowhouse/contracts'

export type HashicorpLogin =
  | { readonly method: 'token'; readonly token: string }
  | { readonly method: 'approle'; readonly roleId: string; readonly secretId: string; readonly mount?: string }

export interface HashicorpOptions {
  /** Such as https://vault.example:8200; http on this machine only. */
  readonly address: string
  /** A token, which is renewed while it can be; or an AppRole, which logs in again when its token ends. */
  readonly login: HashicorpLogin
  /** Enterprise, HCP and OpenBao. @default none: the root namespace */
  readonly namespace?: string | null
  /** Where the KV engine of version 2 is mounted. @default 'secret' */
  readonly mount?: string
  /** Below which path of the engine secrets are kept. @default 'rowhouse' */
  readonly path?: string
  /** Certificates in PEM that the server's is checked with. @default those that Node trusts */
  readonly ca?: string | null
  /** How long one call may take. @default 5000 */
  readonly timeoutMs?: number
  /** Epoch milliseconds. @default Date.now */
  readonly now?: () => number
}

export interface ResolvedHashicorp {
  readonly address: string
  readonly login:
    | { readonly method: 'token'; readonly token: string }
    | { readonly method: 'approle'; readonly roleId: string; readonly secretId: string; readonly mount: string }
  readonly namespace: string | null
  readonly mount: string
  readonly path: string
  readonly ca: string | null
  readonly timeoutMs: number
  readonly now: () => number
}

const TIMEOUT_MS_MAX = 60_000
const segments = /^[\w.-]+(\/[\w.-]+)*$/

/** @throws RowhouseError invalid_option */
export function resolveHashicorp(options: HashicorpOptions): ResolvedHashicorp {
  const { login, namespace = null, mount = 'secret', path = 'rowhouse', ca = null, timeoutMs = 5000 } = options
  if (!URL.canParse(options.address) || !isPrivate(new URL(options.address)))
    throw refuse('address', 'an https URL; http only on this machine, because the token travels with each call')
  const named = { mount, path, ...(namespace === null ? {} : { namespace }) }
  for (const [name, value] of Object.entries(named))
    if (!segments.test(value) || value.split('/').some((segment) => /^\.+$/.test(segment)))
      throw refuse(name, 'letters, digits, _, -, . and inner slashes')
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > TIMEOUT_MS_MAX)
    throw refuse('timeoutMs', `a whole number from 1 to ${TIMEOUT_MS_MAX}`)
  const secrets = login.method === 'token' ? [login.token] : [login.roleId, login.secretId]
  // What a header cannot carry would be told by the client's own error, with the token in it.
  if (secrets.some((secret) => !/^[\x21-\x7e]{1,8192}$/.test(secret)))
    throw refuse('login', 'printable ASCII without spaces')
  return Object.freeze({
    address: options.address.replace(/\/+$/, ''),
    login: login.method === 'token' ? login : { ...login, mount: login.mount ?? 'approle' },
    namespace,
    mount,
    path,
    ca,
    timeoutMs,
    now: options.now ?? Date.now,
  })
}

/** Whether nobody on the way reads what goes there. */
export function isPrivate({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true
  return protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

function refuse(option: string, takes: string): RowhouseError {
  return new RowhouseError('invalid_option', `hashicorp.${option} takes ${takes}.`, { details: { option } })
}
