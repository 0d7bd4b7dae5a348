// `rowhouse role …`, through the API: what each role of an organization may do.
import type { Command } from 'commander'
import { openApi } from '../environment.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { findOrganization } from './find-organization.ts'

interface JsonOption {
  readonly json?: boolean
}

export function addRoleCommands(role: Command): void {
  role
    .command('list <organization>')
    .description('built-in roles and the organization’s own, with their permissions')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const { items } = await api.listRoles({ params: { organizationId } })
      makePrinter(options.json === true).print(items, () =>
        renderTable(
          ['role', 'members', 'permissions'],
          items.map((item) => [
            item.builtIn ? `${item.name} (built in)` : item.name,
            String(item.members),
            item.permissions.join(' '),
          ]),
        ),
      )
    })

  role
    .command('set <organization> <role> [permission...]')
    .description('make a role, or give it exactly these permissions')
    .option('--json', 'print JSON')
    .action(async (name: string, roleName: string, permissions: string[], options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const made = await api.setRole({ params: { organizationId, role: roleName }, body: { permissions } })
      makePrinter(options.json === true).print(
        made,
        () => `${made.name} may: ${made.permissions.join(' ') || 'nothing'}`,
      )
    })

  role
    .command('remove <organization> <role>')
    .description('remove a role that no member has')
    .option('--json', 'print JSON')
    .action(async (name: string, roleName: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const done = await api.removeRole({ params: { organizationId, role: roleName } })
      makePrinter(options.json === true).print(done, () => `Removed the role ${roleName}.`)
    })
}
