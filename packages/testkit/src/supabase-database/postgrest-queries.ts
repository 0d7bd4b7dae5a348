// The main queries of PostgREST, as its source builds them (src/library/PostgREST/Query: Statements.hs, QueryBuilder.hs,
// SqlFragment.hs), for a table, what is embedded in it, and a payload of one JSON value.

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`
const answer = `pg_catalog.count(_postgrest_t) AS page_total, coalesce(json_agg(_postgrest_t), '[]') AS body,
  nullif(current_setting('response.headers', true), '') AS response_headers,
  nullif(current_setting('response.status', true), '') AS response_status`

export interface Embed {
  /** The name in the answer: organization of organization:organizations(name). */
  readonly as: string
  readonly relation: string
  readonly columns: readonly string[]
  /** Columns that join: of the table, of the embedded relation. */
  readonly on: readonly (readonly [string, string])[]
}

export interface Read {
  readonly columns?: readonly string[]
  readonly embed?: Embed
  /** SQL of the filters; PostgREST writes `eq` as = with an unknown literal. */
  readonly where?: string
}

/** GET /table?select=…  */
export function readQuery(table: string, read: Read = {}): string {
  const from = `"public".${identifier(table)}`
  return `WITH pgrst_source AS ( ${selectOf(from, read)} ) SELECT null::bigint AS total_result_set, ${answer}
    FROM ( SELECT * FROM pgrst_source ) _postgrest_t`
}

function selectOf(from: string, { columns = ['*'], embed, where }: Read): string {
  const own = columns.map((name) => (name === '*' ? `${from}.*` : `${from}.${identifier(name)}`))
  if (embed === undefined) return `SELECT ${own.join(', ')} FROM ${from}${where === undefined ? '' : ` WHERE ${where}`}`
  const [inner, joined] = [identifier(`${embed.relation}_1`), identifier(`embedded_${embed.as}_1`)]
  const wanted = embed.columns.map((name) => `${inner}.${name === '*' ? '*' : identifier(name)}`)
  const conditions = embed.on.map(([own, theirs]) => `${inner}.${identifier(theirs)} = ${from}.${identifier(own)}`)
  return `SELECT ${own.join(', ')}, row_to_json(${joined}.*)::jsonb AS ${identifier(embed.as)} FROM ${from}
    LEFT JOIN LATERAL ( SELECT ${wanted.join(', ')} FROM "public".${identifier(embed.relation)} AS ${inner}
      WHERE ${conditions.join(' AND ')} ) AS ${joined} ON TRUE${where === undefined ? '' : ` WHERE ${where}`}`
}

/** Columns of the payload with their types: {name: 'text'}. */
export type Payload = Readonly<Record<string, string>>

const bodyOf = (payload: Payload): string =>
  `FROM (SELECT $1::json AS json_data) pgrst_payload, LATERAL (SELECT ${Object.keys(payload).map(identifier).join(', ')}
    FROM json_to_recordset(CASE WHEN json_typeof(pgrst_payload.json_data) = 'array' THEN pgrst_payload.json_data
      ELSE json_build_array(pgrst_payload.json_data) END)
    AS _(${Object.entries(payload)
      .map(([name, type]) => `${identifier(name)} ${type}`)
      .join(', ')})) pgrst_body`
const written = (table: string, statement: string): string =>
  `WITH pgrst_source AS (${statement} RETURNING "public".${identifier(table)}.*) SELECT '' AS total_result_set, ${answer}
    FROM (SELECT "pgrst_source".* FROM "pgrst_source") _postgrest_t`

/** POST /table; with `onConflict`, the columns of `Prefer: resolution=merge-duplicates`. $1 is the JSON. */
export function insertQuery(table: string, payload: Payload, onConflict?: readonly string[]): string {
  const columns = Object.keys(payload)
  const merge =
    onConflict === undefined
      ? ''
      : ` ON CONFLICT(${onConflict.map(identifier).join(', ')}) DO UPDATE SET ${columns
          .map((name) => `${identifier(name)} = EXCLUDED.${identifier(name)}`)
          .join(', ')}`
  return written(
    table,
    `INSERT INTO "public".${identifier(table)}(${columns.map(identifier).join(', ')})
      SELECT ${columns.map((name) => `pgrst_body.${identifier(name)}`).join(', ')} ${bodyOf(payload)}${merge}`,
  )
}

/** PATCH /table?where. $1 is the JSON. */
export function updateQuery(table: string, payload: Payload, where: string): string {
  const sets = Object.keys(payload).map((name) => `${identifier(name)} = pgrst_body.${identifier(name)}`)
  return written(table, `UPDATE "public".${identifier(table)} SET ${sets.join(', ')} ${bodyOf(payload)} WHERE ${where}`)
}

/** DELETE /table?where. */
export function deleteQuery(table: string, where: string): string {
  return written(table, `DELETE FROM "public".${identifier(table)} WHERE ${where}`)
}

/**
 * The many-to-one relations PostgREST would embed by, from what its SchemaCache reads: foreign keys of every schema, and
 * the columns that views of the exposed schema take from the tables of such a key (pg_rewrite: resorigtbl, resorigcol).
 * Rows: source, target, columns as [[own, theirs], …].
 */
export const relationshipsQuery = `
with view_columns as (
  select c.relname as view, entry[1]::int as position, entry[2]::oid as origin, entry[3]::smallint as origin_column
  from pg_class c
  join pg_rewrite r on r.ev_class = c.oid
  cross join lateral regexp_matches(r.ev_action::text,
    ':resno (\\d+) :resname \\S+ :ressortgroupref \\d+ :resorigtbl (\\d+) :resorigcol (\\d+)', 'g') as entry
  where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace
),
keys as (
  select k.oid, k.conrelid, k.confrelid, k.conkey, k.confkey from pg_constraint k where k.contype = 'f' and k.conparentid = 0
),
-- A side of a key by its names in the exposed schema: the table itself, or a view that has all of its columns.
sides as (
  select k.oid, s.is_source, c.relname as relation,
    array(select a.attname::text from unnest(s.columns) with ordinality u (n, i)
      join pg_attribute a on a.attrelid = s.relid and a.attnum = u.n order by u.i) as columns
  from keys k
  cross join lateral (values (true, k.conrelid, k.conkey), (false, k.confrelid, k.confkey)) s (is_source, relid, columns)
  join pg_class c on c.oid = s.relid and c.relnamespace = 'public'::regnamespace
  union all
  select k.oid, s.is_source, v.view, array_agg(a.attname::text order by u.i)
  from keys k
  cross join lateral (values (true, k.conrelid, k.conkey), (false, k.confrelid, k.confkey)) s (is_source, relid, columns)
  cross join lateral unnest(s.columns) with ordinality u (n, i)
  join view_columns v on v.origin = s.relid and v.origin_column = u.n
  join pg_attribute a on a.attrelid = ('public.' || quote_ident(v.view))::regclass and a.attnum = v.position
  group by k.oid, s.is_source, v.view, s.columns
  having count(*) = cardinality(s.columns)
)
select source.relation as source, target.relation as target, to_json(source.columns) as own, to_json(target.columns) as theirs
from sides source
join sides target on target.oid = source.oid and source.is_source and not target.is_source
order by 1, 2`
