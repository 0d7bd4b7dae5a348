// `rowhouse connection …`, through the API.
import type { Command } from 'commander'
import { openApi } from '../environment.ts'
import { agreed } from '../output/agreed.ts'
import { renderAgo, renderLag } from '../output/moment.ts'
import { plural } from '../output/plural.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { addConnectionGrantCommands } from './connection-grant.ts'
import { findOrganization } from './find-organization.ts'
import { RowhouseError } from '@rowhouse/contracts'

interface JsonOption {
  readonly json?: boolean
}

interface AddOptions extends JsonOption {
  readonly connector: string
  readonly baseUrl?: string
  readonly tokenUrl?: string
  readonly clientId?: string
}

export function addConnectionCommands(connection: Command): void {
  connection
    .command('add <organization>')
    .description('connect a CRM account with credentials that exist already')
    .requiredOption('--connector <id>', 'see rowhouse connector list')
    .option('--base-url <url>', "base URL of the account's API; Salesforce and NetSuite need the account's own")
    .option('--token-url <url>', 'where tokens are refreshed, when it is not below the base URL')
    .option('--client-id <id>', 'OAuth app that the refresh token belongs to')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Secrets come from the environment, where no process list shows them:
CRM_ACCESS_TOKEN, and for accounts with OAuth CRM_REFRESH_TOKEN and CRM_CLIENT_SECRET.
A machine-to-machine login of NetSuite needs no access token: CRM_REFRESH_TOKEN is
certificate:<id>@<account>, and CRM_CLIENT_SECRET the private key in PEM.`,
    )
    .action(async (name: string, options: AddOptions) => {
      const refreshToken = process.env['CRM_REFRESH_TOKEN'] ?? null
      // A machine has none to begin with; the first refresh gives one.
      const accessToken = process.env['CRM_ACCESS_TOKEN'] || (refreshToken?.startsWith('certificate:') ? 'none' : '')
      if (accessToken === '')
        throw new RowhouseError('invalid_option', 'CRM_ACCESS_TOKEN is not set.', {
          hint: 'Put the access token of the CRM account there; HubSpot gives one to a private app.',
        })
      const api = openApi(process.env)
      const organization = await findOrganization(api, name)
      const created = await api.createConnection({
        params: { organizationId: organization.id },
        body: {
          connector: options.connector,
          accessToken,
          refreshToken,
          clientSecret: process.env['CRM_CLIENT_SECRET'] ?? null,
          clientId: options.clientId ?? null,
          baseUrl: options.baseUrl ?? null,
          tokenUrl: options.tokenUrl ?? null,
        },
      })
      makePrinter(options.json === true).print(
        created,
        () =>
          `Connected ${created.connector} ${created.account} to ${organization.slug}: ${created.id}\nIts records are being read now: rowhouse sync status ${organization.slug}`,
      )
    })

  connection
    .command('authorize <organization>')
    .description("print the address that connects an account on the CRM's own page")
    .requiredOption('--connector <id>', 'see rowhouse connector list')
    .option('--connection <id>', 'give this connection new credentials')
    .option('--base-url <url>', "base URL of the account's API, such as a Salesforce domain")
    .option('--json', 'print JSON')
    .action(
      async (name: string, options: JsonOption & { connector: string; connection?: string; baseUrl?: string }) => {
        const api = openApi(process.env)
        const organization = await findOrganization(api, name)
        const begun = await api.authorizeConnection({
          params: { organizationId: organization.id },
          body: {
            connector: options.connector,
            connectionId: options.connection ?? null,
            baseUrl: options.baseUrl ?? null,
            returnTo: `/organizations/${organization.id}`,
          },
        })
        makePrinter(options.json === true).print(
          begun,
          () =>
            `Open this in a browser that is signed in to the console as an operator, within ten minutes:\n\n  ${begun.url}`,
        )
      },
    )

  connection
    .command('list <organization>')
    .description("an organization's connections")
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organization = await findOrganization(api, name)
      const { items } = await api.listConnections({ params: { organizationId: organization.id } })
      makePrinter(options.json === true).print(items, () =>
        items.length === 0
          ? `${organization.slug} has no connection. Add one: rowhouse connection add ${organization.slug} --connector hubspot`
          : renderTable(
              ['connector', 'account', 'state', 'records', 'lag', 'synced', 'id'],
              items.map((item) => [
                item.connector,
                item.account,
                item.state,
                String(item.records),
                renderLag(item.lagMs),
                renderAgo(item.lastSyncedAt, Date.now()),
                item.id,
              ]),
            ),
      )
    })

  const verbs = {
    pause: { call: 'pauseConnection', description: 'stop syncing; nothing is lost' },
    resume: { call: 'resumeConnection', description: 'go on syncing' },
  } as const
  for (const [verb, { call, description }] of Object.entries(verbs))
    connection
      .command(`${verb} <organization> <connection-id>`)
      .description(description)
      .option('--json', 'print JSON')
      .action(async (name: string, connectionId: string, options: JsonOption) => {
        const api = openApi(process.env)
        const organizationId = (await findOrganization(api, name)).id
        const changed = await api[call]({ params: { organizationId, connectionId } })
        makePrinter(options.json === true).print(
          changed,
          () => `${changed.connector} ${changed.account} is ${changed.state}.`,
        )
      })

  connection
    .command('test <organization> <connection-id>')
    .description('call the CRM once and say whether the credentials work')
    .option('--json', 'print JSON')
    .action(async (name: string, connectionId: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const result = await api.testConnection({ params: { organizationId, connectionId } })
      makePrinter(options.json === true).print(
        result,
        () => `${result.account} answered in ${Math.round(result.durationMs)} ms.`,
      )
    })

  connection
    .command('remove <organization> <connection-id>')
    .description('end a connection for good and erase its credentials; rows and records stay on both sides')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .action(async (name: string, connectionId: string, options: JsonOption & { yes?: boolean }) => {
      const api = openApi(process.env)
      const { id: organizationId, slug } = await findOrganization(api, name)
      const { connector, account, records } = await api.getConnection({ params: { organizationId, connectionId } })
      const effects = [
        `${plural(records, 'record')} stay here and in the CRM, and change apart from each other from now on.`,
        'Its credentials are erased and its links are forgotten, for good. To stop for a while: rowhouse connection pause',
      ]
      if (!(await agreed(`Remove ${connector} ${account} of ${slug}?`, effects, options))) return
      const done = await api.removeConnection({ params: { organizationId, connectionId } })
      makePrinter(options.json === true).print(done, () => `Removed the connection ${connectionId}.`)
    })

  addConnectionGrantCommands(connection)
}
