// `rowhouse verify`: are organizations apart in this database? Any Postgres, Rowhouse installed or not. It is read only:
// attacks run in scratch copies of its schema.
import { access, constants, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Option } from 'commander'
import type { Command } from 'commander'
import { RowhouseError } from '@rowhouse/contracts'
import type { Severity, VerifyOptions, VerifyReport } from '@rowhouse/verify'
import { requireUrl, stackOf } from '../environment.ts'
import { makePrinter } from '../output/printer.ts'
import { attackOptions, openLog } from './verify-attack.ts'
import { makeVerifyProgress } from './verify-progress.ts'

interface VerifyCommandOptions {
  readonly url?: string
  readonly schema?: readonly string[]
  readonly role?: readonly string[]
  readonly tenantColumn?: string
  readonly tenantTable?: string
  readonly tenantDatabase?: readonly string[]
  readonly rules?: readonly string[]
  readonly failOn: Severity
  readonly attack?: boolean
  readonly attackOnly?: readonly string[]
  readonly scratchUrl?: string
  readonly attackSeconds?: string
  readonly copySeconds?: string
  readonly attackLog?: string
  readonly config?: string
  readonly baseline?: string
  readonly baselineWrite?: string
  readonly sarif?: string
  readonly sarifLocation?: string
  readonly junit?: string
  readonly html?: string
  readonly json?: boolean
}

/** What a file may say instead of options: the model of a schema belongs beside its code. */
interface Config {
  readonly schemas?: readonly string[]
  readonly roles?: readonly string[]
  readonly tenantColumn?: string
  readonly tenantTable?: string
  readonly tenantDatabases?: readonly string[]
  readonly rules?: readonly string[]
  readonly failOn?: Severity
}

const severities = ['error', 'warning', 'info'] as const
const configFields: Readonly<Record<keyof Config, 'text' | 'list'>> = {
  schemas: 'list',
  roles: 'list',
  tenantColumn: 'text',
  tenantTable: 'text',
  tenantDatabases: 'list',
  rules: 'list',
  failOn: 'text',
}

export function defineVerify(command: Command): void {
  command
    .option('--url <url>', 'the database, as any login (default: ROWHOUSE_URL)')
    .option('--schema <name...>', 'look at these schemas only')
    .option('--role <name...>', 'the roles that requests come as')
    .option('--tenant-column <name>', 'the column that says whose a row is')
    .option('--tenant-table <name>', 'the table of tenants')
    .option('--tenant-database <name...>', 'databases of the server that hold one tenant each')
    .option('--rules <rule...>', 'only these: V0101, V01 or rls_disabled; -V08 leaves out')
    .addOption(
      new Option('--fail-on <severity>', 'the least that makes the exit code 1').choices(severities).default('warning'),
    )
    .option('--attack', 'copy the schema, without rows, into two scratch databases and attack them as one organization')
    .option(
      '--attack-only <object...>',
      'attack these alone: public.contacts, public.f, app.*; what is left out is counted, and nothing found is 3, not 0',
    )
    .option(
      '--scratch-url <url>',
      'where the scratch databases stand: a superuser of another server, or same-server (default: a server is started)',
    )
    .option('--attack-seconds <n>', 'the longest time the attacks may take (default: 300)')
    .option('--copy-seconds <n>', 'the longest time that copying and planting may take (default: 600)')
    .option('--attack-log <file>', 'write every probe that was tried, one JSON object a line')
    .option(
      '--config <file>',
      'these options as JSON: schemas, roles, tenantColumn, tenantTable, tenantDatabases, rules, failOn',
    )
    .option('--baseline <file>', 'findings that are accepted, each with a reason and a day it ends')
    .option('--baseline-write <file>', 'begin a baseline with everything that is found')
    .option('--sarif <file>', 'write SARIF 2.1.0, for code scanning')
    .option('--sarif-location <path>', 'the file that code scanning shows findings at', 'database')
    .option('--junit <file>', 'write JUnit XML')
    .option('--html <file>', 'write a page to send to a reviewer')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0 clean, 1 found, 2 usage, 3 could not decide.

  $ rowhouse verify --url postgres://postgres:secret@db.example.com/app
  $ rowhouse verify --attack --html isolation.html
  $ rowhouse verify --attack --attack-only public.contacts 'billing.*'
  $ rowhouse verify --role web_user --tenant-column school_id --html isolation.html
  $ rowhouse verify --baseline-write accepted.json && rowhouse verify --baseline accepted.json`,
    )
    .action(runVerify)
}

async function runVerify(options: VerifyCommandOptions, command: Command): Promise<void> {
  // Imported when it is used: the rules are large, and the help should not wait for them.
  const { parseBaseline, renderHtml, renderJunit, renderSarif, renderText, verify, writeBaseline } =
    await import('@rowhouse/verify')
  const config = options.config === undefined ? {} : await readConfig(options.config)
  const asked = command.getOptionValueSource('failOn') === 'default' ? undefined : options.failOn
  const failOn = asked ?? config.failOn ?? options.failOn
  const accepted = await readBaseline(options)
  const baseline = accepted === undefined ? undefined : parseBaseline(accepted)
  const { attackOnly, scratchUrl, attackSeconds, copySeconds, attackLog } = options
  if (options.attack !== true && (attackOnly ?? scratchUrl ?? attackSeconds ?? copySeconds ?? attackLog) !== undefined)
    throw new RowhouseError(
      'invalid_option',
      '--attack-only, --scratch-url, --attack-seconds, --copy-seconds and --attack-log are for --attack, which is not given.',
    )
  await requireWritable(options)
  const progress = makeVerifyProgress({
    json: options.json === true,
    output: process.stderr,
    environment: process.env,
  })
  const log = options.attackLog === undefined ? undefined : openLog(options.attackLog)
  const verifying = verify(
    present({
      url: options.url === undefined ? await readingUrl(process.env) : checkUrl(options.url),
      schemas: options.schema ?? config.schemas,
      roles: options.role ?? config.roles,
      tenantColumn: options.tenantColumn ?? config.tenantColumn,
      tenantTable: options.tenantTable ?? config.tenantTable,
      tenantDatabases: options.tenantDatabase ?? config.tenantDatabases,
      rules: options.rules ?? config.rules,
      failOn,
      baseline,
      attack: options.attack === true ? attackOptions(options, progress.report, log?.write) : undefined,
      onProgress: (done, total) => progress.report({ type: 'rules', done, total }),
    }),
  )
  const report = await verifying.finally(() => {
    log?.close()
    progress.end()
  })
  if (options.sarif !== undefined)
    await write(options.sarif, renderSarif(report, { location: options.sarifLocation ?? 'database' }))
  if (options.junit !== undefined) await write(options.junit, renderJunit(report, failOn))
  if (options.html !== undefined) await write(options.html, renderHtml(report))
  if (options.baselineWrite !== undefined)
    await write(options.baselineWrite, writeBaseline(report.findings, report.startedAt.slice(0, 10), baseline))
  process.exitCode = exitCodes[report.outcome]
  makePrinter(options.json === true).print(report, () => renderText(report))
}

const exitCodes: Readonly<Record<VerifyReport['outcome'], 0 | 1 | 3>> = { clean: 0, findings: 1, undecided: 3 }

/** Options that were not given are left out, so that each keeps its default. */
const present = (options: { readonly [Key in keyof VerifyOptions]: VerifyOptions[Key] | undefined }): VerifyOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as VerifyOptions

/**
 * ROWHOUSE_URL as it is. The logins of the runtime may not ask all that the rules ask: in their place the migrator's is used where
 * the key that its password follows from is at hand.
 */
async function readingUrl(environment: NodeJS.ProcessEnv): Promise<string> {
  const url = requireUrl(environment)
  if ((environment['ROWHOUSE_SIGNING_KEY'] ?? '') === '' && stackOf(environment) === null) return url
  const { adoptUrl } = await import('./adopt/arguments.ts')
  return adoptUrl(environment)
}

function checkUrl(url: string): string {
  if (URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol)) return url
  throw new RowhouseError('invalid_option', '--url is not the URL of a Postgres database.', {
    hint: 'It looks like this: postgres://user:password@host:5432/database',
  })
}

/** None yet where the same file is to be written: then it begins with what is found. */
async function readBaseline({ baseline, baselineWrite }: VerifyCommandOptions): Promise<string | undefined> {
  if (baseline === undefined) return undefined
  const isThere = (await stat(baseline).catch(() => undefined)) !== undefined
  if (!isThere && baseline === baselineWrite) return undefined
  if (!isThere)
    throw new RowhouseError('invalid_option', `There is no file ${baseline}.`, {
      hint: `--baseline-write ${baseline} begins one with everything that is found.`,
    })
  return read(baseline)
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new RowhouseError('invalid_option', `${path} cannot be read: ${String(cause)}`, { cause })
  }
}

/** Before anything is verified: an attack takes minutes, and its report must have a place to go. */
async function requireWritable(options: VerifyCommandOptions): Promise<void> {
  const { sarif, junit, html, baseline, baselineWrite } = options
  for (const path of [sarif, junit, html, baselineWrite]) {
    if (path === undefined) continue
    const there = await stat(path).catch(() => undefined)
    try {
      if (there?.isDirectory() === true) throw new Error('it is a folder')
      await access(there === undefined ? dirname(path) : path, constants.W_OK)
    } catch (cause) {
      throw new RowhouseError('invalid_option', `${path} cannot be written: ${String(cause)}`, { cause })
    }
    if (path === baselineWrite && baseline === undefined && there !== undefined)
      throw new RowhouseError('invalid_option', `${path} is there already, with reasons that would be lost.`, {
        hint: `--baseline ${path} --baseline-write ${path} keeps them, and adds what is found beside them.`,
      })
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (cause) {
    throw new RowhouseError('invalid_option', `${path} cannot be written: ${String(cause)}`, { cause })
  }
}

async function readConfig(path: string): Promise<Config> {
  const text = await read(path)
  const refuse = (why: string): RowhouseError => new RowhouseError('invalid_option', `${path} cannot be used: ${why}.`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw refuse(`it is not JSON: ${String(cause)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('it wants an object')
  for (const [name, given] of Object.entries(value)) {
    const kind = (configFields as Readonly<Record<string, 'text' | 'list' | undefined>>)[name]
    if (kind === undefined) throw refuse(`it has ${name}; it may have ${Object.keys(configFields).join(', ')}`)
    const fits =
      kind === 'text'
        ? typeof given === 'string'
        : Array.isArray(given) && given.every((entry) => typeof entry === 'string')
    if (!fits) throw refuse(`${name} is to be ${kind === 'text' ? 'a text' : 'a list of texts'}`)
  }
  const config = value as Config
  if (config.failOn !== undefined && !severities.includes(config.failOn)) throw refuse(`failOn is ${config.failOn}`)
  return config
}
