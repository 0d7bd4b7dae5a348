// What one login has in another's home. Row security would hide the rows all the same, so no answer differs; but it is the
// second lock, and a home is promised the first: nobody else has any privilege there, now or on the next table.
import type { Client } from 'pg'

import type { OwnHome, OwnHomes } from '../../model/own-homes.ts'
import type { GateFinding } from '../gate.ts'
import { ident, literal } from '../quoting.ts'
import { attackRules } from '../rules.ts'

/** Whom organizations share, where those roles are. */
const SHARED = ['rowhouse_app', 'authenticator', 'anon', 'authenticated']
const OBJECTS_SHOWN = 5

/** As whoever asks, everything in the schema that it has a privilege on; a line for a person, and SQL that shows it. */
const reachSql = (schema: string): string => {
  const namespace = `(select n.oid from pg_catalog.pg_namespace n where n.nspname = ${literal(schema)})`
  return `select what || E'\\n' || shown from (
    select 0 as rank, 'schema ' || n.nspname as what,
      format('select pg_catalog.has_schema_privilege(%L, ''usage, create'')', n.nspname) as shown
    from pg_catalog.pg_namespace n where n.oid = ${namespace} and pg_catalog.has_schema_privilege(n.oid, 'usage, create')
    union all
    select 1, 'table ' || c.oid::pg_catalog.regclass,
      format('select pg_catalog.has_any_column_privilege(%L, ''select, insert, update, references'')', c.oid::pg_catalog.regclass)
    from pg_catalog.pg_class c where c.relnamespace = ${namespace} and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and (pg_catalog.has_any_column_privilege(c.oid, 'select, insert, update, references')
        or pg_catalog.has_table_privilege(c.oid, 'delete, truncate, trigger'))
    union all
    select 2, 'sequence ' || c.oid::pg_catalog.regclass,
      format('select pg_catalog.has_sequence_privilege(%L, ''usage, select, update'')', c.oid::pg_catalog.regclass)
    from pg_catalog.pg_class c where c.relnamespace = ${namespace} and case when c.relkind = 'S' then pg_catalog.has_sequence_privilege(c.oid, 'usage, select, update') else false end
    union all
    select 3, 'function ' || p.oid::pg_catalog.regprocedure,
      format('select pg_catalog.has_function_privilege(%L, ''execute'')', p.oid::pg_catalog.regprocedure)
    from pg_catalog.pg_proc p where p.pronamespace = ${namespace} and pg_catalog.has_function_privilege(p.oid, 'execute')
      and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
  ) reach order by rank, what`
}

/** @param admin of a scratch world */
export async function tryBorders(
  admin: Client,
  { a, b, alone }: OwnHomes,
): Promise<{ findings: readonly GateFinding[]; trials: number }> {
  const findings: GateFinding[] = []
  let trials = 0
  const { rows } = await admin.query<{ name: string }>(
    'select rolname::text as name from pg_catalog.pg_roles where rolname = any ($1) order by 1',
    [SHARED],
  )
  const shared = rows.map(({ name }) => name)
  const homes = b === null ? [a] : [a, b]
  for (const home of homes) {
    const others = homes.filter(({ login }) => login !== home.login).map(({ login }) => login)
    for (const login of [...others, ...shared]) {
      const found: string[] = []
      for (const question of questions(home, login, alone)) {
        trials += 1
        found.push(...(await ask(admin, question)))
      }
      const [first] = found
      if (first === undefined) continue
      const names = found.map((line) => line.split('\n')[0] as string)
      findings.push({
        rule: attackRules.homeReached,
        object: `role ${login} in home ${home.schema}`,
        seen: `It has ${names.slice(0, OBJECTS_SHOWN).join(', ')}${names.length > OBJECTS_SHOWN ? ` and ${names.length - OBJECTS_SHOWN} more` : ''}.`,
        sql: `begin; set local session authorization ${login}; ${first.split('\n')[1] ?? ''}; rollback`,
      })
    }
  }
  return { findings, trials }
}

/** The catalogue refuses nobody: an error is no answer, and must not look like one. */
async function ask(admin: Client, messages: readonly string[]): Promise<string[]> {
  await admin.query('begin')
  try {
    let rows: Record<string, string>[] = []
    for (const message of messages) rows = (await admin.query<Record<string, string>>(message)).rows
    return rows.map((row) => Object.values(row)[0] as string)
  } finally {
    await admin.query('rollback')
  }
}

/** Lists of messages, each of one transaction that is rolled back; the last one's rows are what the login reaches. */
function questions({ schema, login: owner }: OwnHome, login: string, alone: boolean): string[][] {
  const as = `set local session authorization ${ident(login)}`
  const next = `${ident(schema)}.rowhouse_attack_next`
  return [
    [as, reachSql(schema)],
    [
      as,
      `select 'role ' || r.rolname || E'\\n' || format('select pg_catalog.pg_has_role(%L, ''member'')', r.rolname)
       from pg_catalog.pg_roles r where r.rolname = ${literal(owner)} and pg_catalog.pg_has_role(r.oid, 'member')`,
    ],
    // The next table that a migration makes, by whoever owns the schema.
    ...(alone
      ? []
      : [
          [
            // What the guard refuses to make nobody reaches.
            `do $$ begin
               execute format('set local role %I', (select pg_catalog.pg_get_userbyid(n.nspowner) from pg_catalog.pg_namespace n where n.nspname = ${literal(schema)}));
               create table ${next} (id int);
             exception when others then null;
             end $$`,
            'reset role',
            as,
            `select 'every new table of ' || n.nspname || E'\\n' || 'select pg_catalog.has_any_column_privilege(''<the next table there>'', ''select'')'
             from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = ${literal(schema)}
             where c.relname = 'rowhouse_attack_next' and pg_catalog.has_any_column_privilege(c.oid, 'select, insert, update')`,
          ],
        ]),
  ]
}
