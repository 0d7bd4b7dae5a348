// `rowhouse install` and `rowhouse upgrade`: the SQL layer into a database of the user's own.
import type { Command } from 'commander'
import { RowhouseError } from '@rowhouse/contracts'
import { install, installSql } from '@rowhouse/database'
import type { InstallResult } from '@rowhouse/database'
import { requireUrl } from '../environment.ts'
import { makePrinter } from '../output/printer.ts'
import { requireSigningKey } from '../signing-key.ts'

interface InstallCommandOptions {
  readonly resetLogins?: boolean
  readonly json?: boolean
  readonly sql?: boolean
  readonly from?: string
}

export function defineInstall(command: Command): void {
  command
    .option(
      '--reset-logins',
      'give the logins the passwords of this signing key; programs with another key stop working',
    )
    .option('--sql', 'print the schema as one SQL file without secrets, and touch no database')
    .option('--from <version>', 'with --sql: only what is newer than this schema version')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
ROWHOUSE_URL names the database as a login that may create roles and schemas: a superuser, or the
owner of the database with CREATEROLE. ROWHOUSE_SIGNING_KEY holds at least 32 random characters.

  $ export ROWHOUSE_SIGNING_KEY=$(openssl rand -base64 32)
  $ ROWHOUSE_URL=postgres://postgres:secret@localhost/app rowhouse install

As a migration of Supabase; run install once afterwards, so that the database has its keys:

  $ rowhouse install --sql > supabase/migrations/20260101000000_rowhouse.sql`,
    )
    .action(runInstall)
}

export function defineUpgrade(command: Command): void {
  command.option('--json', 'print JSON').action(runInstall)
}

async function runInstall(options: InstallCommandOptions): Promise<void> {
  if (options.sql === true) {
    process.stdout.write(installSql(options.from === undefined ? {} : { from: Number(options.from) }))
    return
  }
  if (options.from !== undefined) throw new RowhouseError('invalid_option', '--from goes with --sql only.')
  // Of the environment alone: a development stack has installed what it runs on.
  if ((process.env['ROWHOUSE_URL'] ?? '') === '') throw new RowhouseError('url_missing')
  const result = await install({
    adminUrl: requireUrl(process.env),
    signingKey: requireSigningKey(process.env),
    resetLogins: options.resetLogins === true,
  })
  makePrinter(options.json === true).print(result, () => renderInstalled(result))
}

export function renderInstalled(result: InstallResult): string {
  const done =
    result.applied.length === 0
      ? `Rowhouse is up to date: schema version ${result.schemaVersion}.`
      : `Installed schema version ${result.schemaVersion} (${result.applied.length} migrations).`
  return `${done}

Your application connects as rowhouse_app, which row-level security holds:

  ROWHOUSE_URL=${result.urls.app}

Your migrations connect as rowhouse_migrator, and protect a table with one call:

  ${result.urls.migrator}
  select rowhouse.protect('contacts');

Next: rowhouse serve, rowhouse worker, rowhouse org create
`
}
