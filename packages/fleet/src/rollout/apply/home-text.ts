// What is sent for one home.
import { escapeIdentifier } from 'pg'

/** Names are found in the home and nowhere else; temporary tables come last, so that none stands in for a table. */
export const searchPathOf = (schemaName: string): string => `${escapeIdentifier(schemaName)}, pg_temp`

export const noteOf = ({
  version,
  name,
  checksum,
  overrides,
}: {
  readonly version: string
  readonly name: string
  readonly checksum: string
  readonly overrides: { readonly unprotected_table?: string }
}): { version: string; name: string; checksum: string; allowUnprotected: boolean } => ({
  version,
  name,
  checksum,
  allowUnprotected: overrides.unprotected_table !== undefined,
})
