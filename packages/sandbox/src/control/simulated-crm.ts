// What every simulated CRM offers to the control API and to tests: its records, and the hand of a person
// at work in it. Types only, so that neither the server nor the control routes need to know each other.
import type { Hono } from 'hono'
import type { Endpoint } from '../http/endpoints.ts'
import type { Account, Connector } from '../oauth/account.ts'
import type { Env } from '../world.ts'

export interface CreatedAccount {
  readonly connector: Connector
  /** HubSpot portal id, Salesforce organization id (18 characters) or NetSuite account id. */
  readonly id: string
  readonly name: string
  readonly edition: string
  /** Standing token of the account's private app; lives until revoked. */
  readonly accessToken: string
  /** Standing token of a person at work in the CRM: another app, so another rate limit and other webhooks' source. */
  readonly personToken: string
  /** The secret that signs webhooks of the private app. */
  readonly webhookSecret: string
  /** Salesforce: the only user, for logins that take a password. */
  readonly username?: string
  readonly password?: string
  /** NetSuite: token-based authentication (OAuth 1.0) as the private app. */
  readonly tokenBased?: TokenBased
  /** Where the official client's base URL, login URL or instance URL points. */
  readonly url: string
}

export interface TokenBased {
  readonly consumerKey: string
  readonly consumerSecret: string
  readonly tokenId: string
  readonly tokenSecret: string
}

export type HandFieldType = 'text' | 'number' | 'integer' | 'boolean' | 'date' | 'datetime' | 'picklist' | 'reference'

/** A custom field in terms all three CRMs have. */
export interface HandField {
  /** As the CRM wants it: `favourite_colour`, `Colour__c`, `custentity_colour`. */
  readonly name: string
  readonly label?: string | undefined
  readonly type: HandFieldType
  readonly options?: readonly string[] | undefined
  readonly unique?: boolean | undefined
  /** References: the object they lead to. */
  readonly referenceTo?: string | undefined
}

/** What a person does in the CRM's own pages: no rate limit, no chaos, webhooks name the user interface. */
export interface Hand {
  /** Returns the new record's id. */
  create(object: string, values: Readonly<Record<string, unknown>>): string
  update(object: string, id: string, values: Readonly<Record<string, unknown>>): void
  /** HubSpot archives, Salesforce moves to the recycle bin, NetSuite deletes. */
  remove(object: string, id: string): void
  /** Brings back what was removed; NetSuite cannot. */
  restore(object: string, id: string): void
  /** Returns the id that remains: HubSpot's is a new one. */
  merge(object: string, winnerId: string, loserId: string): string
  /** HubSpot only, where references are no fields: associates with another record, or ends it; a company becomes the primary one. */
  associate?(object: string, id: string, withObject: string, withId: string, ends?: boolean): void
  addField(object: string, field: HandField): void
  /** A custom object; returns the name the API knows it by. */
  addObject(name: string, label: string): string
}

/** Trouble with Salesforce's change events. */
export interface ChangeEventTrouble {
  /** So many changes from now on are told as gap events, without their values. */
  readonly gaps?: number | undefined
  /** An overflow event for this object. */
  readonly overflow?: string | undefined
  /** Forgets every event, as after the three days they are kept. */
  readonly forget?: boolean | undefined
}

export interface Simulation {
  readonly app: Hono<Env>
  /** Everything it answers, each once; paths that mean the same are all there. */
  readonly endpoints: readonly Endpoint[]
  /** Records in the API's own shape, with every field. */
  records(account: Account, object: string, archived: boolean): Record<string, unknown>[]
  /** The objects whose records are shown to people. */
  objects(account: Account): readonly string[]
  count(account: Account, object: string): number
  /** Empties the account's records. */
  clear(account: Account): void
  /** Takes up changed limits of an account. */
  forget(account: string): void
  hand(account: Account): Hand
  /** Salesforce only. */
  changeEvents?(account: Account, trouble: ChangeEventTrouble): void
}
