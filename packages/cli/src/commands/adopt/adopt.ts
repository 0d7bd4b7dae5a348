// `rowhouse adopt <table>`: an existing table becomes a protected one while its application goes on.
import type { Command } from 'commander'
import { adopt, connectionError, defaultPace, planAdoption, undoAdoption } from '@rowhouse/database'
import type { AdoptResult, AdoptRun } from '@rowhouse/database'
import { Client, escapeLiteral } from 'pg'
import { adoptUrl, readAdoptOptions, readPace } from './arguments.ts'
import type { AdoptCommandOptions } from './arguments.ts'
import { makeProgress } from './progress.ts'
import { renderPlan } from './render-plan.ts'
import { onEndRequest } from '../../end-request.ts'
import { ask, canAsk } from '../../output/ask.ts'
import { makePrinter } from '../../output/printer.ts'

const collect = (value: string, list: readonly string[] = []): string[] => [...list, value]

export function defineAdopt(command: Command): void {
  command
    .option('--from <expression>', "whose a row is: a column, or (select …); for one of several 'table=…'", collect)
    .option(
      '--parent <column>',
      "the foreign key whose table says whose a row is; for one of several 'table=…'",
      collect,
    )
    .option('--orphans-to <organization>', 'give rows of no known organization to this one')
    .option('--protect <json>', 'options of rowhouse.protect(), the last step')
    .option('--plan', 'print every statement, its lock and what it waits for; change nothing')
    .option('--undo', 'take back what was done; possible until the last steps')
    .option('--yes', 'do not ask before the last steps')
    .option('--published', 'the table is in a publication, and the subscribers have the column already')
    .option('--fire-triggers', 'let triggers of the table fire for the rows that are filled')
    .option('--batch-ms <ms>', 'longest transaction of the backfill', String(defaultPace.batchMs))
    .option('--rest <share>', 'share of the time that the backfill rests', String(defaultPace.rest))
    .option('--lock-timeout <ms>', 'longest wait in the queue of a lock', String(defaultPace.lockTimeoutMs))
    .option('--lock-hold <ms>', 'longest time under an exclusive lock', String(defaultPace.switchTimeoutMs))
    .option('--json', 'print JSON lines')
    .addHelpText(
      'after',
      `
It can be stopped and killed at any moment; the same command goes on where it stopped.

  $ rowhouse adopt contacts --from tenant_id --plan
  $ rowhouse adopt accounts contacts --from accounts=tenant_id --parent contacts=account_id

ROWHOUSE_URL is a direct connection, not a transaction pooler, as a login that owns the tables and may bypass row-level
security: rowhouse_migrator, postgres on Supabase, a superuser.`,
    )
    .action(runAdopt)
}

async function runAdopt(tables: readonly string[], options: AdoptCommandOptions): Promise<void> {
  const json = options.json === true
  const printer = makePrinter(json)
  const wanted = readAdoptOptions(tables, options)
  const pace = readPace(options)
  const client = await connect(adoptUrl(process.env))
  const stop = new AbortController()
  const progress = makeProgress({ json, output: process.stdout, environment: process.env })
  const off = onEndRequest((isAgain) => {
    progress.leave()
    if (isAgain) process.exit(1)
    process.stderr.write('Stopping after this batch; once more stops at once, and is as safe.\n')
    stop.abort()
  })
  const run: AdoptRun = {
    pace,
    signal: stop.signal,
    onEvent: progress.report,
    confirm: (steps) => {
      progress.leave()
      return options.yes === true ? Promise.resolve(true) : confirm(steps.length, json)
    },
  }
  try {
    if (options.plan === true) {
      const plan = await planAdoption(client, wanted)
      if (json)
        for (const [index, step] of plan.steps.entries()) printer.print({ position: index + 1, ...step }, () => '')
      else printer.print(plan, () => renderPlan(plan))
      return
    }
    const result = options.undo === true ? await undoAdoption(client, tables, run) : await adopt(client, wanted, run)
    progress.leave()
    printer.print({ type: 'result', ...result }, () => renderResult(result))
  } finally {
    progress.leave()
    off()
    await client.end().catch(() => undefined)
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000, keepAlive: true })
  // What breaks an idle connection breaks the next query too, and that one is answered.
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    throw connectionError(error, url)
  }
  return client
}

async function confirm(steps: number, json: boolean): Promise<boolean> {
  if (json || !canAsk()) return false
  return ask(
    `\nEverything is prepared. ${steps} last steps drop the old keys and policies, and from then on only sealed transactions see rows.\nThey cannot be undone. Go on?`,
  )
}

export function renderResult({ state, tables, droppedPolicies }: AdoptResult): string {
  const policies = droppedPolicies.map((definition) => `  ${definition};`).join('\n')
  if (state === 'undone') return `\n${tables.join(', ')}: as before.\n`
  if (state === 'prepared')
    return `\n${tables.join(', ')}: prepared. The application goes on as before.
The same command with --yes does the last steps; with --undo it takes everything back.\n`
  return `\n${tables.join(', ')}: protected.
It can no longer be undone by --undo. To take protection away, as the owner of the table:

${tables.map((table) => `  select rowhouse.unprotect(${escapeLiteral(table)}, 'why');`).join('\n')}
${policies === '' ? '' : `\nPolicies that were dropped:\n\n${policies}\n`}
docs/adopt.md says the rest.\n`
}
