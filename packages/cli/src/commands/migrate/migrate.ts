// `rowhouse migrate`: migrations of the tables that belong to organizations, over every home there is.
import type { Command } from 'commander'
import { makePrinter } from '../../output/printer.ts'
import { defaultRolloutPace } from '@rowhouse/fleet'
import { runDrift } from './drift.ts'
import { migrationFolder } from './folder.ts'
import { newMigration } from './new-migration.ts'
import { runPlan } from './plan.ts'
import { runStatus } from './status.ts'
import type { UpOptions } from './up.ts'

const FOLDER = 'the folder of migrations (default: supabase/migrations where that exists, else migrations)'

export function addMigrateCommands(migrate: Command): void {
  migrate
    .command('new <name>')
    .description('write a migration that makes a table and protects it in the same transaction')
    .option('--dir <folder>', FOLDER)
    .option('--json', 'print JSON')
    .action(async (name: string, options: { dir?: string; json?: boolean }) => {
      const written = await newMigration(migrationFolder(options.dir), name, new Date())
      makePrinter(options.json === true).print(
        written,
        () =>
          `${written.path}\n\nIt makes the table ${written.table}. rowhouse migrate up runs it in every home, as rowhouse_migrator.\n`,
      )
    })
  paced(
    migrate
      .command('plan')
      .description('what up would do: migrations, homes, waves, and what speaks against it; changes nothing')
      .option('--dir <folder>', FOLDER)
      .option('--json', 'print JSON'),
  ).action(runPlan)
  paced(
    migrate
      .command('up')
      .description('bring every home to the last migration, in waves; goes on where it was stopped or killed')
      .option('--dir <folder>', FOLDER)
      .option('--yes', 'do not ask before something goes for good')
      .option('--json', 'print JSON lines'),
  )
    .addHelpText(
      'after',
      `
It can be stopped and killed at any moment: no home is left half done, and the same command goes on.

  $ rowhouse migrate plan
  $ rowhouse migrate up --canary acme,globex
  $ rowhouse migrate status

ROWHOUSE_URL names the catalogue by a direct connection, not a transaction pooler. Homes on other clusters are reached
with the same login, rowhouse_migrator, whose password follows from ROWHOUSE_SIGNING_KEY.`,
    )
    .action(async (options: UpOptions) => {
      // Imported when it is used: it brings the rules of verify, which judge each home before it commits.
      await (await import('./up.ts')).runUp(options)
    })
  migrate
    .command('status')
    .description('how far the homes are, and the last rollout; ends with 1 where a home is behind or failed')
    .option('--json', 'print JSON')
    .action(runStatus)
  migrate
    .command('drift')
    .description('homes that are not what their migrations made; ends with 1 where there are some')
    .option('--json', 'print JSON')
    .action(runDrift)
}

const paced = (command: Command): Command =>
  command
    .option('--canary <organizations>', 'ids or slugs that come first, beside those that are marked')
    .option('--waves <shares>', 'percent of the homes reached by each wave', defaultRolloutPace.waves.join(','))
    .option(
      '--errors <homes>',
      'homes that may fail before it stops: a number, or a share',
      String(defaultRolloutPace.errors),
    )
    .option('--connections <n>', 'connections to one database', String(defaultRolloutPace.connections))
    .option('--databases <n>', 'databases at the same time', String(defaultRolloutPace.databases))
    .option('--lock-timeout <ms>', 'longest wait in the queue of a lock', String(defaultRolloutPace.lockTimeoutMs))
    .option(
      '--lock-attempts <n>',
      'how often a home whose locks are not granted is tried',
      String(defaultRolloutPace.lockAttempts),
    )
    .option(
      '--judge-timeout <ms>',
      'longest judgement of shared tables, which are locked meanwhile',
      String(defaultRolloutPace.judgeTimeoutMs),
    )
