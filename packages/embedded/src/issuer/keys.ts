// The issuer's signing key and cookie secret: made once, kept in one file readable by its owner only, so
// that tokens stay valid when the issuer starts again.
import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { RowhouseError } from '@rowhouse/contracts'
import { exportJWK, generateKeyPair } from 'jose'
import type { JWK } from 'jose'

export const algorithm = 'RS256'

export interface IssuerKeys {
  /** Private. Its public half is what the JWKS shows. */
  readonly signingKey: JWK & { readonly kid: string; readonly kty: string }
  readonly cookieSecret: string
}

/** Throws `invalid_option` for a file that is not one of these; it is not replaced. */
export async function openKeys(file: string): Promise<IssuerKeys> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw unreadable(file, error)
  })
  if (text !== undefined) return parse(file, text)
  const keys = await makeKeys()
  await writeFile(`${file}.new`, `${JSON.stringify(keys, undefined, 2)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
  return keys
}

async function makeKeys(): Promise<IssuerKeys> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = await exportJWK(privateKey)
  const kid = randomBytes(8).toString('hex')
  return {
    signingKey: { ...jwk, kty: 'RSA', kid, use: 'sig', alg: algorithm },
    cookieSecret: randomBytes(32).toString('base64url'),
  }
}

function parse(file: string, text: string): IssuerKeys {
  try {
    const keys = JSON.parse(text) as Partial<IssuerKeys>
    if (typeof keys.signingKey?.kid === 'string' && typeof keys.signingKey.d === 'string' && keys.cookieSecret) {
      return { signingKey: keys.signingKey, cookieSecret: keys.cookieSecret }
    }
  } catch (cause) {
    throw unreadable(file, cause)
  }
  throw unreadable(file, undefined)
}

function unreadable(file: string, cause: unknown): RowhouseError {
  return new RowhouseError('invalid_option', `The issuer's keys in ${file} cannot be read.`, {
    hint: 'Restore the file, or remove it: a new key is made and everybody signs in again.',
    ...(cause !== undefined && { cause }),
  })
}
