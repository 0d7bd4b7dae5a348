// The signed JWT of machine-to-machine logins: read, checked against the certificate the app registered.
// Owns the algorithms NetSuite takes (never RS256) and the bounds of its times.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162790605110.html
import { textOf } from '../http/text.ts'
import { constants, createPublicKey, verify } from 'node:crypto'
import type { RegisteredApp } from '../oauth/accounts.ts'

const lifetimeMaxSeconds = 3600
const skewSeconds = 60

export interface Assertion {
  readonly issuer: string
  readonly scopes: readonly string[]
}

interface Parts {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Readonly<Record<string, unknown>>
  readonly signed: string
  readonly signature: Buffer
}

/** The client id an assertion claims, before anything is checked. */
export function claimedIssuer(text: string): string {
  return textOf(split(text)?.payload['iss'])
}

/** The assertion, if it is signed by a certificate of the app, for this audience, and neither old nor early. */
export function checkAssertion(
  text: string,
  app: RegisteredApp,
  audience: (aud: string) => boolean,
  now: number,
): Assertion | undefined {
  const parts = split(text)
  if (!parts) return undefined
  const { header, payload, signed, signature } = parts
  const match = /^(PS|ES)(256|384|512)$/.exec(String(header['alg']))
  const certificate = app.certificates.find(({ id }) => id === header['kid'])
  if (!match || !certificate) return undefined
  const key = createPublicKey(certificate.publicKey)
  const isSigned =
    match[1] === 'PS'
      ? verify(
          `sha${match[2]!}`,
          Buffer.from(signed),
          { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
          signature,
        )
      : key.asymmetricKeyType === 'ec' &&
        verify(`sha${match[2]!}`, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }, signature)
  if (!isSigned || payload['iss'] !== app.clientId || !audience(String(payload['aud']))) return undefined
  const [issuedAt, expiresAt, seconds] = [Number(payload['iat']), Number(payload['exp']), now / 1000]
  if (!(expiresAt > seconds && expiresAt - issuedAt <= lifetimeMaxSeconds && issuedAt <= seconds + skewSeconds))
    return undefined
  const scope = payload['scope']
  return {
    issuer: app.clientId,
    scopes: (Array.isArray(scope) ? scope : textOf(scope).split(/[\s,]+/)).map(String).filter((part) => part !== ''),
  }
}

function split(text: string): Parts | undefined {
  const [header = '', payload = '', signature = '', ...rest] = text.split('.')
  if (rest.length > 0 || signature === '') return undefined
  try {
    return {
      header: JSON.parse(Buffer.from(header, 'base64url').toString()) as Parts['header'],
      payload: JSON.parse(Buffer.from(payload, 'base64url').toString()) as Parts['payload'],
      signed: `${header}.${payload}`,
      signature: Buffer.from(signature, 'base64url'),
    }
  } catch {
    return undefined
  }
}
