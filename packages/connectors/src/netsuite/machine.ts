// Machine-to-machine logins: a signed assertion instead of a person's consent. Such a connection has the private key
// as its client secret, and its refresh token names the certificate and the account: `certificate:<id>@<account>`.
// So nothing of it is stored elsewhere or otherwise than any connection's secrets.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162790605110.html
import { constants, createPrivateKey, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { OAuthApp } from '../kit/connector.ts'

export interface Machine {
  readonly certificate: string
  readonly account: string
}

/** NetSuite takes an hour at most; the assertion is used at once. */
const lifetimeSeconds = 300

/** The machine that a refresh token names; null for a token of a person's consent. */
export function machineOf(refreshToken: string): Machine | null {
  const [, certificate, account] = /^certificate:([\w-]{1,200})@([A-Za-z0-9_-]{1,60})$/.exec(refreshToken.trim()) ?? []
  return certificate === undefined || account === undefined ? null : { certificate, account }
}

/** The assertion; null when the secret is no private key that NetSuite takes. */
export function signAssertion(
  { certificate }: Machine,
  app: OAuthApp,
  audience: string,
  scopes: readonly string[],
  nowMs: number,
): string | null {
  const key = privateKey(app.clientSecret)
  if (key === null) return null
  const isRsa = key.asymmetricKeyType === 'rsa'
  const issuedAt = Math.floor(nowMs / 1000)
  const header = { typ: 'JWT', alg: isRsa ? 'PS256' : 'ES256', kid: certificate }
  const payload = {
    iss: app.clientId,
    scope: scopes,
    aud: audience,
    iat: issuedAt,
    exp: issuedAt + lifetimeSeconds,
  }
  const signed = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const signature = isRsa
    ? sign('sha256', Buffer.from(signed), {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      })
    : sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

function privateKey(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem)
    const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    return key.asymmetricKeyType === 'rsa' || isP256 ? key : null
  } catch {
    return null
  }
}
