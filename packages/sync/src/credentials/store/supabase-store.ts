// Supabase Vault: the sealed bundle is a secret of vault.secrets, in the transaction of the row that names it. The vault
// gets ciphertext and not the tokens: its view shows every secret in the clear to whoever may read it – postgres and
// service_role on Supabase – and its encryption is bound to the secret's id, which says nothing of an organization. Source
// of its functions and of who may call them: https://github.com/supabase/vault, https://github.com/supabase/postgres
import { RowhouseError } from '@rowhouse/contracts'
import type { Pool, PoolClient } from 'pg'
import { readBundle } from './bundle.ts'
import type { CredentialStore, StoreCheck } from './store.ts'

/** What lets Rowhouse's functions, and nobody else, use the vault. To be run as postgres, who may grant it. */
export const vaultGrants = `grant usage on schema vault to rowhouse_owner;
grant select, delete on vault.secrets, vault.decrypted_secrets to rowhouse_owner;
grant execute on function vault.create_secret, vault.update_secret, vault._crypto_aead_det_decrypt to rowhouse_owner;`

const states: Record<string, StoreCheck> = {
  ready: { ok: true, message: 'Supabase Vault is there and may be used', fix: null },
  missing: {
    ok: false,
    message: 'Supabase Vault is not in this database',
    fix: 'Enable it: create extension supabase_vault; or set ROWHOUSE_CREDENTIAL_STORE to another store.',
  },
  outdated: {
    ok: false,
    message: 'Supabase Vault is older than 0.3',
    fix: 'Upgrade the project: alter extension supabase_vault update;',
  },
  not_granted: {
    ok: false,
    message: 'Rowhouse may not use Supabase Vault',
    fix: `Run as postgres, in the SQL editor: ${vaultGrants.replaceAll('\n', ' ')}`,
  },
}

async function stateOf(database: Pool | PoolClient): Promise<StoreCheck> {
  const { rows } = await database.query<{ state: string }>('select rowhouse.vault_state() as state')
  return states[rows[0]?.state ?? 'missing'] as StoreCheck
}

/** 42501 and what PostgreSQL says where a schema, a table or a function is not there. */
const notThere = new Set(['42501', '42P01', '42883', '3F000'])

/** Runs one call of the vault; its failure neither ends the transaction nor is told as a bug of ours. */
async function asking<Value>(database: Pool | PoolClient, ask: () => Promise<Value>): Promise<Value> {
  // A pool's queries are transactions of their own.
  const inside = 'release' in database
  if (inside) await database.query('savepoint rowhouse_vault')
  try {
    const value = await ask()
    if (inside) await database.query('release savepoint rowhouse_vault')
    return value
  } catch (cause) {
    if (inside) await database.query('rollback to savepoint rowhouse_vault')
    const sqlstate = (cause as { code?: string }).code ?? ''
    if (notThere.has(sqlstate)) {
      const { message, fix } = await stateOf(database)
      throw new RowhouseError('credential_store_refused', `${message}.`, {
        cause,
        details: { store: 'supabase_vault', sqlstate },
        ...(fix !== null && { hint: fix }),
      })
    }
    // A lost connection and the like are the database's, and told as such.
    if (!/^[0-9A-Z]{5}$/.test(sqlstate) || sqlstate.startsWith('08') || sqlstate.startsWith('57')) throw cause
    throw new RowhouseError('credential_store_unavailable', 'Supabase Vault answered with an error.', {
      cause,
      details: { store: 'supabase_vault', sqlstate },
    })
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

export const supabaseStore: CredentialStore = {
  kind: 'supabase_vault',
  async read(database, { connectionId, place }) {
    const secret = await asking(database, async () => {
      const { rows } = await database.query<{ secret: string | null }>('select rowhouse.vault_get($1, $2) as secret', [
        connectionId,
        place,
      ])
      return rows[0]?.secret ?? null
    })
    return { bundle: readBundle(connectionId, secret === null ? null : parse(secret)), mark: null }
  },
  // In the transaction that holds the row's lock, so there is nothing to compare.
  async write(client, { connectionId }, bundle) {
    const place = await asking(client, async () => {
      const { rows } = await client.query<{ place: string }>('select rowhouse.vault_put($1, $2) as place', [
        connectionId,
        JSON.stringify(bundle),
      ])
      return (rows[0] as { place: string }).place
    })
    return { place, sealed: null }
  },
  async erase(client, { connectionId, place }) {
    await asking(client, () => client.query('select rowhouse.vault_erase($1, $2)', [connectionId, place]))
  },
  check: stateOf,
  close: () => Promise.resolve(),
}
