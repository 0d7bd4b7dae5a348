// `rowhouse connection grant …`, through the API: who may see or manage one connection alone.
import { RowhouseError } from '@rowhouse/contracts'
import type { ConnectionGrant } from '@rowhouse/contracts'
import type { Command } from 'commander'
import { openApi } from '../environment.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { findOrganization } from './find-organization.ts'

interface JsonOption {
  readonly json?: boolean
}

interface GrantOptions extends JsonOption {
  readonly role?: string
  readonly member?: string
  readonly read?: boolean
}

const whose = ({ email, name, role, userId }: ConnectionGrant): string =>
  role === null ? (email ?? name ?? userId ?? '') : `role ${role}`

export function addConnectionGrantCommands(connection: Command): void {
  connection
    .command('grants <organization> <connection-id>')
    .description('who may see or manage this connection, besides whoever may with all of them')
    .option('--json', 'print JSON')
    .action(async (name: string, connectionId: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const { items } = await api.listConnectionGrants({ params: { organizationId, connectionId } })
      makePrinter(options.json === true).print(items, () =>
        items.length === 0
          ? 'Nobody alone: only whose role has connections.read or connections.manage.'
          : renderTable(
              ['to', 'permission', 'id'],
              items.map((item) => [whose(item), item.permission, item.id]),
            ),
      )
    })

  connection
    .command('grant <organization> <connection-id>')
    .description('let a role or a member manage this connection, and no other')
    .option('--role <role>', 'everybody with this role')
    .option('--member <user id>', 'this member')
    .option('--read', 'see it only')
    .option('--json', 'print JSON')
    .action(async (name: string, connectionId: string, options: GrantOptions) => {
      if ((options.role === undefined) === (options.member === undefined))
        throw new RowhouseError('invalid_option', 'Name --role or --member, one of them.')
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const made = await api.grantConnection({
        params: { organizationId, connectionId },
        body: {
          permission: options.read === true ? 'connections.read' : 'connections.manage',
          ...(options.role !== undefined && { role: options.role }),
          ...(options.member !== undefined && { userId: options.member }),
        },
      })
      makePrinter(options.json === true).print(made, () => `Granted ${made.permission} to ${whose(made)}: ${made.id}`)
    })

  connection
    .command('revoke-grant <organization> <connection-id> <grant-id>')
    .description('take a grant back')
    .option('--json', 'print JSON')
    .action(async (name: string, connectionId: string, grantId: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const done = await api.revokeConnectionGrant({ params: { organizationId, connectionId, grantId } })
      makePrinter(options.json === true).print(done, () => 'Taken back.')
    })
}
