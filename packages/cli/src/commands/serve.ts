// `rowhouse serve` and `rowhouse worker`: the two kinds of process of a production installation.
import type { ServerDriver } from '@rowhouse/fleet'
import type { Command } from 'commander'
import { untilSignal } from '../until-signal.ts'

interface ServeOptions {
  readonly port?: string
  readonly worker?: boolean
  readonly json?: boolean
}

export function defineServe(serve: Command): void {
  serve
    .option('--port <number>', 'port to listen on (default: ROWHOUSE_PORT)')
    .option('--worker', 'run the sync worker in this process too')
    .option('--json', 'print one line of JSON when it listens; logs go to standard error')
    .addHelpText(
      'after',
      `
Environment: ROWHOUSE_URL, ROWHOUSE_SIGNING_KEY, ROWHOUSE_ENCRYPTION_KEY, ROWHOUSE_ENCRYPTION_KEY_PREVIOUS,
ROWHOUSE_OPERATOR_KEY, ROWHOUSE_HOST, ROWHOUSE_PORT, ROWHOUSE_PUBLIC_URL, ROWHOUSE_ISSUER, ROWHOUSE_JWKS_URL, ROWHOUSE_AUDIENCE,
ROWHOUSE_CONSOLE_CLIENT_ID, ROWHOUSE_CONSOLE_CLIENT_SECRET (the console at the issuer),
ROWHOUSE_TRUSTED_PROXIES, ROWHOUSE_MIGRATIONS (the folder that operators may roll out over HTTP),
ROWHOUSE_CREDENTIAL_STORE (database, supabase_vault or hashicorp_vault) and, for the last,
VAULT_ADDR, VAULT_TOKEN or VAULT_ROLE_ID and VAULT_SECRET_ID, VAULT_NAMESPACE, VAULT_CACERT, VAULT_CLIENT_TIMEOUT,
ROWHOUSE_VAULT_MOUNT, ROWHOUSE_VAULT_PATH, ROWHOUSE_VAULT_APPROLE_MOUNT.`,
    )
    .action(async (options: ServeOptions) => {
      // Before what is large is loaded: a supervisor that starts a wrong configuration again and again burns little.
      const { readServerConfig } = await import('@rowhouse/server/config')
      const config = readServerConfig(withPort(options.port))
      const { startServer } = await import('@rowhouse/server')
      const { buildConsole, consoleDir } = await import('@rowhouse/console')
      await buildConsole({ log: (line) => void process.stderr.write(`${line}\n`) })
      await untilSignal(async () => {
        const server = await startServer(config, {
          console: consoleDir,
          worker: options.worker === true,
          drivers: await serverDrivers(),
        })
        process.stdout.write(
          options.json === true ? `${JSON.stringify({ api: server.url })}\n` : `Rowhouse serves ${server.url}\n`,
        )
        return () => server.stop()
      })
    })
}

export function defineWorker(worker: Command): void {
  worker
    .option('--json', 'print one line of JSON when it runs; logs go to standard error')
    .action(async (options: ServeOptions) => {
      const { readServerConfig } = await import('@rowhouse/server/config')
      const config = readServerConfig(process.env)
      const { startWorker } = await import('@rowhouse/server')
      await untilSignal(async () => {
        const worker = await startWorker(config, { drivers: await serverDrivers() })
        process.stdout.write(options.json === true ? '{"worker":"running"}\n' : 'Rowhouse syncs.\n')
        return () => worker.stop()
      })
    })
}

/** What makes servers for single homes: docs/provisioning.md. */
async function serverDrivers(): Promise<readonly ServerDriver[]> {
  const { selfHostedSupabaseDriver, supabaseDriver } = await import('@rowhouse/fleet')
  const { embeddedDriver } = await import('@rowhouse/embedded')
  return [supabaseDriver(), selfHostedSupabaseDriver(), embeddedDriver()]
}

const withPort = (port: string | undefined): NodeJS.ProcessEnv =>
  port === undefined ? process.env : { ...process.env, ROWHOUSE_PORT: port }
