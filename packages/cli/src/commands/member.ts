// `rowhouse member …`, through the API: who belongs to an organization, and as what.
import type { Command } from 'commander'
import { openApi } from '../environment.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { findOrganization } from './organization.ts'

interface JsonOption {
  readonly json?: boolean
}

export function addMemberCommands(program: Command): void {
  const member = program.command('member').description('who belongs to an organization')

  member
    .command('list <organization>')
    .description('members and their roles')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const { items } = await api.listMembers({ params: { organizationId } })
      makePrinter(options.json === true).print(items, () =>
        renderTable(
          ['role', 'name', 'e-mail', 'user id'],
          items.map(({ role, name: person, email, userId }) => [role, person ?? '–', email ?? '–', userId]),
        ),
      )
    })

  member
    .command('role <organization> <user> <role>')
    .description('give a member, by the id of the person, another role')
    .option('--json', 'print JSON')
    .action(async (name: string, userId: string, role: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const changed = await api.setMemberRole({ params: { organizationId, userId }, body: { role } })
      makePrinter(options.json === true).print(changed, () => `${changed.name ?? userId} is ${changed.role}.`)
    })

  member
    .command('remove <organization> <user>')
    .description('end a membership: the person is out with the next request')
    .option('--json', 'print JSON')
    .action(async (name: string, userId: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const done = await api.removeMember({ params: { organizationId, userId } })
      makePrinter(options.json === true).print(done, () => `Removed ${userId}.`)
    })
}
