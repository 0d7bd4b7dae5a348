// The control of a sandbox in terms of its accounts: the same for the HTTP control API and for tests that
// hold the sandbox. Owns finding the account, committing, and turning a CRM's refusal into an error.
import { RowhouseError } from '@rowhouse/contracts'
import { Refusal } from '../http/refusal.ts'
import type { Account, Connector } from '../oauth/account.ts'
import type { AccountInput } from '../options.ts'
import type { World } from '../world.ts'
import type { CreatedAccount, Hand, Simulation } from './simulated-crm.ts'

export interface Control {
  createAccount(input: AccountInput): CreatedAccount
  /** Throws `not_found`. */
  account(id: string | undefined): Account
  simulation(account: Account): Simulation
  /** The hand of a person in the account; every call is committed. Throws `validation_failed` with the CRM's own words. */
  person(account: Account): Hand
  reset(account: Account, records: boolean): void
}

export function createControl(
  world: World,
  simulations: Readonly<Record<Connector, Simulation>>,
  createAccount: Control['createAccount'],
): Control {
  const simulation = (account: Account): Simulation => simulations[account.connector]
  return {
    createAccount,
    simulation,
    account(id) {
      const account = id === undefined ? undefined : world.accounts.find(id)
      if (!account)
        throw new RowhouseError('not_found', `There is no account ${id ?? '(none was named)'} in this sandbox.`)
      return account
    },
    person: (account) => committing(world, simulation(account).hand(account)),
    reset(account, records) {
      world.chaos.clear(account.id)
      world.tokens.reinstate(account.id)
      world.tokens.reduceScopes(account.id, undefined)
      world.requests.clear(account.id)
      if (records) simulation(account).clear(account)
    },
  }
}

function committing(world: World, hand: Hand): Hand {
  const act = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      throw new RowhouseError('validation_failed', `The CRM refused: ${JSON.stringify(error.body)}`, { cause: error })
    } finally {
      world.store.commit()
    }
  }
  return {
    create: (object, values) => act(() => hand.create(object, values)),
    update: (object, id, values) => act(() => hand.update(object, id, values)),
    remove: (object, id) => act(() => hand.remove(object, id)),
    restore: (object, id) => act(() => hand.restore(object, id)),
    merge: (object, winnerId, loserId) => act(() => hand.merge(object, winnerId, loserId)),
    ...(hand.associate === undefined
      ? {}
      : {
          associate: (...association: Parameters<NonNullable<Hand['associate']>>) =>
            act(() => hand.associate?.(...association)),
        }),
    addField: (object, field) => act(() => hand.addField(object, field)),
    addObject: (name, label) => act(() => hand.addObject(name, label)),
  }
}
