// The only user of an organization: name, password, id, all from the account and the seed.
import type { Account } from '../oauth/account.ts'
import type { World } from '../world.ts'
import { recordId } from './ids.ts'

/** The user name of an organization's only user, for the logins that take a password. */
export function userName(account: Account): string {
  return `admin@${account.id.toLowerCase()}.example`
}

/** The password of an organization's only user. */
export function passwordOf(world: World, account: Account): string {
  return world.seeded.letters(`password.${account.id}`, 16)
}

export function userIdOf(account: Account): string {
  return recordId('005', account.id.slice(3), 1)
}
