// The columns of tables as they are here. The only place that reads the database's catalogue for a mapping.
import type { Organization } from 'rowhouse'

export interface ColumnRow {
  readonly table_schema: string
  readonly table_name: string
  readonly column_name: string
  /** As Postgres formats it. */
  readonly type: string
}

const COLUMNS = `
select n.nspname as table_schema, c.relname as table_name, a.attname as column_name,
  pg_catalog.format_type(a.atttypid, null) as type
from pg_catalog.unnest($1::text[]) as wanted(name)
join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident(wanted.name))
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p')`

/** Columns of these tables, in no order; a table that does not exist has none. */
export async function readColumns(organization: Organization, tables: readonly string[]): Promise<ColumnRow[]> {
  const { rows } = await organization.query<ColumnRow>(COLUMNS, [tables])
  return rows
}
