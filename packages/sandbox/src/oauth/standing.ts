// Two apps per account that need no OAuth: the account's private app, and a person at work in the CRM.
// Owns their names, secrets and tokens, all from the seed: the same after every restart.
import type { CreatedAccount } from '../control/simulated-crm.ts'
import { standingToken, tokenBasedOf } from '../netsuite/token-based.ts'
import { passwordOf, userName } from '../salesforce/fixture-user.ts'
import type { World } from '../world.ts'
import type { Account } from './account.ts'

/** Client id of the app that an account's standing access token belongs to. */
export function privateClientId(account: string): string {
  return `private-app-${account}`
}

export function standingAccess(world: World, account: Account): Omit<CreatedAccount, 'url'> {
  const { connector, id, name, edition } = account
  const register = (clientId: string): ReturnType<typeof world.accounts.register> =>
    world.accounts.register(connector, {
      clientId,
      clientSecret: world.seeded.uuid(`secret.${clientId}`),
      redirectUris: [],
      name: clientId,
      rotateRefreshTokens: false,
      reuseRevokesGrant: false,
      certificates: [],
    })
  const app = register(privateClientId(id))
  const person = register(`person-${id}`)
  const value = (label: string): string => {
    if (connector === 'hubspot') return `pat-na1-${world.seeded.uuid(`${label}.${id}`)}`
    if (connector === 'netsuite') return standingToken(world, id, label)
    return `${id.slice(0, 15)}!${world.seeded.letters(`${label}.${id}`, 96)}`
  }
  const common = {
    connector,
    id,
    name,
    edition,
    accessToken: world.tokens.standing(account, value('private'), app, false).value,
    personToken: world.tokens.standing(account, value('person'), person, true).value,
    webhookSecret: app.clientSecret,
  }
  if (connector === 'salesforce')
    return { ...common, username: userName(account), password: passwordOf(world, account) }
  if (connector === 'hubspot') return common
  const { accessToken: _standing, ...tokenBased } = tokenBasedOf(world, account)
  return { ...common, tokenBased }
}
