// Functions and procedures, and triggers by the function they run: a trigger function is attacked by hanging it on a
// temporary table.
import type { Client } from 'pg'

export interface Argument {
  readonly name: string
  readonly type: string
  readonly category: string
}

export interface CallableFunction {
  /** In world 0. */
  readonly oid: string
  readonly schema: string
  readonly name: string
  /** `public.f(uuid,text)`, without the names of arguments, as the rules write it. */
  readonly signature: string
  readonly isProcedure: boolean
  readonly isAggregate: boolean
  readonly returnsSet: boolean
  readonly isDefiner: boolean
  readonly arguments: readonly Argument[]
  readonly source: string
  /** Whether it says itself where it looks for what it names. */
  readonly isPinned: boolean
  /** Relations with a policy that asks it. */
  readonly guards: readonly string[]
}

export interface TriggerFunction {
  readonly oid: string
  readonly schema: string
  readonly name: string
  readonly isDefiner: boolean
  readonly source: string
  /** Where it hangs: the table and the arguments as the trigger names them. */
  readonly uses: readonly { readonly relation: string; readonly arguments: readonly string[] }[]
}

const own = `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')`

export async function readFunctions(
  client: Client,
): Promise<{ functions: CallableFunction[]; triggerFunctions: TriggerFunction[] }> {
  const functions = await client.query<CallableFunction>(
    `select p.oid::text, n.nspname as schema, p.proname as name,
       n.nspname || '.' || p.proname || '(' || array_to_string(array(
         select format_type(u.type, null) from unnest(p.proargtypes::oid[]) with ordinality u (type, position) order by u.position), ',') || ')' as signature,
       p.prokind = 'p' as "isProcedure", p.prokind = 'a' as "isAggregate", p.proretset as "returnsSet", p.prosecdef as "isDefiner",
       p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '') as source,
       exists (select from unnest(p.proconfig) s where s like 'search_path=%') as "isPinned",
       coalesce((
         select json_agg(distinct tn.nspname || '.' || tc.relname)
         from pg_depend d join pg_policy y on y.oid = d.objid join pg_class tc on tc.oid = y.polrelid join pg_namespace tn on tn.oid = tc.relnamespace
         where d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid
       ), '[]') as guards,
       coalesce((
         select json_agg(json_build_object('name', coalesce(p.proargnames[u.position], ''), 'type', format_type(t.oid, null),
           'category', coalesce(b.typcategory, t.typcategory)) order by u.position)
         from unnest(p.proargtypes::oid[]) with ordinality u (type, position)
         join pg_type t on t.oid = u.type left join pg_type b on b.oid = nullif(t.typbasetype, 0)
       ), '[]') as arguments
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where (p.prokind in ('f', 'p') or exists (select from pg_aggregate a where a.aggfnoid = p.oid and a.aggkind = 'n'))
       and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype) and ${own}
     order by 3`,
  )
  const triggerFunctions = await client.query<TriggerFunction>(
    `select p.oid::text, n.nspname as schema, p.proname as name, p.prosecdef as "isDefiner", p.prosrc as source,
       coalesce((
         select json_agg(json_build_object('relation', tn.nspname || '.' || tc.relname,
           'arguments', (string_to_array(encode(t.tgargs, 'escape'), '\\000'))[1:t.tgnargs]) order by tn.nspname, tc.relname)
         from pg_trigger t join pg_class tc on tc.oid = t.tgrelid join pg_namespace tn on tn.oid = tc.relnamespace
         where t.tgfoid = p.oid and not t.tgisinternal and t.tgtype & 28 > 0
       ), '[]') as uses
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where p.prorettype = 'trigger'::regtype and ${own}
     order by 1, 2`,
  )
  return { functions: functions.rows, triggerFunctions: triggerFunctions.rows }
}
