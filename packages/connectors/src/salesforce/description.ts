// What Salesforce is, before any call: objects, limits, capabilities, the mapping a connection starts with.
// Limits: https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
import type { FieldKind } from '../kit/canonical.ts'
import type { ConnectorDescription, ObjectDescription } from '../kit/description.ts'

/** API version of every path. */
export const apiPath = '/services/data/v67.0'
/** External id field that carries our create token; made by prepare. */
export const tokenField = 'Rowhouse_Token__c'
/** Most records of one collections call. */
export const batchSizeMax = 200
/** Most records on a page of a query. */
export const pageSizeMax = 2000

export interface SalesforceObject extends ObjectDescription {
  readonly kinds: Readonly<Record<string, FieldKind>>
  /** Without it a record cannot exist; what a person calls it. */
  readonly requiredField: { readonly name: string; readonly label: string }
  /** Field that holds each reference's id. */
  readonly referenceFields: Readonly<Record<string, string>>
}

const readOnlyFields = ['Id', 'CreatedDate', 'LastModifiedDate', 'SystemModstamp', 'IsDeleted']

export const contact: SalesforceObject = {
  name: 'contact',
  remoteName: 'Contact',
  references: [{ name: 'company', object: 'company' }],
  uniqueFields: ['Email'],
  pageSizeMax,
  batchSizeMax,
  createTokenField: tokenField,
  readOnlyFields: [...readOnlyFields, 'Name'],
  kinds: { Email: 'email' },
  requiredField: { name: 'LastName', label: 'a last name' },
  referenceFields: { company: 'AccountId' },
}

export const company: SalesforceObject = {
  name: 'company',
  remoteName: 'Account',
  references: [],
  uniqueFields: ['Website'],
  pageSizeMax,
  batchSizeMax,
  createTokenField: tokenField,
  readOnlyFields,
  kinds: { Website: 'domain', NumberOfEmployees: 'number' },
  requiredField: { name: 'Name', label: 'a name' },
  referenceFields: {},
}

export const objects: readonly SalesforceObject[] = [contact, company]

export const description: ConnectorDescription = {
  id: 'salesforce',
  name: 'Salesforce',
  defaultBaseUrl: 'https://login.salesforce.com',
  // Instance and sandbox hosts: https://help.salesforce.com/s/articleView?id=sf.domain_name_url_formats.htm
  domains: ['salesforce.com'],
  objects,
  budgets: [
    // The allocation of a Developer Edition, the smallest; Sforce-Limit-Info tells the real one.
    { name: 'default', windows: [], callsPerDay: 15_000, concurrent: 25 },
  ],
  // The client tag comes back in change events only, which this connector does not read.
  capabilities: { webhooks: false, conditionalWrites: true, clientTag: false, fieldHistory: false },
  // SystemModstamp is set when a transaction writes, and seen when it commits.
  visibilityLagMs: 60_000,
  defaultMapping: [
    {
      object: 'company',
      table: 'companies',
      fields: [
        { column: 'name', field: 'Name' },
        { column: 'domain', field: 'Website' },
        { column: 'industry', field: 'Industry' },
        { column: 'employees', field: 'NumberOfEmployees' },
      ],
      references: [],
      matchBy: ['domain'],
    },
    {
      object: 'contact',
      table: 'contacts',
      fields: [
        { column: 'email', field: 'Email' },
        { column: 'first_name', field: 'FirstName' },
        { column: 'last_name', field: 'LastName' },
        { column: 'phone', field: 'Phone' },
        { column: 'title', field: 'Title' },
      ],
      references: [{ column: 'company_id', reference: 'company' }],
      matchBy: ['email'],
    },
  ],
}
