// What Salesforce is, before any call: objects, limits, capabilities, the mapping a connection starts with.
// Limits: https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
import { mappingOf, referencesTo } from '../kit/mapping.ts'
import type { ConnectorDescription } from '../kit/description.ts'
import type { SalesforceObject } from './object.ts'

/** API version of every path. */
export const apiPath = '/services/data/v67.0'
/** External id field that carries our create token; made by prepare. */
export const tokenField = 'Rowhouse_Token__c'
/** Most records of one collections call. */
export const batchSizeMax = 200
/** Most records on a page of a query. */
export const pageSizeMax = 2000

const readOnlyFields = ['Id', 'CreatedDate', 'LastModifiedDate', 'SystemModstamp', 'IsDeleted']
const common = {
  pageSizeMax,
  batchSizeMax,
  createTokenField: tokenField,
  readOnlyFields,
  fixedFields: [],
  mergeable: false,
} as const

export const company: SalesforceObject = {
  ...common,
  name: 'company',
  remoteName: 'Account',
  references: [],
  uniqueFields: ['Website'],
  kinds: { Website: 'domain', NumberOfEmployees: 'number' },
  requiredFields: [{ name: 'Name', label: 'a name' }],
  referenceFields: {},
  customFieldsOf: 'Account',
  mergeable: true,
}

export const contact: SalesforceObject = {
  ...common,
  name: 'contact',
  remoteName: 'Contact',
  references: referencesTo('company'),
  uniqueFields: ['Email'],
  readOnlyFields: [...readOnlyFields, 'Name'],
  kinds: { Email: 'email' },
  requiredFields: [{ name: 'LastName', label: 'a last name' }],
  referenceFields: { company: { field: 'AccountId', prefix: null } },
  customFieldsOf: 'Contact',
  mergeable: true,
}

export const deal: SalesforceObject = {
  ...common,
  name: 'deal',
  remoteName: 'Opportunity',
  references: referencesTo('company'),
  uniqueFields: [],
  readOnlyFields: [...readOnlyFields, 'IsClosed', 'IsWon'],
  kinds: { Amount: 'number', Probability: 'number', CloseDate: 'date', StageName: 'choice' },
  requiredFields: [
    { name: 'Name', label: 'a name' },
    { name: 'StageName', label: 'a stage' },
    { name: 'CloseDate', label: 'a close date' },
  ],
  referenceFields: { company: { field: 'AccountId', prefix: null } },
  customFieldsOf: 'Opportunity',
}

const subjects = referencesTo('company', 'contact', 'deal')
const subjectColumns = { company_id: 'company', contact_id: 'contact', deal_id: 'deal' } as const

/** The classic note: text about one record, which it never leaves. It takes no custom fields, so no token either. */
export const note: SalesforceObject = {
  ...common,
  name: 'note',
  remoteName: 'Note',
  references: subjects,
  uniqueFields: ['Title'],
  createTokenField: null,
  kinds: { IsPrivate: 'boolean' },
  requiredFields: [{ name: 'Title', label: 'a title' }],
  referenceFields: {
    company: { field: 'ParentId', prefix: '001' },
    contact: { field: 'ParentId', prefix: '003' },
    deal: { field: 'ParentId', prefix: '006' },
  },
  fixedFields: ['ParentId'],
  customFieldsOf: 'Note',
}

export const task: SalesforceObject = {
  ...common,
  name: 'task',
  remoteName: 'Task',
  references: subjects,
  uniqueFields: [],
  readOnlyFields: [...readOnlyFields, 'IsClosed'],
  kinds: { ActivityDate: 'date', Status: 'choice', Priority: 'choice' },
  requiredFields: [],
  referenceFields: {
    company: { field: 'WhatId', prefix: '001' },
    contact: { field: 'WhoId', prefix: '003' },
    deal: { field: 'WhatId', prefix: '006' },
  },
  customFieldsOf: 'Activity',
}

export const objects: readonly SalesforceObject[] = [company, contact, deal, note, task]

/** A custom object, before anything is known of its fields. */
export function customObject(name: string): SalesforceObject {
  return {
    ...common,
    name,
    remoteName: name,
    references: [],
    uniqueFields: [],
    kinds: {},
    requiredFields: [],
    referenceFields: {},
    customFieldsOf: name,
  }
}

export const description: ConnectorDescription = {
  id: 'salesforce',
  name: 'Salesforce',
  defaultBaseUrl: 'https://login.salesforce.com',
  // Instance and sandbox hosts: https://help.salesforce.com/s/articleView?id=sf.domain_name_url_formats.htm
  domains: ['salesforce.com'],
  objects,
  customObjects: common,
  budgets: [
    // The allocation of a Developer Edition, the smallest; Sforce-Limit-Info tells the real one.
    // Of the calls under way it limits those that take longer than 20 seconds, and none of the engine's may.
    { name: 'default', windows: [], callsPerDay: 15_000, concurrent: null },
  ],
  // The client tag comes back in change events only: no record that is read carries it.
  capabilities: { webhooks: false, conditionalWrites: true, clientTag: false, fieldHistory: false },
  // SystemModstamp is set when a transaction writes, and seen when it commits.
  visibilityLagMs: 60_000,
  defaultMapping: [
    mappingOf(
      'company',
      'companies',
      { name: 'Name', domain: 'Website', industry: 'Industry', employees: 'NumberOfEmployees' },
      {},
      { matchBy: ['domain'] },
    ),
    mappingOf(
      'contact',
      'contacts',
      { email: 'Email', first_name: 'FirstName', last_name: 'LastName', phone: 'Phone', title: 'Title' },
      { company_id: 'company' },
      { matchBy: ['email'] },
    ),
    mappingOf(
      'deal',
      'deals',
      { name: 'Name', amount: 'Amount', stage: 'StageName', close_date: 'CloseDate' },
      { company_id: 'company' },
      { optional: true },
    ),
    mappingOf('note', 'notes', { title: 'Title', body: 'Body' }, subjectColumns, { optional: true }),
    mappingOf(
      'task',
      'tasks',
      { subject: 'Subject', body: 'Description', status: 'Status', priority: 'Priority', due_date: 'ActivityDate' },
      subjectColumns,
      { optional: true },
    ),
  ],
}
