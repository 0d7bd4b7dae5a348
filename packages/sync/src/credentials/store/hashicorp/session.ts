// The token of a process: where it comes from, and how it is kept alive. A token that was given is renewed while it can
// be; an AppRole logs in again when its token ends or is revoked. Everybody who needs one at the same moment waits for one
// login.
import { RowhouseError } from '@rowhouse/contracts'
import type { ResolvedHashicorp } from './options.ts'
import type { Transport, VaultAnswer } from './transport.ts'
import { refusalOf } from './refusal.ts'

/** A renewal at two thirds of a token's life leaves a third for a vault that is away. */
const RENEW_AT = 2 / 3
const RENEW_AGAIN_MS_MIN = 1000
/** Timers hold no longer than this; the renewal then looks again. */
const TIMER_MS_MAX = 24 * 3_600_000
/** Less than this share of the first life: the token is near the end that no renewal moves. */
const WORN_AT = 1 / 2

interface HeldToken {
  readonly token: string
  readonly renewable: boolean
  /** Null: it does not end. */
  readonly lifeMs: number | null
  readonly endsMs: number | null
}

export class Session {
  readonly #options: ResolvedHashicorp
  readonly #transport: Transport
  #held: HeldToken | null = null
  #asking: Promise<HeldToken> | null = null
  #timer: NodeJS.Timeout | null = null
  #closed = false

  constructor(options: ResolvedHashicorp, transport: Transport) {
    this.#options = options
    this.#transport = transport
  }

  /** @throws RowhouseError credential_store_refused, credential_store_sealed, credential_store_unavailable */
  async token(): Promise<string> {
    const held = this.#held
    if (held !== null && (held.endsMs === null || held.endsMs > this.#options.now())) return held.token
    return (await this.#ask()).token
  }

  /**
   * A call with `token` was answered with 403, which Vault says of a dead token and of a missing permission alike.
   *
   * @returns whether another token is to be had, so that the call is worth repeating
   */
  async refused(token: string): Promise<boolean> {
    if (this.#held !== null && this.#held.token !== token) return true
    const look = await this.#transport.call({ method: 'GET', path: 'auth/token/lookup-self', token })
    if (look.status === 200) return false
    if (look.status !== 403) throw refusalOf(look, 'look up its token')
    if (this.#options.login.method === 'token') {
      this.#held = null
      return false
    }
    // Somebody else may have been told the same, and have another one by now.
    if (this.#held?.token === token) this.#held = null
    await this.token()
    return true
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  async #ask(): Promise<HeldToken> {
    this.#asking ??= this.#login().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async #login(): Promise<HeldToken> {
    const { login } = this.#options
    if (login.method === 'token') {
      const { token } = login
      const look = await this.#transport.call({ method: 'GET', path: 'auth/token/lookup-self', token })
      if (look.status === 403) {
        throw new RowhouseError('credential_store_refused', 'The vault does not know the token, or it has ended.', {
          details: { store: 'hashicorp_vault', method: 'token' },
          hint: 'Set VAULT_TOKEN to one that lives, or use an AppRole, which logs in again by itself.',
        })
      }
      if (look.status !== 200) throw refusalOf(look, 'look up its token')
      const { ttl = 0, renewable = false } = (look.body['data'] ?? {}) as { ttl?: number; renewable?: boolean }
      return this.#hold(token, ttl, renewable)
    }
    const { mount, roleId, secretId } = login
    const answer = await this.#transport.call({
      method: 'POST',
      path: `auth/${mount}/login`,
      body: { role_id: roleId, secret_id: secretId },
    })
    if (answer.status === 400 || answer.status === 403) {
      throw new RowhouseError('credential_store_refused', 'The vault refused the AppRole.', {
        details: { store: 'hashicorp_vault', method: 'approle' },
        hint: 'Check VAULT_ROLE_ID and VAULT_SECRET_ID; the secret id must be good for any number of logins.',
      })
    }
    return this.#fromAuth(answer, 'log in')
  }

  async #renew(): Promise<void> {
    const held = this.#held
    if (held === null || this.#closed) return
    const answer = await this.#transport.call({
      method: 'POST',
      path: 'auth/token/renew-self',
      body: {},
      token: held.token,
    })
    const renewed = answer.status === 200 ? this.#fromAuth(answer, 'renew its token', held) : null
    const worn = renewed !== null && (renewed.lifeMs ?? 0) < (held.lifeMs ?? 0) * WORN_AT
    if (this.#options.login.method === 'approle' && (renewed === null || worn)) await this.#ask()
    else if (renewed === null) throw refusalOf(answer, 'renew its token')
  }

  #fromAuth(answer: VaultAnswer, doing: string, before: HeldToken | null = null): HeldToken {
    const auth = answer.body['auth'] as
      | { readonly client_token?: unknown; readonly lease_duration?: number; readonly renewable?: boolean }
      | null
      | undefined
    if (answer.status !== 200 || typeof auth?.client_token !== 'string') throw refusalOf(answer, doing)
    const { client_token: token, lease_duration: seconds = 0, renewable = false } = auth
    return this.#hold(token, seconds, renewable, before)
  }

  /** A life of 0 s does not end. What was renewed keeps its first life, so that it is seen to wear off. */
  #hold(token: string, seconds: number, renewable: boolean, before: HeldToken | null = null): HeldToken {
    const lifeMs = seconds === 0 ? null : seconds * 1000
    const endsMs = lifeMs === null ? null : this.#options.now() + lifeMs
    const held = { token, renewable, lifeMs, endsMs }
    this.#held = before === null ? held : { ...held, lifeMs: before.lifeMs }
    if (lifeMs !== null) this.#plan(lifeMs * RENEW_AT)
    return held
  }

  #plan(afterMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#closed || this.#held === null) return
    if (!this.#held.renewable && this.#options.login.method === 'token') return
    const waitMs = Math.min(Math.max(afterMs, 1), TIMER_MS_MAX)
    this.#timer = setTimeout(() => void this.#keepAlive(), waitMs).unref()
  }

  /** A vault that is away is asked again, until the token has ended; then whoever needs one is told. */
  async #keepAlive(): Promise<void> {
    try {
      await this.#renew()
    } catch {
      const leftMs = (this.#held?.endsMs ?? 0) - this.#options.now()
      if (leftMs > 0) this.#plan(Math.max(leftMs * (1 - RENEW_AT), RENEW_AGAIN_MS_MIN))
    }
  }
}
