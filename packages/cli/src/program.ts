// The command line as a whole: `rowhouse <noun> <verb>`. What every command is called and what it is for stands here, so that
// help needs none of their modules: all of them take half a second to load, and each is loaded when its name is typed. What
// commands share (--json, help, how errors end) is set once.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Argument, OutputConfiguration } from 'commander'

interface Entry {
  /** Its name and arguments, as commander reads them. */
  readonly usage: string
  readonly description: string
  /** Brings what adds its options and verbs. */
  readonly load: () => Promise<(command: Command) => void>
}

const groups: Readonly<Record<string, readonly Entry[]>> = {
  'Run it:': [
    {
      usage: 'dev',
      description: 'run everything here: Postgres, simulated CRMs, sync, API and console',
      load: async () => (await import('./commands/dev.ts')).defineDev,
    },
    {
      usage: 'install',
      description: 'install Rowhouse into the database of ROWHOUSE_URL; safe to run again',
      load: async () => (await import('./commands/install.ts')).defineInstall,
    },
    {
      usage: 'upgrade',
      description: 'bring an installed schema to the version of this program',
      load: async () => (await import('./commands/install.ts')).defineUpgrade,
    },
    {
      usage: 'serve',
      description: 'run the API and the console',
      load: async () => (await import('./commands/serve.ts')).defineServe,
    },
    {
      usage: 'worker',
      description: 'run the sync worker; as many as you like',
      load: async () => (await import('./commands/serve.ts')).defineWorker,
    },
    {
      usage: 'doctor',
      description: 'check the database, its logins, the clock and the isolation of every protected table',
      load: async () => (await import('./commands/doctor.ts')).defineDoctor,
    },
  ],
  'Keep organizations apart:': [
    {
      usage: 'verify',
      description: 'find what lets one organization reach another, in any Postgres database; reads only',
      load: async () => (await import('./commands/verify.ts')).defineVerify,
    },
    {
      usage: 'adopt <tables...>',
      description: 'protect tables that hold rows already, while their application goes on',
      load: async () => (await import('./commands/adopt/adopt.ts')).defineAdopt,
    },
    {
      usage: 'migrate',
      description: 'migrations of tables that belong to organizations',
      load: async () => (await import('./commands/migrate/migrate.ts')).addMigrateCommands,
    },
  ],
  'Organizations:': [
    {
      usage: 'org',
      description: 'organizations: make, list, suspend them; their limits, load and alerts',
      load: async () => (await import('./commands/organization.ts')).addOrganizationCommands,
    },
    {
      usage: 'member',
      description: 'who belongs to an organization',
      load: async () => (await import('./commands/member.ts')).addMemberCommands,
    },
    {
      usage: 'role',
      description: 'the roles that members may have',
      load: async () => (await import('./commands/role.ts')).addRoleCommands,
    },
    {
      usage: 'plan',
      description: 'where the organizations of a plan live, and what they may use',
      load: async () => (await import('./commands/plan.ts')).addPlanCommands,
    },
    {
      usage: 'cluster',
      description: 'the servers that organizations may live on',
      load: async () => (await import('./commands/cluster.ts')).addClusterCommands,
    },
  ],
  'CRMs:': [
    {
      usage: 'connector',
      description: 'CRMs that can be connected',
      load: async () => (await import('./commands/connector.ts')).addConnectorCommands,
    },
    {
      usage: 'connection',
      description: "organizations' CRM accounts",
      load: async () => (await import('./commands/connection.ts')).addConnectionCommands,
    },
    {
      usage: 'sync',
      description: 'what is synced, what waits, what could not be done',
      load: async () => (await import('./commands/sync.ts')).addSyncCommands,
    },
  ],
  'Records and keys:': [
    {
      usage: 'report',
      description: 'reading across organizations, by definitions that you approve',
      load: async () => (await import('./commands/report.ts')).addReportCommands,
    },
    {
      usage: 'audit',
      description: 'the audit trail: prove it, read a record’s life, undelete',
      load: async () => (await import('./commands/audit.ts')).addAuditCommands,
    },
    {
      usage: 'key',
      description: 'the keys that credentials are sealed with',
      load: async () => (await import('./commands/key.ts')).addKeyCommands,
    },
  ],
}

/** The names of all commands, in the order of the help. */
export const commandNames: readonly string[] = Object.values(groups).flatMap((entries) => entries.map(nameOf))

/**
 * @param words what was typed: the commands that are named in it are loaded, the others are known to the help only
 * @param output where help and refusals go. @default standard output and standard error
 */
export async function makeProgram(words: readonly string[], output: OutputConfiguration = {}): Promise<Command> {
  // A published package has its package.json beside the compiled files, the workspace one level up.
  const manifest = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? '../package.json' : 'package.json')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  const program = new Command('rowhouse')
    .description('The multi-tenant backend for Postgres and Supabase.')
    .version(version)
    .showHelpAfterError('(see: rowhouse --help)')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput(output)
    .configureHelp({
      sortSubcommands: false,
      // Every command has options; saying so in each line would bury its arguments.
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(termOf)].join(' '),
    })
    .addHelpText(
      'after',
      `
Examples:
  $ rowhouse dev                              everything, on embedded Postgres, with simulated CRMs
  $ rowhouse install                          install into the database of ROWHOUSE_URL
  $ rowhouse doctor                           is everything as it should be?
  $ rowhouse org create acme --name Acme      an organization
  $ rowhouse migrate new create_contacts      a migration that makes a protected table
  $ rowhouse adopt contacts --from tenant_id  protect a table that holds rows already
  $ rowhouse verify --url postgres://…        are organizations apart, in any database?

Exit codes: 0 done, 1 found problems, 2 usage, 3 unavailable. Every command takes --json.`,
    )
  for (const [heading, entries] of Object.entries(groups)) {
    for (const entry of entries) {
      const command = program.command(entry.usage).description(entry.description).helpGroup(heading)
      if (words.includes(nameOf(entry))) (await entry.load())(command)
    }
  }
  for (const command of everyCommand(program))
    command
      .exitOverride()
      .showSuggestionAfterError()
      .showHelpAfterError(`(see: ${pathOf(command)} --help)`)
  return program
}

function nameOf({ usage }: Entry): string {
  return usage.replace(/ .*/, '')
}

const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`

const termOf = (argument: Argument): string => {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

function* everyCommand(command: Command): Generator<Command> {
  for (const child of command.commands) {
    yield child
    yield* everyCommand(child)
  }
}
