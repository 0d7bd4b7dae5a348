// `rowhouse dev`: the whole product on this machine, on embedded Postgres or on the user's own.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { ReadyLine } from '@rowhouse/embedded'
import { DEFAULT_FOLDER, DEFAULT_PORT, readPort } from '../environment.ts'
import { untilSignal } from '../until-signal.ts'
import { migrationFolder } from './migrate/folder.ts'

interface DevOptions {
  readonly data: string
  readonly port?: string
  readonly edits: boolean
  readonly json?: boolean
}

export function defineDev(dev: Command): void {
  dev
    .option('--data <folder>', 'where data, keys and logs are kept', DEFAULT_FOLDER)
    .option('--port <number>', `port of the API and the console (default: ROWHOUSE_PORT or ${DEFAULT_PORT})`)
    .option('--no-edits', 'leave out the stream of edits on both sides')
    .option('--json', 'print one line of JSON on standard output when all is up; logs go to standard error')
    .addHelpText('after', '\nWith ROWHOUSE_URL set, it runs on that Postgres (15 to 18) instead of its own.')
    .action(async (options: DevOptions) => {
      const json = options.json === true
      const say = (line: string): void => void process.stderr.write(`${line}\n`)
      // Imported when it is used: the stack is large, and `rowhouse --help` should not wait for it.
      const { startDevStack } = await import('@rowhouse/embedded')
      if (!json) process.stdout.write('Rowhouse is starting.\n')
      await untilSignal(
        async () => {
          const stack = await startDevStack({
            folder: options.data,
            port: readPort(options.port, process.env),
            edits: options.edits,
            migrations: process.env['ROWHOUSE_MIGRATIONS'] ?? resolve(migrationFolder(undefined)),
            environment: process.env,
            logFile: !json,
            log: json ? say : (line) => process.stdout.write(`  ${line}\n`),
          })
          process.stdout.write(json ? `${JSON.stringify(stack.ready)}\n` : renderReady(stack.ready))
          return () => stack.stop()
        },
        () => say(json ? 'stopping' : '\nStopping.'),
      )
    })
}

export function renderReady(ready: ReadyLine): string {
  const organizations = ready.organizations
    .map(
      ({ slug, isolation, connection }) =>
        `    ${slug.padEnd(8)} ${isolation.padEnd(9)} ${connection.connector} ${connection.account}`,
    )
    .join('\n')
  return `
Rowhouse is up.

  Console     ${ready.console}/sign-in#key=${encodeURIComponent(ready.operatorKey)}
              signs you in as the operator, who sees every organization
  As a person ${ready.console}/v1/session/start
              choose Ada, an owner of Acme, or Dana, who is in two organizations
  API         ${ready.api}/openapi.json
              authorization: Bearer ${ready.operatorKey}
  Database    ${ready.databaseUrl}
              (the tenant login: row-level security holds it, without a seal it sees nothing)

  Organizations
${organizations}

  Their CRMs are simulated at ${ready.organizations[0]?.connection.sandboxUrl ?? ''}; they were loaded through the
  vendors' own clients, and the backfill is under way now. Edits on both sides follow.

  Try it: open Acme in the console and watch a change arrive on the other side. In another terminal, here:

    npx rowhouse sync status acme     what is synced, what waits
    npx rowhouse doctor               is everything as it should be?
    npx rowhouse verify               are organizations apart?

  Stop with Ctrl-C; everything is kept for the next start. The log is rowhouse.log in the data folder.
`
}
