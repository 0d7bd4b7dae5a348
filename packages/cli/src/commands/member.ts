// `rowhouse member …`, through the API: who belongs to an organization and as what, and who was invited to it.
import type { Command } from 'commander'
import { apiUrl, openApi } from '../environment.ts'
import { renderAgo } from '../output/moment.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { findOrganization } from './find-organization.ts'

interface JsonOption {
  readonly json?: boolean
}

export function addMemberCommands(member: Command): void {
  member
    .command('list <organization>')
    .description('members and their roles')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption) => {
      const api = openApi(process.env)
      const { id: organizationId, slug } = await findOrganization(api, name)
      const { items } = await api.listMembers({ params: { organizationId } })
      makePrinter(options.json === true).print(items, () =>
        items.length === 0
          ? `${slug} has no members. Invite one: rowhouse member invite ${slug} ada@example.com --role owner`
          : renderTable(
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

  member
    .command('invite <organization> <email>')
    .description('invite an address; the link that it prints is shown this once, and is yours to send')
    .option('--role <role>', 'what the person becomes', 'member')
    .option('--json', 'print JSON')
    .action(async (name: string, email: string, options: JsonOption & { readonly role: string }) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const made = await api.createInvitation({ params: { organizationId }, body: { email, role: options.role } })
      makePrinter(options.json === true).print(
        made,
        () =>
          `Send this to ${email}; it works once, until ${made.expiresAt}:\n\n  ${apiUrl(process.env)}/join#${made.token}`,
      )
    })

  member
    .command('invitations <organization>')
    .description('who was invited and has not come yet')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption) => {
      const api = openApi(process.env)
      const { id: organizationId, slug } = await findOrganization(api, name)
      const { items } = await api.listInvitations({ params: { organizationId } })
      makePrinter(options.json === true).print(items, () =>
        items.length === 0
          ? `No invitation is open. Invite somebody: rowhouse member invite ${slug} ada@example.com`
          : renderTable(
              ['e-mail', 'role', 'sent', 'valid until', 'id'],
              items.map(({ id, email, role, sentAt, expiresAt }) => [
                email,
                role,
                renderAgo(sentAt, Date.now()),
                expiresAt,
                id,
              ]),
            ),
      )
    })

  member
    .command('uninvite <organization> <invitation-id>')
    .description('take an open invitation back')
    .option('--json', 'print JSON')
    .action(async (name: string, invitationId: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const done = await api.revokeInvitation({ params: { organizationId, invitationId } })
      makePrinter(options.json === true).print(done, () => 'Taken back.')
    })
}
