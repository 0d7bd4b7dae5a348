// What the server is told by its environment: every name read once, checked, resolved and frozen. No
// other file of the server reads the environment. Nothing is opened here, so a refusal leaves nothing
// half started.
import { RowhouseError } from '@rowhouse/contracts'
import { readCredentialConfig } from './credential-config.ts'
import type { CredentialConfig } from './credential-config.ts'
import { httpUrl, key, refuse, text } from './variables.ts'
import type { Environment } from './variables.ts'

export interface ServerConfig extends CredentialConfig {
  /** ROWHOUSE_URL: the catalogue database; the logins are derived, so its user and password may be any. */
  readonly url: string
  /** ROWHOUSE_SIGNING_KEY, ≥ 32 characters: logins, tokens and sessions follow from it. */
  readonly signingKey: string
  /** ROWHOUSE_OPERATOR_KEY, ≥ 32 printable ASCII characters without spaces: signs in as an operator. */
  readonly operatorKey: string
  /** ROWHOUSE_PORT; 0 takes a free one. @default 4100 */
  readonly port: number
  /** ROWHOUSE_HOST: the address listened on. @default 127.0.0.1, so that being reachable is a decision */
  readonly host: string
  /** ROWHOUSE_PUBLIC_URL: how browsers and CRMs reach this server; webhooks are signed over it. @default http://<host>:<port> */
  readonly publicUrl: string | null
  /** ROWHOUSE_ISSUER and what goes with it; null: only operators sign in. */
  readonly issuer: IssuerConfig | null
  /** ROWHOUSE_TRUSTED_PROXIES: addresses or CIDR ranges whose X-Forwarded-For is believed. @default none */
  readonly trustedProxies: readonly string[]
  /** ROWHOUSE_MIGRATIONS: the folder of tenant migrations that operators may roll out over HTTP. @default none: only `rowhouse migrate` does */
  readonly migrations?: string | null
}

export interface IssuerConfig {
  readonly issuer: string
  /** ROWHOUSE_JWKS_URL. @default <issuer>/.well-known/jwks.json */
  readonly jwksUrl: string | null
  /** ROWHOUSE_AUDIENCE: the `aud` of bearer tokens. @default authenticated */
  readonly audience: string | null
  /** ROWHOUSE_CONSOLE_CLIENT_ID: the console's client at the issuer. @default rowhouse-console */
  readonly clientId: string
  /** ROWHOUSE_CONSOLE_CLIENT_SECRET. @default none: a public client with PKCE */
  readonly clientSecret: string | null
}

/**
 * Reads the server's configuration.
 *
 * @throws RowhouseError url_missing, signing_key_missing, signing_key_too_short, encryption_key_missing,
 * encryption_key_too_short, operator_key_missing, operator_key_too_short, invalid_option naming the variable
 */
export function readServerConfig(env: Environment = process.env): ServerConfig {
  const url = text(env, 'ROWHOUSE_URL')
  if (url === null) throw new RowhouseError('url_missing')
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol)) {
    throw refuse('ROWHOUSE_URL', 'a postgres:// URL')
  }
  return Object.freeze({
    url,
    signingKey: key(env, 'ROWHOUSE_SIGNING_KEY', 'signing_key_missing', 'signing_key_too_short'),
    ...readCredentialConfig(env),
    operatorKey: operatorKey(env),
    port: port(env),
    host: text(env, 'ROWHOUSE_HOST') ?? '127.0.0.1',
    publicUrl: httpUrl(env, 'ROWHOUSE_PUBLIC_URL'),
    issuer: issuer(env),
    trustedProxies: Object.freeze(
      (text(env, 'ROWHOUSE_TRUSTED_PROXIES') ?? '')
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== ''),
    ),
    migrations: text(env, 'ROWHOUSE_MIGRATIONS'),
  })
}

function issuer(env: Environment): IssuerConfig | null {
  const issuer = httpUrl(env, 'ROWHOUSE_ISSUER')
  if (issuer === null) return null
  return Object.freeze({
    issuer,
    jwksUrl: httpUrl(env, 'ROWHOUSE_JWKS_URL'),
    audience: text(env, 'ROWHOUSE_AUDIENCE'),
    clientId: text(env, 'ROWHOUSE_CONSOLE_CLIENT_ID') ?? 'rowhouse-console',
    clientSecret: text(env, 'ROWHOUSE_CONSOLE_CLIENT_SECRET'),
  })
}

/** It travels in a header, so it must be what a header can carry. */
function operatorKey(env: Environment): string {
  const value = key(env, 'ROWHOUSE_OPERATOR_KEY', 'operator_key_missing', 'operator_key_too_short')
  if (!/^[\x21-\x7e]+$/.test(value)) throw refuse('ROWHOUSE_OPERATOR_KEY', 'printable ASCII without spaces')
  return value
}

function port(env: Environment): number {
  const value = text(env, 'ROWHOUSE_PORT') ?? '4100'
  if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) throw refuse('ROWHOUSE_PORT', 'a number from 0 to 65535')
  return Number(value)
}
