// The whole SQL layer as one file for somebody else's migration tool, such as supabase/migrations. It holds no secret, so a
// database made from it lets nobody in until `rowhouse install` brings the keys.
import { RowhouseError } from '@rowhouse/contracts'
import { createMigrationsTable, installHardening, installRoles } from '../generated/queries.ts'
import { migrations, schemaVersion } from '../migrations.ts'

export interface InstallSqlOptions {
  /** The schema version that is there already; only what is newer is written. @default 0, nothing is there */
  readonly from?: number
}

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`

/**
 * SQL that a role with CREATEROLE who owns the database (`postgres` on Supabase), or a superuser, can run in one
 * transaction. It needs no transaction control of its own: any tool's will do, or none but all at once.
 *
 * @throws RowhouseError invalid_option for a version that never was
 */
export function installSql({ from = 0 }: InstallSqlOptions = {}): string {
  if (from !== 0 && !migrations.some(({ version }) => version === from)) {
    throw new RowhouseError('invalid_option', `There is no schema version ${from}; the newest is ${schemaVersion}.`)
  }
  const pending = migrations.filter(({ version }) => version > from)
  const records = pending.map(({ version, name, checksum }) => `  (${version}, ${quote(name)}, ${quote(checksum)})`)
  return [
    `-- Rowhouse, schema version ${schemaVersion}${from === 0 ? '' : `, from ${from}`}. Written by: rowhouse install --sql
-- No secret is in here, and until the keys are there every token and every request is refused. Bring them once, with
-- ROWHOUSE_URL and ROWHOUSE_SIGNING_KEY set: rowhouse install
`,
    from === 0 ? installRoles : '',
    checkOf(from),
    from === 0 ? 'create schema if not exists rowhouse authorization rowhouse_owner;\n' : '',
    // Not `reset role` afterwards: the Supabase CLI logs in as one role and sets another before it runs a file.
    `do $$ begin
  perform set_config('rowhouse.installer', current_user, false), set_config('rowhouse.installer_path', current_setting('search_path'), false);
end $$;
set role rowhouse_owner;
set search_path = pg_catalog, pg_temp;
`,
    createMigrationsTable,
    ...pending.map(({ version, name, sql }) => `-- ${version} ${name}\n\n${sql}`),
    records.length === 0
      ? ''
      : `insert into rowhouse.migrations (version, name, checksum) values\n${records.join(',\n')};\n`,
    `do $$ begin
  execute format('set role %I', current_setting('rowhouse.installer'));
  perform set_config('search_path', current_setting('rowhouse.installer_path'), false);
end $$;
`,
    installHardening,
  ]
    .filter((part) => part !== '')
    .join('\n')
}

/** Refuses, before anything is made, a database that is not at the version this file starts from. */
function checkOf(from: number): string {
  return `do $check$
declare
  found int := 0;
begin
  if to_regclass('rowhouse.migrations') is not null then
    execute 'select coalesce(max(m.version), 0) from rowhouse.migrations m' into found;
  end if;
  if found <> ${from} then
    raise exception 'Rowhouse is at schema version % here; this file starts from ${from}.', found
      using errcode = 'RH034', hint = 'Mark the file as applied (supabase migration repair), or write one that starts there: rowhouse install --sql --from ' || found;
  end if;
end
$check$;
`
}
