// What the demo needs of a CRM, whichever it is: load it once, and edit it as a person there would.
import type { DemoContact, DemoRecords } from './records.ts'

export interface DemoCrm {
  load(records: DemoRecords): Promise<void>
  countContacts(): Promise<number>
  /** Does nothing when no contact has this e-mail address. */
  editContact(email: string, change: { readonly title?: string; readonly phone?: string }): Promise<void>
  createContact(contact: DemoContact): Promise<void>
}
