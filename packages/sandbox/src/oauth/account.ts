// What an account is, whichever CRM it is of. Types only.
import type { Limits } from '../options.ts'

export type Connector = 'hubspot' | 'salesforce' | 'netsuite'

export interface Account {
  readonly connector: Connector
  readonly id: string
  readonly name: string
  /** What was bought: it decides the limits that `limits` does not name. */
  readonly edition: string
  /** Salesforce: licensed users, who raise the daily limit. */
  readonly users: number
  /** NetSuite: SuiteCloud Plus licences, which raise the concurrency limit. */
  readonly suiteCloudPlus: number
  readonly limits: Limits
}
