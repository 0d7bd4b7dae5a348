// `rowhouse connector …`: the CRMs there are, and the OAuth apps that the product is registered as at them.
import { RowhouseError } from '@rowhouse/contracts'
import type { Command } from 'commander'
import { openApi } from '../environment.ts'
import { agreed } from '../output/agreed.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'

interface SetAppOptions {
  readonly clientId: string
  readonly scope?: readonly string[]
  readonly baseUrl?: string
  readonly json?: boolean
}

export function addConnectorCommands(connector: Command): void {
  connector
    .command('list')
    .description('all connectors, and whether people can connect an account on the CRM’s own page')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { items } = await openApi(process.env).listConnectors()
      makePrinter(options.json === true).print(items, () =>
        renderTable(
          ['id', 'name', 'objects', 'webhooks', 'oauth app', 'tier'],
          items.map(({ id, name, objects, webhooks, canAuthorize, tier }) => [
            id,
            name,
            objects.join(', '),
            webhooks ? 'yes' : 'no',
            canAuthorize ? 'set' : '–',
            tier,
          ]),
        ),
      )
    })

  connector
    .command('set-app <connector>')
    .description('store the OAuth app that the product is registered as; its secret is sealed')
    .requiredOption('--client-id <id>', 'its client id')
    .option('--scope <scope...>', 'ask for these besides what the sync needs')
    .option('--base-url <url>', 'where consent and tokens are, when they are not the provider’s own')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The secret comes from the environment, where no process list shows it: CRM_CLIENT_SECRET.
Register this address as the app's redirect URI: <public url>/oauth/<connector>/callback`,
    )
    .action(async (id: string, options: SetAppOptions) => {
      const clientSecret = process.env['CRM_CLIENT_SECRET'] ?? ''
      if (clientSecret === '')
        throw new RowhouseError('invalid_option', 'CRM_CLIENT_SECRET is not set.', {
          hint: 'Put the secret of the OAuth app there.',
        })
      const app = await openApi(process.env).setConnectorApp({
        params: { connector: id },
        body: {
          clientId: options.clientId,
          clientSecret,
          scopes: [...(options.scope ?? [])],
          baseUrl: options.baseUrl ?? null,
        },
      })
      makePrinter(options.json === true).print(
        app,
        () =>
          `People can connect ${app.connector} now: rowhouse connection authorize <organization> --connector ${app.connector}`,
      )
    })

  connector
    .command('remove-app <connector>')
    .description('forget the OAuth app; connections made through it cannot refresh any more')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .action(async (id: string, options: { json?: boolean; yes?: boolean }) => {
      const effects = ['Connections that were made through it stop when their tokens expire, in every organization.']
      if (!(await agreed(`Forget the OAuth app of ${id}?`, effects, options))) return
      const result = await openApi(process.env).removeConnectorApp({ params: { connector: id } })
      makePrinter(options.json === true).print(result, () =>
        result.removed ? `Removed the app of ${id}.` : `${id} had no app.`,
      )
    })
}
