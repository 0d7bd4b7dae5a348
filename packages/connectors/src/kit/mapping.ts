// How a connector writes down the mapping that a connection starts with, and what its objects refer to. Owns the shapes;
// which column goes with which field is each connector's fact.
import type { ObjectDescription, ObjectMapping } from './description.ts'

/** References that are named like the objects they lead to. */
export const referencesTo = (...objects: readonly string[]): ObjectDescription['references'] =>
  objects.map((object) => ({ name: object, object }))

/** By our column: the provider's field, or the reference. */
export type ByColumn = Readonly<Record<string, string>>

/**
 * An object of a default mapping.
 *
 * @example
 * mappingOf('contact', 'contacts', { email: 'email' }, { company_id: 'company' }, { matchBy: ['email'] })
 */
export function mappingOf(
  object: string,
  table: string,
  fields: ByColumn,
  references: ByColumn,
  { matchBy = [], optional }: { readonly matchBy?: readonly string[]; readonly optional?: boolean } = {},
): ObjectMapping {
  return {
    object,
    table,
    fields: Object.entries(fields).map(([column, field]) => ({ column, field })),
    references: Object.entries(references).map(([column, reference]) => ({ column, reference })),
    ...(optional === undefined ? {} : { optional }),
    matchBy,
  }
}
