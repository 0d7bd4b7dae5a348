// What HubSpot is, before any call: objects, limits, capabilities, the mapping a connection starts with.
// Owns names and numbers only.
// Limits: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
// Search: https://developers.hubspot.com/docs/api-reference/search/guide
import type { ConnectorDescription, ObjectDescription } from '../kit/description.ts'
import type { FieldKind } from '../kit/canonical.ts'

/** The unique custom property that carries our create token; made by prepare. */
export const tokenProperty = 'rowhouse_token'

/** Most inputs of a batch endpoint. */
export const batchSizeMax = 100
/** Most results on a page of the list endpoint … */
export const listPageMax = 100
/** … and of a search. */
export const searchPageMax = 200

export interface HubspotObject extends ObjectDescription {
  /** Property that moves with every change of the record's properties. */
  readonly modifiedProperty: string
  /** Object type id in generic webhooks. */
  readonly typeId: string
  /** Group a custom property is shown in. */
  readonly propertyGroup: string
  /** Properties that batch read takes as `idProperty`; other unique fields are searched. */
  readonly idProperties: readonly string[]
  readonly kinds: Readonly<Record<string, FieldKind>>
}

const readOnlyFields = ['hs_object_id', 'createdate', 'hs_createdate', 'lastmodifieddate', 'hs_lastmodifieddate']

export const contact: HubspotObject = {
  name: 'contact',
  remoteName: 'contacts',
  references: [{ name: 'company', object: 'company' }],
  uniqueFields: ['email'],
  pageSizeMax: listPageMax,
  batchSizeMax,
  createTokenField: tokenProperty,
  readOnlyFields,
  modifiedProperty: 'lastmodifieddate',
  typeId: '0-1',
  propertyGroup: 'contactinformation',
  idProperties: ['email', tokenProperty],
  kinds: { email: 'email' },
}

export const company: HubspotObject = {
  name: 'company',
  remoteName: 'companies',
  references: [],
  uniqueFields: ['domain'],
  pageSizeMax: listPageMax,
  batchSizeMax,
  createTokenField: tokenProperty,
  readOnlyFields,
  modifiedProperty: 'hs_lastmodifieddate',
  typeId: '0-2',
  propertyGroup: 'companyinformation',
  idProperties: [tokenProperty],
  kinds: { domain: 'domain', numberofemployees: 'number' },
}

export const objects: readonly HubspotObject[] = [contact, company]

export const description: ConnectorDescription = {
  id: 'hubspot',
  name: 'HubSpot',
  defaultBaseUrl: 'https://api.hubapi.com',
  domains: ['hubapi.com'],
  objects,
  budgets: [
    // The daily number is that of the smallest subscription; larger ones and OAuth apps have more.
    { name: 'default', windows: [{ calls: 110, windowMs: 10_000 }], callsPerDay: 250_000, concurrent: null },
    { name: 'search', windows: [{ calls: 5, windowMs: 1000 }], callsPerDay: null, concurrent: null },
  ],
  capabilities: { webhooks: true, conditionalWrites: false, clientTag: false, fieldHistory: true },
  // The search index has no documented bound; most changes are visible within seconds. The repair lane finds the rest.
  visibilityLagMs: 10_000,
  defaultMapping: [
    {
      object: 'company',
      table: 'companies',
      fields: [
        { column: 'name', field: 'name' },
        { column: 'domain', field: 'domain' },
        { column: 'industry', field: 'industry' },
        { column: 'employees', field: 'numberofemployees' },
      ],
      references: [],
      matchBy: ['domain'],
    },
    {
      object: 'contact',
      table: 'contacts',
      fields: [
        { column: 'email', field: 'email' },
        { column: 'first_name', field: 'firstname' },
        { column: 'last_name', field: 'lastname' },
        { column: 'phone', field: 'phone' },
        { column: 'title', field: 'jobtitle' },
      ],
      references: [{ column: 'company_id', reference: 'company' }],
      matchBy: ['email'],
    },
  ],
}
