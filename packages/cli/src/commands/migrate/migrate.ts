// `rowhouse migrate new`: a migration file that protects the table it makes.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { makePrinter } from '../../output/printer.ts'
import { newMigration } from './new-migration.ts'

const SUPABASE = join('supabase', 'migrations')

export function addMigrateCommands(program: Command): void {
  const migrate = program.command('migrate').description('migrations of tables that belong to organizations')
  migrate
    .command('new <name>')
    .description('write a migration that makes a table and protects it in the same transaction')
    .option('--dir <folder>', 'where to write it (default: supabase/migrations where that exists, else migrations)')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { dir?: string; json?: boolean }) => {
      const folder = options.dir ?? (existsSync(SUPABASE) ? SUPABASE : 'migrations')
      const written = await newMigration(folder, name, new Date())
      makePrinter(options.json === true).print(
        written,
        () =>
          `${written.path}\n\nIt makes the table ${written.table}. Run it as rowhouse_migrator, or as postgres on Supabase.\n`,
      )
    })
}
