// How many rows an organization has, without reading them: Postgres' own statistics say how many rows a table has and how
// often each organization is among them. Where a table was never analyzed its rows are counted up to a bound, over the index
// that begins with the organization.
import type { ClientBase } from 'pg'

/** A table without statistics is read no further than this. */
export const COUNTED_MAX = 10_000
/** Tables without statistics that are looked at. */
const UNKNOWN_MAX = 50
const STATEMENT_TIMEOUT_MS = 2_000

export interface RowCount {
  readonly rows: number
  /** Tables by how they were known. */
  readonly estimated: number
  readonly counted: number
  /** Tables that hold at least as many as were counted, or were not looked at. */
  readonly cut: number
  /** Tables of the organization, largest first by their estimate, as SQL names them. */
  readonly tables: readonly string[]
}

interface TableRow {
  readonly name: string
  readonly known: boolean
  readonly rows: number
}

// Leaves of partitioned tables each for itself: the parent's own reltuples is -1 until somebody analyzes it. An organization
// that is among the most common has its share of the rows; one that is not has what they leave, divided by the others.
const TABLES = `
select format('%I.%I', n.nspname, c.relname) as name, c.reltuples >= 0 and s.n_distinct is not null as known,
  coalesce(greatest(c.reltuples, 0) * case
    when s.n_distinct is null then 0
    when s.share is not null then s.share
    else least(
      coalesce(s.rarest, 1),
      greatest(0, 1 - coalesce(s.listed_share, 0))
        / greatest(1, case when s.n_distinct < 0 then -s.n_distinct * greatest(c.reltuples, 1) else s.n_distinct end - coalesce(s.listed, 0))
    ) * (case when coalesce(s.listed, 0) >= s.n_distinct and s.n_distinct > 0 then 0 else 1 end)
  end, 0)::float8 as rows
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join lateral (
  select t.n_distinct, cardinality(t.most_common_freqs) as listed,
    (select sum(f) from unnest(t.most_common_freqs) f) as listed_share,
    (select min(f) from unnest(t.most_common_freqs) f) as rarest,
    t.most_common_freqs[array_position(t.most_common_vals::text::uuid[], $1::uuid)] as share
  from pg_stats t
  where t.schemaname = n.nspname and t.tablename = c.relname and t.attname = 'organization_id' and not t.inherited
) s on true
where c.relkind = 'r' and n.nspname not in ('rowhouse', 'rowhouse_home')
  and rowhouse.is_protected(case when c.relispartition then pg_partition_root(c.oid) else c.oid::regclass end)
  and case when $2::name is null
    then not exists (select from rowhouse.tenant_schemas h where h.name = n.nspname and h.login is not null)
    else n.nspname = $2 end
order by rows desc, name`

/**
 * @param client as rowhouse_migrator, whom row security does not hold: statistics of a table that it holds are hidden
 * @param schemaName of a home of one organization; null: the tables that organizations share
 */
export async function countRows(
  client: ClientBase,
  organizationId: string,
  schemaName: string | null,
): Promise<RowCount> {
  await client.query('begin read only')
  try {
    await client.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`)
    await client.query('set local row_security = off')
    const { rows: tables } = await client.query<TableRow>(TABLES, [organizationId, schemaName])
    let rows = tables.reduce((sum, table) => sum + table.rows, 0)
    const unknown = tables.filter(({ known }) => !known)
    const looked = unknown.slice(0, UNKNOWN_MAX)
    let cut = unknown.length - looked.length
    for (const { name } of looked) {
      const counted = await client.query<{ count: number }>(
        `select count(*)::int as count from (select from ${name} where organization_id = $1 limit $2) t`,
        [organizationId, COUNTED_MAX],
      )
      const count = counted.rows[0]?.count ?? 0
      rows += count
      if (count >= COUNTED_MAX) cut += 1
    }
    return {
      rows: Math.round(rows),
      estimated: tables.length - unknown.length,
      counted: looked.length,
      cut,
      tables: tables.map(({ name }) => name),
    }
  } finally {
    await client.query('rollback')
  }
}
