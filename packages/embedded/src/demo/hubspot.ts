// What the demo does to a simulated HubSpot portal, through HubSpot's own client: loads records once,
// then edits one now and then, as a person at the CRM would.
import { Client } from '@hubspot/api-client'
import type { DemoContact, DemoRecords } from './records.ts'
import type { DemoCrm } from './crm.ts'
import { chunks } from './chunks.ts'

const BATCH_SIZE = 100
/** HubSpot's own association from a contact to its primary company. */
const CONTACT_TO_PRIMARY_COMPANY = 1

const industryOf: Record<string, string> = {
  Banking: 'BANKING',
  Biotechnology: 'BIOTECHNOLOGY',
  Construction: 'CONSTRUCTION',
  Education: 'EDUCATION_MANAGEMENT',
  Energy: 'OIL_ENERGY',
  Healthcare: 'HOSPITAL_HEALTH_CARE',
  Hospitality: 'HOSPITALITY',
  Insurance: 'INSURANCE',
  Manufacturing: 'MACHINERY',
  Retail: 'RETAIL',
  Technology: 'COMPUTER_SOFTWARE',
  Transportation: 'TRANSPORTATION_TRUCKING_RAILROAD',
}

const DEAL_TO_PRIMARY_COMPANY = 5
const stages = ['appointmentscheduled', 'qualifiedtobuy', 'presentationscheduled', 'contractsent', 'closedwon']

const propertiesOf = (contact: DemoContact) => ({
  email: contact.email,
  firstname: contact.firstName,
  lastname: contact.lastName,
  phone: contact.phone,
  jobtitle: contact.title,
})

export function connectHubSpot(options: { readonly url: string; readonly accessToken: string }): DemoCrm {
  const client = new Client({ accessToken: options.accessToken, basePath: options.url, numberOfApiCallRetries: 3 })

  return {
    async load(records: DemoRecords): Promise<void> {
      const companyIdByDomain = new Map<string, string>()
      for (const batch of chunks(records.companies, BATCH_SIZE)) {
        const created = await client.crm.companies.batchApi.create({
          inputs: batch.map((company) => ({
            properties: {
              name: company.name,
              domain: company.domain,
              industry: industryOf[company.industry] ?? 'COMPUTER_SOFTWARE',
              numberofemployees: String(company.employees),
            },
          })),
        })
        for (const { id, properties } of created.results) companyIdByDomain.set(properties['domain'] ?? '', id)
      }
      for (const batch of chunks(records.contacts, BATCH_SIZE)) {
        await client.crm.contacts.batchApi.create({
          inputs: batch.map((contact) => ({
            properties: propertiesOf(contact),
            associations: [
              {
                to: { id: companyIdByDomain.get(records.companies[contact.company]?.domain ?? '') ?? '' },
                types: [
                  {
                    associationCategory: 'HUBSPOT_DEFINED' as never,
                    associationTypeId: CONTACT_TO_PRIMARY_COMPANY,
                  },
                ],
              },
            ],
          })),
        })
      }
      for (const batch of chunks(records.deals, BATCH_SIZE)) {
        await client.crm.deals.batchApi.create({
          inputs: batch.map((deal) => ({
            properties: {
              dealname: deal.name,
              amount: String(deal.amount),
              dealstage: stages[deal.step] ?? 'appointmentscheduled',
              pipeline: 'default',
              closedate: `${deal.closesOn}T12:00:00Z`,
            },
            associations: [
              {
                to: { id: companyIdByDomain.get(records.companies[deal.company]?.domain ?? '') ?? '' },
                types: [
                  { associationCategory: 'HUBSPOT_DEFINED' as never, associationTypeId: DEAL_TO_PRIMARY_COMPANY },
                ],
              },
            ],
          })),
        })
      }
    },

    async countContacts(): Promise<number> {
      const found = await client.crm.contacts.searchApi.doSearch({
        filterGroups: [],
        limit: 1,
        properties: [],
        sorts: [],
        after: '0',
      })
      return found.total
    },

    async editContact(email, change): Promise<void> {
      const properties: Record<string, string> = {}
      if (change.title !== undefined) properties['jobtitle'] = change.title
      if (change.phone !== undefined) properties['phone'] = change.phone
      try {
        await client.crm.contacts.basicApi.update(email, { properties }, 'email')
      } catch (error) {
        // Somebody gave the contact another address: there is nobody to edit.
        if ((error as { code?: number }).code !== 404) throw error
      }
    },

    async createContact(contact): Promise<void> {
      await client.crm.contacts.basicApi.create({ properties: propertiesOf(contact), associations: [] })
    },
  }
}
