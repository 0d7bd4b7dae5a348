// HashiCorp Vault, or OpenBao: the sealed bundle is a secret of a KV engine of version 2. The vault gets ciphertext, so
// that who runs it, its backups and its replicas hold nothing that opens without the organization's data key, and a secret
// copied from one connection's path to another's does not open there.
//
// The vault is no part of the transaction here. What keeps the two together: a write compares (check-and-set) with the
// version that was read under the row's lock, so whoever lost that lock writes nothing over a newer token; a line in
// rowhouse.sync_store_leftovers stands, committed, before a secret is made, so a process that dies leaves nothing behind.
import { Pool } from 'pg'
import type { PoolClient } from 'pg'
import { readBundle } from '../bundle.ts'
import type { CredentialStore, Held, Kept, Resting, SealedBundle, StoreCheck } from '../store.ts'
import { Kv } from './kv.ts'
import { resolveHashicorp } from './options.ts'
import type { HashicorpOptions, ResolvedHashicorp } from './options.ts'
import { checkHashicorp } from './check.ts'
import { Session } from './session.ts'
import { openTransport } from './transport.ts'
import type { Transport } from './transport.ts'

/** Longer than any transaction that makes a secret. */
const UNFINISHED_AFTER = '10 minutes'
/** Autocommitted single statements, so whoever waits for one of these waits for nobody who waits. */
const POOL_MAX = 2

interface Place {
  readonly mount: string
  readonly path: string
}

const toText = ({ mount, path }: Place): string => `${mount}:${path}`
const toPlace = (text: string): Place => {
  const at = text.indexOf(':')
  return { mount: text.slice(0, at), path: text.slice(at + 1) }
}

export class HashicorpStore implements CredentialStore {
  readonly kind = 'hashicorp_vault'
  readonly #options: ResolvedHashicorp
  readonly #transport: Transport
  readonly #session: Session
  readonly #kv: Kv
  readonly #pool: Pool

  /** @throws RowhouseError invalid_option */
  constructor(options: HashicorpOptions, controlUrl: string) {
    this.#options = resolveHashicorp(options)
    this.#transport = openTransport(this.#options)
    this.#session = new Session(this.#options, this.#transport)
    this.#kv = new Kv(this.#session, this.#transport)
    this.#pool = new Pool({ connectionString: controlUrl, max: POOL_MAX })
    this.#pool.on('error', () => {})
  }

  async read(_database: unknown, { connectionId, place }: Resting): Promise<Held> {
    const { mount, path } = toPlace(place ?? '')
    const { data, version } = await this.#kv.read(mount, path)
    return { bundle: readBundle(connectionId, data), mark: String(version) }
  }

  async write(
    client: PoolClient,
    resting: Omit<Resting, 'sealed'>,
    bundle: SealedBundle,
    before: Held | null,
  ): Promise<Kept> {
    const { connectionId, organizationId } = resting
    const place =
      resting.place === null
        ? { mount: this.#options.mount, path: `${this.#options.path}/${organizationId}/${connectionId}` }
        : toPlace(resting.place)
    const text = toText(place)
    if (resting.place === null)
      await this.#pool.query(
        `insert into rowhouse.sync_store_leftovers (store, place, connection_id, due_at)
         values ($1, $2, $3, now() + $4::interval)
         on conflict (store, place) do update set due_at = excluded.due_at`,
        [this.kind, text, connectionId, UNFINISHED_AFTER],
      )
    // Over what was read; or, where the bundle rested elsewhere or could not be read, over whatever is there now.
    const cas = before === null ? (await this.#kv.read(place.mount, place.path)).version : Number(before.mark)
    await this.#kv.write(place.mount, place.path, bundle, cas)
    if (resting.place === null)
      await client.query('delete from rowhouse.sync_store_leftovers where store = $1 and place = $2', [this.kind, text])
    return { place: text, sealed: null }
  }

  async erase(_client: unknown, { place }: { readonly place: string }): Promise<void> {
    const { mount, path } = toPlace(place)
    await this.#kv.erase(mount, path)
  }

  check(): Promise<StoreCheck> {
    return checkHashicorp(this.#options, this.#transport, this.#kv)
  }

  async close(): Promise<void> {
    this.#session.close()
    await this.#transport.close()
    await this.#pool.end()
  }
}
