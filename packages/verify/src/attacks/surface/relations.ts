// Relations with their columns and whatever refuses a row: keys, exclusions, references.
import type { Client } from 'pg'

/** pg_class.relkind: table, partitioned table, view, materialized view, foreign table. */
export type RelationKind = 'r' | 'p' | 'v' | 'm' | 'f'

export interface Column {
  readonly name: string
  /** As format_type() prints it. */
  readonly type: string
  readonly category: string
  readonly notNull: boolean
  readonly hasDefault: boolean
  /** Generated, or an identity that takes no value. */
  readonly isComputed: boolean
}

/** What a second row with the same values breaks. */
export interface Key {
  readonly name: string
  readonly kind: 'primary' | 'unique' | 'exclusion'
  readonly columns: readonly string[]
  /** An index over expressions or a part of the rows: ON CONFLICT cannot name it by its columns. */
  readonly isPlain: boolean
}

export interface Reference {
  readonly name: string
  readonly columns: readonly string[]
  readonly target: string
  readonly targetColumns: readonly string[]
}

export interface Relation {
  readonly schema: string
  readonly name: string
  readonly kind: RelationKind
  readonly isPartition: boolean
  readonly columns: readonly Column[]
  readonly keys: readonly Key[]
  readonly references: readonly Reference[]
  /** The base relations that a view reads, `schema.name`. */
  readonly reads: readonly string[]
  /** Of a partition, or a child by inheritance: what its rows are seen through as well. */
  readonly parents: readonly string[]
  readonly securityInvoker: boolean
  /** The texts of its rules, of a view beside what it reads. */
  readonly rules: string
}

export const nameOf = ({ schema, name }: { schema: string; name: string }): string => `${schema}.${name}`

export const primaryKey = (relation: Relation): readonly string[] =>
  relation.keys.find(({ kind }) => kind === 'primary')?.columns ?? []

export async function readRelations(client: Client): Promise<Relation[]> {
  const { rows } = await client.query<Relation>(
    `select n.nspname as schema, c.relname as name, c.relkind as kind,
       c.relispartition or exists (select from pg_inherits i where i.inhrelid = c.oid) as "isPartition",
       coalesce(c.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1}', false) as "securityInvoker",
       coalesce((
         select json_agg(json_build_object(
             'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
             'category', coalesce(b.typcategory, t.typcategory), 'notNull', a.attnotnull,
             'hasDefault', a.atthasdef or a.attidentity <> '',
             'isComputed', a.attgenerated <> '' or a.attidentity = 'a'
           ) order by a.attnum)
         from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_type b on b.oid = nullif(t.typbasetype, 0)
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       ), '[]') as columns,
       coalesce((
         select json_agg(json_build_object(
             'name', x.relname,
             'kind', case when i.indisprimary then 'primary' when i.indisexclusion then 'exclusion' else 'unique' end,
             -- Over expressions, the columns that these read.
             'columns', case when i.indexprs is not null then (select coalesce(json_agg(distinct a.attname), '[]')
               from pg_depend d join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
               where d.classid = 'pg_class'::regclass and d.objid = x.oid and d.refobjid = c.oid and d.refobjsubid > 0)
             else (select coalesce(json_agg(a.attname order by k.position), '[]')
               from unnest(i.indkey::int2[]) with ordinality k (number, position)
               join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
               where k.position <= i.indnkeyatts) end,
             'isPlain', i.indexprs is null and i.indpred is null and not i.indisexclusion
               and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.condeferrable)
           ) order by x.relname)
         from pg_index i join pg_class x on x.oid = i.indexrelid
         where i.indrelid = c.oid and (i.indisunique or i.indisexclusion) and i.indislive
       ), '[]') as keys,
       coalesce((
         select json_agg(json_build_object(
             'name', k.conname, 'target', tn.nspname || '.' || tc.relname,
             'columns', (select json_agg(a.attname order by u.position) from unnest(k.conkey) with ordinality u (number, position)
               join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number),
             'targetColumns', (select json_agg(a.attname order by u.position) from unnest(k.confkey) with ordinality u (number, position)
               join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.number)
           ) order by k.conname)
         from pg_constraint k join pg_class tc on tc.oid = k.confrelid join pg_namespace tn on tn.oid = tc.relnamespace
         where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0
       ), '[]') as references,
       coalesce((
         select json_agg(tn.nspname || '.' || tc.relname order by i.inhseqno)
         from pg_inherits i join pg_class tc on tc.oid = i.inhparent join pg_namespace tn on tn.oid = tc.relnamespace
         where i.inhrelid = c.oid
       ), '[]') as parents,
       coalesce((
         select json_agg(distinct tn.nspname || '.' || tc.relname)
         from pg_rewrite w
         join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
         join pg_class tc on tc.oid = d.refobjid and tc.oid <> c.oid join pg_namespace tn on tn.oid = tc.relnamespace
         where w.ev_class = c.oid and c.relkind in ('v', 'm')
       ), '[]') as reads,
       coalesce((
         select string_agg(pg_get_ruledef(w.oid), E'\\n') from pg_rewrite w where w.ev_class = c.oid and w.rulename <> '_RETURN'
       ), '') as rules
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f')
       and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
       and not exists (select from pg_depend d
         where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
     order by 1, 2`,
  )
  return rows
}
