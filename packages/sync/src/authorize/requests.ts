// Consents under way, from the click to the provider's answer. Each is started once and used once, by whoever began it,
// within ten minutes; the browser carries a ticket and then a state, the table keeps their hashes.
import { RowhouseError } from '@rowhouse/contracts'
import { createHash, randomBytes } from 'node:crypto'
import type { Envelope, SealedPlace } from '@rowhouse/database'
import type { Pool } from 'pg'

export const lifetimeMs = 10 * 60_000
/** What is past its end is kept a day, for whoever asks what happened, and then deleted. */
const KEPT = '1 day'
const SECRET_BYTES = 32

export interface NewRequest {
  readonly organizationId: string
  readonly connector: string
  readonly connectionId: string | null
  /** Null for an operator. */
  readonly userId: string | null
  readonly baseUrl: string | null
  readonly returnTo: string
}

export interface AuthorizationRequest extends NewRequest {
  readonly id: string
}

interface RequestRow {
  readonly id: string
  readonly organization_id: string
  readonly connector: string
  readonly connection_id: string | null
  readonly user_id: string | null
  readonly base_url: string | null
  readonly return_to: string
  readonly code_verifier: string | null
}

const hash = (secret: string): Buffer => createHash('sha256').update(secret).digest()
const secret = (): string => randomBytes(SECRET_BYTES).toString('base64url')
export const verifierPlace = ({ organization_id, id }: Pick<RequestRow, 'organization_id' | 'id'>): SealedPlace => ({
  organizationId: organization_id,
  connectionId: id,
  field: 'codeVerifier',
})

export class Requests {
  readonly #pool: Pool
  readonly #envelope: Envelope

  constructor(pool: Pool, envelope: Envelope) {
    this.#pool = pool
    this.#envelope = envelope
  }

  /** @returns the ticket that starts it, which only this answer holds */
  async begin(request: NewRequest): Promise<{ readonly ticket: string; readonly expiresAt: string }> {
    const ticket = secret()
    await this.#pool.query(`delete from rowhouse.sync_authorizations where expires_at < now() - interval '${KEPT}'`)
    const { rows } = await this.#pool.query<{ expires_at: Date }>(
      `insert into rowhouse.sync_authorizations (
         organization_id, connector, connection_id, user_id, base_url, return_to, ticket_hash, expires_at
       ) values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8)) returning expires_at`,
      [
        request.organizationId,
        request.connector,
        request.connectionId,
        request.userId,
        request.baseUrl,
        request.returnTo,
        hash(ticket),
        lifetimeMs / 1000,
      ],
    )
    return { ticket, expiresAt: (rows[0] as { expires_at: Date }).expires_at.toISOString() }
  }

  /**
   * Starts what was begun: makes the state and the verifier. Each ticket once.
   *
   * @param userId who is signed in, or null for an operator; whoever else it was begun by cannot start it
   * @throws RowhouseError oauth_state_invalid
   */
  async start(
    connector: string,
    ticket: string,
    userId: string | null,
  ): Promise<{ readonly request: AuthorizationRequest; readonly state: string; readonly codeVerifier: string }> {
    const state = secret()
    const codeVerifier = secret()
    const client = await this.#pool.connect()
    try {
      await client.query('begin')
      const { rows } = await client.query<RequestRow>(
        `select * from rowhouse.sync_authorizations
         where ticket_hash = $1 and connector = $2 and user_id is not distinct from $3
           and started_at is null and expires_at > now()
         for update`,
        [hash(ticket), connector, userId],
      )
      const [row] = rows
      if (row === undefined) throw new RowhouseError('oauth_state_invalid')
      const { field } = verifierPlace(row)
      const sealer = await this.#envelope.sealer(client, row.organization_id, row.id)
      await client.query(
        `update rowhouse.sync_authorizations
         set started_at = now(), state_hash = $2, code_verifier = $3, key_id = $4 where id = $1`,
        [row.id, hash(state), sealer.seal(field, codeVerifier), sealer.keyId],
      )
      await client.query('commit')
      return { request: toRequest(row), state, codeVerifier }
    } catch (error) {
      await client.query('rollback').catch(() => {})
      throw error
    } finally {
      client.release()
    }
  }

  /**
   * Uses a state up, before anything is done with it.
   *
   * @throws RowhouseError oauth_state_invalid: unknown, expired, used, or begun by somebody else
   */
  async use(
    connector: string,
    state: string,
    userId: string | null,
  ): Promise<{ readonly request: AuthorizationRequest; readonly codeVerifier: string }> {
    const { rows } = await this.#pool.query<RequestRow>(
      `update rowhouse.sync_authorizations set used_at = now()
       where state_hash = $1 and connector = $2 and user_id is not distinct from $3
         and used_at is null and expires_at > now()
       returning *`,
      [hash(state), connector, userId],
    )
    const [row] = rows
    if (row === undefined || row.code_verifier === null) throw new RowhouseError('oauth_state_invalid')
    const codeVerifier = await this.#envelope.open(this.#pool, verifierPlace(row), row.code_verifier)
    return { request: toRequest(row), codeVerifier }
  }
}

const toRequest = (row: RequestRow): AuthorizationRequest => ({
  id: row.id,
  organizationId: row.organization_id,
  connector: row.connector,
  connectionId: row.connection_id,
  userId: row.user_id,
  baseUrl: row.base_url,
  returnTo: row.return_to,
})
