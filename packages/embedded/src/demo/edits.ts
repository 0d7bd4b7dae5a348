// A gentle stream of edits on both sides, so that the console has something to show: a person here
// changes a contact through the runtime, a person there changes one through the CRM's own client.
import { Faker, en } from '@faker-js/faker'
import { setTimeout as wait } from 'node:timers/promises'
import type { DemoCrm } from './crm.ts'
import type { DemoContact } from './records.ts'

/** One organization to edit: its contacts, its CRM, and how a member writes here. */
export interface EditedOrganization {
  readonly slug: string
  readonly contacts: readonly DemoContact[]
  readonly crm: DemoCrm
  /** Runs a statement as a member of the organization. */
  query(text: string, values: readonly unknown[]): Promise<unknown>
}

export interface EditsOptions {
  readonly organizations: readonly EditedOrganization[]
  readonly seed: number
  /** Pause between two edits. @default 2500 */
  readonly intervalMs?: number
  readonly signal: AbortSignal
  /** Told of an edit that failed; the stream goes on with the next. */
  readonly onError: (slug: string, error: unknown) => void
}

/** Every so many edits a new contact is made instead of one changed. */
const EDITS_PER_CREATE = 12

/** Edits until the signal aborts; resolves then. */
export async function runEdits(options: EditsOptions): Promise<void> {
  const faker = new Faker({ locale: [en], seed: options.seed })
  for (let count = 1; !options.signal.aborted; count++) {
    try {
      await wait(options.intervalMs ?? 2500, undefined, { signal: options.signal })
    } catch {
      return
    }
    const organization = faker.helpers.arrayElement(options.organizations)
    try {
      await editOnce(faker, organization, count % EDITS_PER_CREATE === 0)
    } catch (error) {
      if (!options.signal.aborted) options.onError(organization.slug, error)
    }
  }
}

async function editOnce(faker: Faker, organization: EditedOrganization, create: boolean): Promise<void> {
  const here = faker.datatype.boolean()
  const known = faker.helpers.arrayElement(organization.contacts)
  if (create) {
    const firstName = faker.person.firstName()
    const lastName = faker.person.lastName()
    const contact: DemoContact = {
      firstName,
      lastName,
      email: `${faker.string.alphanumeric({ length: 8, casing: 'lower' })}@${known.email.split('@')[1]}`,
      phone: faker.phone.number({ style: 'international' }),
      title: faker.person.jobTitle(),
      company: known.company,
    }
    if (here)
      await organization.query(
        'insert into contacts (email, first_name, last_name, phone, title) values ($1, $2, $3, $4, $5)',
        [contact.email, contact.firstName, contact.lastName, contact.phone, contact.title],
      )
    else await organization.crm.createContact(contact)
    return
  }
  const change = faker.datatype.boolean()
    ? { title: faker.person.jobTitle() }
    : { phone: faker.phone.number({ style: 'international' }) }
  if (!here) return organization.crm.editContact(known.email, change)
  await organization.query(
    'update contacts set title = coalesce($1, title), phone = coalesce($2, phone), updated_at = now() where email = $3',
    [change.title ?? null, change.phone ?? null, known.email],
  )
}
