// Members of the fixture's organizations: the same three people everywhere, who can be given roles and removed. In memory.
import type { ErrorCode, Member, Role } from '@rowhouse/contracts'
import { ago, uuid } from './fixtures.ts'

const people = ['Ada Lovelace', 'Grace Hopper', 'Alan Turing']
const roleNames = ['owner', 'admin', 'member', 'viewer', 'seller']

export interface Members {
  list(createdAt: string): Member[]
  setRole(userId: string, role: string, createdAt: string): Member
  remove(userId: string): { readonly removed: true }
  roles(): { readonly items: Role[] }
  invitations(): { readonly items: readonly Invited[] }
  invite(email: string, role: string): { readonly id: string; readonly token: string; readonly expiresAt: string }
  revoke(id: string): { readonly ok: true }
}

interface Invited {
  readonly id: string
  readonly email: string
  readonly role: string
  readonly invitedBy: string | null
  readonly sentAt: string
  readonly expiresAt: string
}

const DAY_MS = 86_400_000
const invited = (index: number, email: string, role: string, sentMs: number): Invited => ({
  id: uuid(0xc, index),
  email,
  role,
  invitedBy: null,
  sentAt: ago(sentMs),
  expiresAt: ago(sentMs - 7 * DAY_MS),
})

/** @param refuse answers with a code */
export function membersOf(refuse: (code: ErrorCode) => never): Members {
  const roles = new Map(people.map((_, index) => [uuid(0xe, index + 1), ['owner', 'admin', 'viewer'][index] ?? '']))
  const list = (createdAt: string): Member[] =>
    people.flatMap((name, index) => {
      const userId = uuid(0xe, index + 1)
      const role = roles.get(userId)
      const email = `${name.split(' ')[0]?.toLowerCase()}@example.com`
      return role === undefined ? [] : [{ userId, email, name, role, createdAt }]
    })
  let open = [
    invited(1, 'katherine.johnson@example.com', 'member', 3 * 3_600_000),
    invited(2, 'a.person.with.a.rather.long.name@subsidiary.of.a.large.customer.example.com', 'admin', 9 * DAY_MS),
  ]
  return {
    list,
    setRole(userId, role, createdAt) {
      const member = list(createdAt).find((one) => one.userId === userId) ?? refuse('member_unknown')
      if (member.role === 'owner' && role !== 'owner') refuse('last_owner')
      roles.set(userId, role)
      return { ...member, role }
    },
    remove(userId) {
      if (roles.get(userId) === 'owner') refuse('last_owner')
      if (!roles.delete(userId)) refuse('member_unknown')
      return { removed: true }
    },
    invitations: () => ({ items: open }),
    invite(email, role) {
      if (list(ago(0)).some((member) => member.email === email)) refuse('already_a_member')
      const made = invited(open.length + 10, email, role, 0)
      open = [made, ...open.filter((one) => one.email !== email)]
      return { id: made.id, token: 'a'.repeat(43), expiresAt: made.expiresAt }
    },
    revoke(id) {
      open = open.filter((one) => one.id !== id)
      return { ok: true }
    },
    roles: () => ({
      items: roleNames.map((name) => ({
        name,
        permissions: name === 'owner' ? ['*'] : ['organization.read'],
        builtIn: name !== 'seller',
        members: [...roles.values()].filter((role) => role === name).length,
      })),
    }),
  }
}
