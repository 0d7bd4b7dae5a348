// Accounts (HubSpot portals, Salesforce organizations, NetSuite companies) and the OAuth apps that may connect to them.
// Apps are shared by all accounts; what an app may see is decided by the token alone (tokens.ts).
import { RowhouseError } from '@rowhouse/contracts'
import { resolveAccount } from '../options.ts'
import type { AccountInput, App } from '../options.ts'
import type { Account, Connector } from './account.ts'
import { organizationId } from '../salesforce/ids.ts'
import { editionOf } from './editions.ts'
import type { Seeded } from '../store/seeded.ts'
import type { Shelf, Store } from '../store/store.ts'

/** An app as registered: `appId` is HubSpot's number for it, also used in webhooks. */
export interface RegisteredApp extends App {
  readonly connector: Connector
  readonly appId: number
}

export class Accounts {
  readonly #accounts: Shelf<Account>
  readonly #apps: Shelf<RegisteredApp>
  readonly #store: Store
  readonly #seeded: Seeded

  constructor(store: Store, seeded: Seeded) {
    this.#store = store
    this.#seeded = seeded
    this.#accounts = store.shelf('', 'account')
    this.#apps = store.shelf('', 'app')
  }

  /** Creates the account, or updates the one that has this id: a restart with the same input changes nothing. */
  create(input: AccountInput): Account {
    const { connector, id, name, edition, users, suiteCloudPlus, apps, limits } = resolveAccount(input)
    const accountId = canonicalId(connector, id ?? this.#newId(connector))
    const known = this.#accounts.get(accountId)
    if (known && known.connector !== connector) {
      throw new RowhouseError('invalid_option', `The account ${accountId} exists and is of ${known.connector}.`)
    }
    const account: Account = {
      connector,
      id: accountId,
      name: name ?? known?.name ?? `${connector} ${accountId}`,
      edition: editionOf(connector, edition ?? known?.edition),
      users,
      suiteCloudPlus,
      limits,
    }
    this.#accounts.set(accountId, account)
    for (const app of apps) this.register(connector, app)
    return account
  }

  register(connector: Connector, app: App): RegisteredApp {
    const known = this.#apps.get(app.clientId)
    if (known && known.connector !== connector) {
      throw new RowhouseError('invalid_option', `The client id ${app.clientId} is of an app for ${known.connector}.`)
    }
    const registered = { ...app, connector, appId: known?.appId ?? 1_000_000 + this.#store.next('', 'app') }
    this.#apps.set(app.clientId, registered)
    return registered
  }

  find(id: string): Account | undefined {
    return (
      this.#accounts.get(id) ??
      this.#accounts.get(canonicalId('salesforce', id)) ??
      this.#accounts.get(canonicalId('netsuite', id))
    )
  }

  all(connector?: Connector): Account[] {
    return [...this.#accounts.values()].filter((account) => !connector || account.connector === connector)
  }

  app(connector: Connector, clientId: string): RegisteredApp | undefined {
    const app = this.#apps.get(clientId)
    return app?.connector === connector ? app : undefined
  }

  appById(appId: number): RegisteredApp | undefined {
    return [...this.#apps.values()].find((app) => app.appId === appId)
  }

  #newId(connector: Connector): string {
    const ordinal = this.#store.next('', `account.${connector}`)
    const digits = Number.parseInt(this.#seeded.hex(`portal.${ordinal}`, 6), 16)
    if (connector === 'hubspot') return String(40_000_000 + (digits % 9_000_000) + ordinal)
    if (connector === 'netsuite') return `TSTDRV${1_000_000 + (digits % 8_000_000) + ordinal}`
    return organizationId(this.#seeded.letters(`organization.${ordinal}`, 9))
  }
}

function canonicalId(connector: Connector, id: string): string {
  // In host names NetSuite writes 123456_SB1 as 123456-sb1.
  if (connector === 'netsuite') return id.toUpperCase().replaceAll('-', '_')
  return connector === 'salesforce' && /^00D[A-Za-z0-9]{12}([A-Z0-5]{3})?$/.test(id)
    ? organizationId(id.slice(3, 15))
    : id
}
