// Where credentials rest, as the environment says it. A HashiCorp Vault is named by the variables that its own clients read.
import { readFileSync } from 'node:fs'
import { RowhouseError } from '@rowhouse/contracts'
import type { HashicorpLogin, HashicorpOptions, StoreKind, StoreOptions } from '@rowhouse/sync'
import { httpUrl, refuse, text } from './variables.ts'
import type { Environment } from './variables.ts'

/** Not asked of the engine: who reads a configuration loads none of it. */
const kinds: Readonly<Record<StoreKind, true>> = { database: true, supabase_vault: true, hashicorp_vault: true }
const isKind = (value: string): value is StoreKind => Object.hasOwn(kinds, value)

/**
 * Reads ROWHOUSE_CREDENTIAL_STORE, and for a HashiCorp Vault VAULT_ADDR, VAULT_TOKEN or VAULT_ROLE_ID with VAULT_SECRET_ID,
 * VAULT_NAMESPACE, VAULT_CACERT, VAULT_CLIENT_TIMEOUT, ROWHOUSE_VAULT_MOUNT, ROWHOUSE_VAULT_PATH and
 * ROWHOUSE_VAULT_APPROLE_MOUNT. A vault that is named is read also where another store is written to, so that credentials
 * can be moved away from it.
 *
 * @throws RowhouseError invalid_option
 */
export function readStoreConfig(env: Environment = process.env): StoreOptions {
  const store = text(env, 'ROWHOUSE_CREDENTIAL_STORE') ?? 'database'
  if (!isKind(store)) throw refuse('ROWHOUSE_CREDENTIAL_STORE', `one of ${Object.keys(kinds).join(', ')}`)
  const isWanted = store === 'hashicorp_vault'
  const login = readLogin(env, isWanted)
  // Other programs read VAULT_ADDR too: alone it is no wish of ours.
  if (!isWanted && (login === null || text(env, 'VAULT_ADDR') === null)) return { store, hashicorp: null }
  return { store, hashicorp: readHashicorp(env, login as HashicorpLogin) }
}

function readHashicorp(env: Environment, login: HashicorpLogin): HashicorpOptions {
  const address = httpUrl(env, 'VAULT_ADDR')
  if (address === null) throw missing('VAULT_ADDR', 'the address of the vault, such as https://vault.example:8200')
  if (/^(1|t|true)$/i.test(text(env, 'VAULT_SKIP_VERIFY') ?? ''))
    throw new RowhouseError('invalid_option', 'VAULT_SKIP_VERIFY is set, and certificates are always verified.', {
      details: { option: 'VAULT_SKIP_VERIFY' },
      hint: 'Unset it, and name the certificate authority of the vault in VAULT_CACERT.',
    })
  const optional = {
    namespace: text(env, 'VAULT_NAMESPACE')?.replaceAll(/^\/+|\/+$/g, ''),
    mount: text(env, 'ROWHOUSE_VAULT_MOUNT'),
    path: text(env, 'ROWHOUSE_VAULT_PATH'),
    ca: readAuthority(env),
    timeoutMs: readTimeout(env),
  }
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value != null && value !== ''))
  return { address, login, ...given }
}

function readLogin(env: Environment, isWanted: boolean): HashicorpLogin | null {
  const token = text(env, 'VAULT_TOKEN')
  const roleId = text(env, 'VAULT_ROLE_ID')
  const secretId = text(env, 'VAULT_SECRET_ID')
  const mount = text(env, 'ROWHOUSE_VAULT_APPROLE_MOUNT')
  if (roleId !== null && secretId !== null)
    return { method: 'approle', roleId, secretId, ...(mount === null ? {} : { mount }) }
  if (token !== null) return { method: 'token', token }
  if (!isWanted) return null
  throw missing('VAULT_TOKEN', 'a token; or VAULT_ROLE_ID and VAULT_SECRET_ID to the ids of an AppRole')
}

function readAuthority(env: Environment): string | null {
  const file = text(env, 'VAULT_CACERT')
  if (file === null) return null
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new RowhouseError('invalid_option', `VAULT_CACERT names ${file}, which cannot be read.`, {
      details: { option: 'VAULT_CACERT' },
      hint: 'Name a file of certificates in PEM.',
      cause,
    })
  }
}

/** Seconds, as Vault's own client reads it: 5 or 5s. */
function readTimeout(env: Environment): number | null {
  const value = text(env, 'VAULT_CLIENT_TIMEOUT')
  if (value === null) return null
  const seconds = /^(\d{1,2})s?$/.exec(value)?.[1]
  if (seconds === undefined || Number(seconds) < 1 || Number(seconds) > 60)
    throw refuse('VAULT_CLIENT_TIMEOUT', 'seconds from 1 to 60, such as 5s')
  return Number(seconds) * 1000
}

function missing(option: string, what: string): RowhouseError {
  return new RowhouseError(
    'invalid_option',
    `ROWHOUSE_CREDENTIAL_STORE is hashicorp_vault, and ${option} is not set.`,
    {
      details: { option },
      hint: `Set it to ${what}.`,
    },
  )
}
