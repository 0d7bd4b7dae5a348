// What the demo does to a simulated Salesforce organization, through jsforce.
import { Connection } from 'jsforce'
import type { DemoContact, DemoRecords } from './records.ts'
import type { DemoCrm } from './crm.ts'
import { chunks } from './chunks.ts'

const BATCH_SIZE = 200

const stages = ['Prospecting', 'Qualification', 'Proposal/Price Quote', 'Negotiation/Review', 'Closed Won']

const fieldsOf = (contact: DemoContact) => ({
  Email: contact.email,
  FirstName: contact.firstName,
  LastName: contact.lastName,
  Phone: contact.phone,
  Title: contact.title,
})

/** A value inside a SOQL string literal. */
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`

export function connectSalesforce(options: { readonly url: string; readonly accessToken: string }): DemoCrm {
  const connection = new Connection({ instanceUrl: options.url, accessToken: options.accessToken, version: '67.0' })

  const create = async (type: string, records: Record<string, unknown>[]): Promise<string[]> => {
    const results = await connection.sobject(type).create(records, { allOrNone: true })
    return results.map((result) => {
      if (!result.success)
        throw new Error(`Salesforce refused a ${type}: ${result.errors.map(({ message }) => message).join('; ')}`)
      return result.id
    })
  }

  return {
    async load(records: DemoRecords): Promise<void> {
      const accountIds: string[] = []
      for (const batch of chunks(records.companies, BATCH_SIZE)) {
        const ids = await create(
          'Account',
          batch.map((company) => ({
            Name: company.name,
            Website: company.domain,
            Industry: company.industry,
            NumberOfEmployees: company.employees,
          })),
        )
        accountIds.push(...ids)
      }
      for (const batch of chunks(records.contacts, BATCH_SIZE)) {
        await create(
          'Contact',
          batch.map((contact) => ({ ...fieldsOf(contact), AccountId: accountIds[contact.company] })),
        )
      }
      for (const batch of chunks(records.deals, BATCH_SIZE)) {
        await create(
          'Opportunity',
          batch.map((deal) => ({
            Name: deal.name,
            Amount: deal.amount,
            StageName: stages[deal.step],
            CloseDate: deal.closesOn,
            AccountId: accountIds[deal.company],
          })),
        )
      }
    },

    async countContacts(): Promise<number> {
      const found = await connection.query('SELECT COUNT() FROM Contact')
      return found.totalSize
    },

    async editContact(email, change): Promise<void> {
      const found = await connection.query<{ Id: string }>(
        `SELECT Id FROM Contact WHERE Email = ${quoted(email)} LIMIT 1`,
      )
      const id = found.records[0]?.Id
      if (id === undefined) return
      const fields: Record<string, string> = {}
      if (change.title !== undefined) fields['Title'] = change.title
      if (change.phone !== undefined) fields['Phone'] = change.phone
      await connection.sobject('Contact').update({ Id: id, ...fields })
    },

    async createContact(contact): Promise<void> {
      await connection.sobject('Contact').create(fieldsOf(contact))
    },
  }
}
