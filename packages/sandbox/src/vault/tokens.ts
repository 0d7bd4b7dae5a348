// Tokens that live, are renewed up to an end that no renewal moves, and are revoked; and the AppRoles that give them.
import { randomBytes, randomUUID } from 'node:crypto'
import type { Policy } from './policies.ts'

export interface VaultToken {
  readonly token: string
  readonly accessor: string
  readonly policies: readonly string[]
  readonly renewable: boolean
  readonly createdMs: number
  /** Each renewal gives this much again. Null: it does not end. */
  readonly ttlMs: number | null
  readonly maxTtlMs: number | null
  endsMs: number | null
  readonly path: string
}

export interface TokenInput {
  readonly policies?: readonly string[]
  /** @default it does not end */
  readonly ttlMs?: number | null
  /** No renewal goes beyond it. @default none */
  readonly maxTtlMs?: number | null
  /** @default true */
  readonly renewable?: boolean
}

export interface AppRole extends TokenInput {
  readonly roleId: string
  /** Each with the logins that are left; null: any number. */
  readonly secretIds: Map<string, number | null>
}

export class Tokens {
  readonly policies = new Map<string, Policy>()
  readonly roles = new Map<string, AppRole>()
  readonly #tokens = new Map<string, VaultToken>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  create(input: TokenInput, path = 'auth/token/create'): VaultToken {
    const { policies = [], ttlMs = null, maxTtlMs = null, renewable = true } = input
    const createdMs = this.#now()
    const token: VaultToken = {
      token: `hvs.${randomBytes(24).toString('base64url')}`,
      accessor: randomBytes(12).toString('base64url'),
      policies: ['default', ...policies].filter((name) => !policies.includes('root') || name === 'root'),
      renewable: renewable && ttlMs !== null,
      createdMs,
      ttlMs,
      maxTtlMs,
      endsMs: ttlMs === null ? null : createdMs + Math.min(ttlMs, maxTtlMs ?? ttlMs),
      path,
    }
    this.#tokens.set(token.token, token)
    return token
  }

  find(token: string | undefined): VaultToken | undefined {
    const found = this.#tokens.get(token ?? '')
    return found !== undefined && (found.endsMs === null || found.endsMs > this.#now()) ? found : undefined
  }

  renew(token: VaultToken): void {
    if (token.ttlMs === null) return
    const end = token.maxTtlMs === null ? Number.POSITIVE_INFINITY : token.createdMs + token.maxTtlMs
    token.endsMs = Math.min(this.#now() + token.ttlMs, end)
  }

  revoke(token: string): void {
    this.#tokens.delete(token)
  }

  revokeAll(): void {
    for (const [name, { policies }] of this.#tokens) if (!policies.includes('root')) this.#tokens.delete(name)
  }

  createRole(name: string, input: TokenInput): AppRole {
    const role = { ...input, roleId: this.roles.get(name)?.roleId ?? randomUUID(), secretIds: new Map() }
    this.roles.set(name, role)
    return role
  }

  addSecretId(name: string, uses: number | null = null): string | null {
    const secretId = randomUUID()
    const role = this.roles.get(name)
    role?.secretIds.set(secretId, uses)
    return role === undefined ? null : secretId
  }

  /** Null: the ids do not fit. */
  login(roleId: string, secretId: string): VaultToken | null {
    const [name, role] = [...this.roles].find(([, one]) => one.roleId === roleId) ?? []
    if (role === undefined || !role.secretIds.has(secretId)) return null
    const left = role.secretIds.get(secretId) as number | null
    if (left === 1) role.secretIds.delete(secretId)
    else if (left !== null) role.secretIds.set(secretId, left - 1)
    return this.create(role, `auth/approle/login (${name ?? ''})`)
  }
}

/** Seconds that are left, rounded up as Vault shows them; 0 for what does not end. */
export const secondsLeft = ({ endsMs }: VaultToken, nowMs: number): number =>
  endsMs === null ? 0 : Math.ceil((endsMs - nowMs) / 1000)
