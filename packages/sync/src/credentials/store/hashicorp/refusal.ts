// An answer that is none of those expected, as an error. Vault's texts are told: it never repeats a token or a secret in
// them, and they name the path and what is missing; they are cut all the same, and searched by the test for secrets.
import { RowhouseError } from '@rowhouse/contracts'
import type { VaultAnswer } from './transport.ts'

const TEXT_LENGTH_MAX = 200

export const errorsOf = ({ body }: VaultAnswer): string[] =>
  Array.isArray(body['errors'])
    ? body['errors'].filter((text): text is string => typeof text === 'string').map((text) => text.trim())
    : []

export const isSealed = (answer: VaultAnswer): boolean =>
  answer.status === 503 && errorsOf(answer).some((text) => /sealed/i.test(text))

/** @param doing as in "could not …" */
export function refusalOf(answer: VaultAnswer, doing: string): RowhouseError {
  const { status } = answer
  const details = { store: 'hashicorp_vault', status }
  if (isSealed(answer)) return new RowhouseError('credential_store_sealed', undefined, { details })
  const said = errorsOf(answer).join('; ').slice(0, TEXT_LENGTH_MAX)
  const message = `Rowhouse could not ${doing}: the vault answered ${status}${said === '' ? '' : ` (${said})`}.`
  if (status === 403 || status === 404 || status === 405 || status === 400)
    return new RowhouseError('credential_store_refused', message, { details })
  return new RowhouseError('credential_store_unavailable', message, { details })
}
