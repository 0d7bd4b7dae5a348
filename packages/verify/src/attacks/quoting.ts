// The one place where names and values become SQL text. Probes carry their values in the text and not as parameters:
// what is reported has to run as it stands, pasted into psql, and a probe may be several statements.
import { escapeIdentifier, escapeLiteral } from 'pg'

export const ident = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) && !reserved.has(name) ? name : escapeIdentifier(name)

export const qualified = (schema: string, name: string): string => `${ident(schema)}.${ident(name)}`

export const literal = (value: string | null): string => (value === null ? 'null' : escapeLiteral(value))

/** Words that Postgres reserves, as `select word from pg_get_keywords() where catcode in ('R', 'T')` gives them. */
const reserved = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
  column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
  current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
  from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
  localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
  returning right select session_user similar some symmetric system_user table tablesample then to trailing true union
  unique user using variadic verbose when where window with`.split(/\s+/),
)
