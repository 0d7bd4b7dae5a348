// Members of the fixture's organizations: the same three people everywhere, who can be given roles and removed. In memory.
import type { ErrorCode, Member, Role } from '@rowhouse/contracts'
import { uuid } from './fixtures.ts'

const people = ['Ada Lovelace', 'Grace Hopper', 'Alan Turing']
const roleNames = ['owner', 'admin', 'member', 'viewer', 'seller']

export interface Members {
  list(createdAt: string): Member[]
  setRole(userId: string, role: string, createdAt: string): Member
  remove(userId: string): { readonly removed: true }
  roles(): { readonly items: Role[] }
}

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
