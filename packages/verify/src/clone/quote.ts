// The one place that puts an identifier or a literal into a statement. Values are bind parameters wherever Postgres
// takes them; it takes none in DDL.
import { escapeIdentifier, escapeLiteral } from 'pg'

/** `Weird "name"` → `"Weird ""name"""`. */
export const ident = (name: string): string => escapeIdentifier(name)

/** `it's` → `'it''s'`. */
export const literal = (text: string): string => escapeLiteral(text)

/** `('public', 'contacts')` → `"public"."contacts"`. */
export const qualified = (schema: string, name: string): string => `${ident(schema)}.${ident(name)}`
