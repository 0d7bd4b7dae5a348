// What is sent for one home.
import { escapeIdentifier } from 'pg'

/** Names are found in the home and nowhere else; temporary tables come last, so that none stands in for a table. */
export const searchPathOf = (schemaName: string): string => `${escapeIdentifier(schemaName)}, pg_temp`

export const noteOf = ({
  version,
  name,
  checksum,
  settles,
  overrides,
}: {
  readonly version: string
  readonly name: string
  readonly checksum: string
  readonly settles: boolean
  readonly overrides: { readonly unprotected_table?: string; readonly definer_function?: string }
}): {
  version: string
  name: string
  checksum: string
  settles: boolean
  allowUnprotected: boolean
  allowDefiner: boolean
} => ({
  version,
  name,
  checksum,
  settles,
  allowUnprotected: overrides.unprotected_table !== undefined,
  allowDefiner: overrides.definer_function !== undefined,
})
