// What Postgres gives to PUBLIC that one tenant could use on another: messages through large objects, temp tables
// that shadow names, ending another's backend, holding another's lock. It belongs to the database, and a clone
// loses part of it, so every install applies it again.
import type { ClientBase } from 'pg'

/** Runs inside the install transaction, as the admin. Functions of pg_catalog need a superuser; see findings(). */
export async function hardenDatabase(client: ClientBase, isSuperuser: boolean): Promise<void> {
  await client.query(
    `do $$ begin
       execute format('revoke temporary on database %I from public', current_database());
       execute format('grant connect on database %I to rowhouse_app, rowhouse_control, rowhouse_migrator', current_database());
       execute format('grant temporary on database %I to rowhouse_migrator', current_database());
     end $$`,
  )
  if (isSuperuser) {
    const { rows } = await client.query<{ signature: string }>(
      'select f::text as signature from rowhouse.dangerous_functions() f',
    )
    if (rows.length > 0) {
      const functions = rows.map(({ signature }) => `pg_catalog.${signature}`)
      await client.query(`revoke execute on function ${functions.join(', ')} from public`)
    }
    await client.query(
      `grant execute on function
         pg_catalog.pg_advisory_xact_lock(bigint), pg_catalog.pg_advisory_xact_lock_shared(bigint),
         pg_catalog.pg_try_advisory_xact_lock(bigint), pg_catalog.pg_try_advisory_xact_lock_shared(bigint)
         to rowhouse_owner, rowhouse_control, rowhouse_migrator`,
    )
    await client.query(
      `grant execute on function
         pg_catalog.pg_advisory_lock(bigint), pg_catalog.pg_advisory_unlock(bigint),
         pg_catalog.pg_try_advisory_lock(bigint), pg_catalog.pg_terminate_backend(integer, bigint)
         to rowhouse_control, rowhouse_migrator`,
    )
  }
  await client.query(
    `do $$ begin
       if has_schema_privilege('public', 'create with grant option') or pg_has_role(current_user, 'pg_database_owner', 'usage') then
         grant usage, create on schema public to rowhouse_owner, rowhouse_migrator;
         grant usage on schema public to rowhouse_app, rowhouse_control;
       end if;
     end $$`,
  )
}
