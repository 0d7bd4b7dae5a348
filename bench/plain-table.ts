// The plain DDL that makes a table as rowhouse.protect() leaves it, without calling it: what a rollout of a new table asks of
// Postgres in the end. Read from a protected table, so that it cannot lag behind what protect does; that both are alike is
// looked at afterwards.
import type { Client } from 'pg'

export interface Place {
  readonly schema: string
  readonly login: string
  readonly organizationId: string
}

/** Gives the statements for a table of this name, in a place. */
export async function plainTable(
  client: Client,
  places: readonly Place[],
  example: string,
): Promise<(name: string) => (place: Place) => string> {
  const [from] = places as [Place]
  const { rows } = await client.query<{ statement: string }>(STATEMENTS, [from.schema, example])
  const template = rows.map(({ statement }) => statement).join(';\n')
  // The table's name as a word: constraints and the key are named after it.
  return (name) => {
    const named = template.replaceAll(new RegExp(`(?<![a-z])${example}(?![a-z])`, 'g'), name)
    return ({ schema, login, organizationId }) =>
      named
        .replaceAll(from.schema, schema)
        .replaceAll(from.login, login)
        .replaceAll(from.organizationId, organizationId)
  }
}

/** @throws Error where the structure of the table that was made plainly is another than that of the protected one */
export async function refuseDifferentTables(
  client: Client,
  places: readonly Place[],
  one: string,
  other: string,
): Promise<void> {
  const [place] = places as [Place]
  const linesOf = async (name: string): Promise<string> => {
    const { rows } = await client.query<{ line: string }>(
      `select line from rowhouse.structure($1, $2) where object = $3 and line !~ '^column ' order by 1`,
      [place.schema, place.login, name],
    )
    return rows
      .map(({ line }) => line.replaceAll(name, 'it'))
      .toSorted()
      .join('\n')
  }
  const [made, wanted] = [await linesOf(other), await linesOf(one)]
  if (made !== wanted) throw new Error(`The plain table differs from a protected one:\n${made}\n---\n${wanted}`)
}

/** One statement a row; the table is qualified, as Postgres writes it back. */
const STATEMENTS = `
with it as (
  select c.oid, c.relname as name, format('%I.%I', n.nspname, c.relname) as whole, c.relacl
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2
)
select format('create table %s (%s)', it.whole, (
  select string_agg(part, ', ' order by rank, position) from (
    select 1 as rank, a.attnum::int as position, format('%I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
      ' default ' || pg_get_expr(d.adbin, d.adrelid), case when a.attnotnull then ' not null' else '' end) as part
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = it.oid and a.attnum > 0 and not a.attisdropped and a.attname in ('organization_id', 'id', 'email', 'body')
    union all
    select 2, k.oid::int, format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid))
    from pg_constraint k where k.conrelid = it.oid and k.contype <> 'n'
  ) parts)) as statement
from it
union all
select format('create policy %I on %s as %s for %s to public%s%s', p.policyname, it.whole, p.permissive, p.cmd,
  ' using (' || p.qual || ')', ' with check (' || p.with_check || ')')
from it join pg_policies p on p.schemaname = $1 and p.tablename = $2
union all
select pg_get_triggerdef(g.oid) from it join pg_trigger g on g.tgrelid = it.oid and not g.tgisinternal
union all
select format('alter table %s %s, enable row level security, force row level security', it.whole, (
  select string_agg(format('enable always trigger %I', g.tgname), ', ') from pg_trigger g
  where g.tgrelid = it.oid and not g.tgisinternal and g.tgenabled = 'A'))
from it
union all
select format('grant %s on %s to %s', string_agg(a.privilege_type, ', '), it.whole, quote_ident(pg_get_userbyid(a.grantee)))
from it cross join lateral aclexplode(it.relacl) a
where pg_get_userbyid(a.grantee) not in ('rowhouse_owner')
group by it.whole, a.grantee
union all
select format('alter table %s owner to rowhouse_owner', it.whole) from it
`
