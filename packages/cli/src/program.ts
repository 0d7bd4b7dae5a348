// The command line as a whole: `rowhouse <noun> <verb>`. Commands register themselves here; what they
// share (--json, help, how errors end) is set once.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { addAuditCommands } from './commands/audit.ts'
import { addAdoptCommand } from './commands/adopt/adopt.ts'
import { addClusterCommands } from './commands/cluster.ts'
import { addConnectionCommands } from './commands/connection.ts'
import { addConnectorCommands } from './commands/connector.ts'
import { addDevCommand } from './commands/dev.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addInstallCommands } from './commands/install.ts'
import { addKeyCommands } from './commands/key.ts'
import { addMemberCommands } from './commands/member.ts'
import { addMigrateCommands } from './commands/migrate/migrate.ts'
import { addOrganizationCommands } from './commands/organization.ts'
import { addPlanCommands } from './commands/plan.ts'
import { addReportCommands } from './commands/report.ts'
import { addRoleCommands } from './commands/role.ts'
import { addServeCommands } from './commands/serve.ts'
import { addSyncCommands } from './commands/sync.ts'
import { addVerifyCommand } from './commands/verify.ts'

export function makeProgram(): Command {
  // A published package has its package.json beside the compiled files, the workspace one level up.
  const manifest = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? '../package.json' : 'package.json')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  const program = new Command('rowhouse')
    .description('The multi-tenant backend for Postgres and Supabase.')
    .version(version)
    .showHelpAfterError('(see: rowhouse --help)')
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
    .addHelpText(
      'after',
      `
Examples:
  $ rowhouse dev                          everything, on embedded Postgres, with simulated CRMs
  $ rowhouse install                      install into the database of ROWHOUSE_URL
  $ rowhouse serve                        the API and the console
  $ rowhouse worker                       the sync worker
  $ rowhouse org create acme --name Acme  an organization
  $ rowhouse doctor                       is everything as it should be?
  $ rowhouse verify --url postgres://…    are organizations apart, in any database?
  $ rowhouse migrate new create_contacts  a migration that makes a protected table
  $ rowhouse adopt contacts --from tenant_id  protect a table that holds rows already

Exit codes: 0 done, 1 found problems, 2 usage, 3 unavailable. Every command takes --json.`,
    )
  addDevCommand(program)
  addInstallCommands(program)
  addServeCommands(program)
  addDoctorCommand(program)
  addVerifyCommand(program)
  addAdoptCommand(program)
  addMigrateCommands(program)
  addOrganizationCommands(program)
  addMemberCommands(program)
  addRoleCommands(program)
  addPlanCommands(program)
  addClusterCommands(program)
  addConnectorCommands(program)
  addConnectionCommands(program)
  addSyncCommands(program)
  addReportCommands(program)
  addAuditCommands(program)
  addKeyCommands(program)
  for (const command of everyCommand(program)) command.exitOverride().showSuggestionAfterError()
  return program
}

function* everyCommand(command: Command): Generator<Command> {
  for (const child of command.commands) {
    yield child
    yield* everyCommand(child)
  }
}
