// What Postgres gives to PUBLIC that one tenant could use on another: messages through large objects, temp tables
// that shadow names, ending another's backend, holding another's lock, or seeing its key. It belongs to the database, and a clone
// loses part of it, so every install applies it again. Who migrates keeps all of it: Prisma Migrate, Flyway and Rails
// take pg_advisory_lock as rowhouse_migrator or as the owner of the database.
import type { ClientBase } from 'pg'

import { installHardening } from '../generated/queries.ts'

/** Runs inside the install transaction, as the admin. Functions of pg_catalog need a superuser; see findings(). */
export async function hardenDatabase(client: ClientBase, isSuperuser: boolean): Promise<void> {
  await client.query(installHardening)
  if (isSuperuser) await guardFunctions(client)
}

/** Takes the dangerous functions from PUBLIC; rowhouse_control keeps what lifecycle work needs of them. */
async function guardFunctions(client: ClientBase): Promise<void> {
  await client.query(
    `do $$
     declare
       keeper name;
       keepers name[] := array['rowhouse_owner', 'rowhouse_migrator', 'rowhouse_control',
         (select pg_get_userbyid(d.datdba) from pg_database d where d.datname = current_database())];
       guarded regprocedure;
     begin
       for guarded in select f from rowhouse.dangerous_functions() f loop
         if has_function_privilege('public', guarded::oid, 'execute') then
           execute format('revoke execute on function %s from public', guarded);
         end if;
         foreach keeper in array keepers loop
           continue when keeper = 'rowhouse_control' and guarded::text ~ '^lo';
           if not has_function_privilege(keeper, guarded::oid, 'execute') then
             execute format('grant execute on function %s to %I', guarded, keeper);
           end if;
         end loop;
         -- Behind the view pg_locks, which monitoring reads.
         if guarded::text = 'pg_lock_status()' then
           grant execute on function pg_catalog.pg_lock_status() to pg_monitor;
         end if;
       end loop;
     end $$`,
  )
}
