// The four values of token-based authentication that an account's private app has, from the seed: the
// same after every restart, nothing to keep.
import type { TokenBased } from '../control/simulated-crm.ts'
import type { Account } from '../oauth/account.ts'
import type { World } from '../world.ts'

export function tokenBasedOf(world: World, account: Account): TokenBased & { readonly accessToken: string } {
  const hex = (label: string): string => world.seeded.hex(`${label}.${account.id}`, 64)
  return {
    consumerKey: hex('tba.consumer'),
    consumerSecret: hex('tba.consumer.secret'),
    tokenId: hex('tba.token'),
    tokenSecret: hex('tba.token.secret'),
    accessToken: standingToken(world, account.id, 'private'),
  }
}

/** The value of a standing token of a NetSuite account. */
export function standingToken(world: World, account: string, label: string): string {
  return `eyJ.${label}.${world.seeded.letters(`${label}.${account}`, 64)}`
}
