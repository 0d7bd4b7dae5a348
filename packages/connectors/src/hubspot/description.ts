// What HubSpot is, before any call: objects, limits, capabilities, the mapping a connection starts with.
// Owns names and numbers only.
// Limits: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
// Search: https://developers.hubspot.com/docs/api-reference/search/guide
import { mappingOf, referencesTo } from '../kit/mapping.ts'
import type { ConnectorDescription } from '../kit/description.ts'
import type { HubspotObject } from './object.ts'

/** The unique custom property that carries our create token; made by prepare. */
export const tokenProperty = 'rowhouse_token'

/** Most inputs of a batch endpoint. */
export const batchSizeMax = 100
/** Most results on a page of the list endpoint … */
export const listPageMax = 100
/** … and of a search. */
export const searchPageMax = 200

const category = 'HUBSPOT_DEFINED'
const readOnlyFields = ['hs_object_id', 'createdate', 'hs_createdate', 'lastmodifieddate', 'hs_lastmodifieddate']
const common = {
  pageSizeMax: listPageMax,
  batchSizeMax,
  createTokenField: tokenProperty,
  readOnlyFields,
  modifiedProperty: 'hs_lastmodifieddate',
  idProperties: [tokenProperty],
  days: [],
  requiredField: null,
  timeZone: 'UTC',
} as const

export const company: HubspotObject = {
  ...common,
  name: 'company',
  remoteName: 'companies',
  path: 'companies',
  references: [],
  uniqueFields: ['domain'],
  typeId: '0-2',
  propertyGroup: 'companyinformation',
  kinds: { domain: 'domain', numberofemployees: 'number' },
  associations: {},
}

export const contact: HubspotObject = {
  ...common,
  name: 'contact',
  remoteName: 'contacts',
  path: 'contacts',
  references: referencesTo('company'),
  uniqueFields: ['email'],
  modifiedProperty: 'lastmodifieddate',
  typeId: '0-1',
  propertyGroup: 'contactinformation',
  idProperties: ['email', tokenProperty],
  kinds: { email: 'email' },
  associations: { company: { to: 'company', category, typeId: 1, primary: true } },
}

export const deal: HubspotObject = {
  ...common,
  name: 'deal',
  remoteName: 'deals',
  path: 'deals',
  references: referencesTo('company', 'contact'),
  uniqueFields: [],
  readOnlyFields: [...readOnlyFields, 'hs_is_closed', 'hs_is_closed_won'],
  typeId: '0-3',
  propertyGroup: 'dealinformation',
  kinds: { amount: 'number', closedate: 'date', dealstage: 'choice', pipeline: 'choice' },
  days: ['closedate'],
  associations: {
    company: { to: 'company', category, typeId: 5, primary: true },
    contact: { to: 'contact', category, typeId: 3, primary: false },
  },
}

const subjects = referencesTo('company', 'contact', 'deal')
const subjectColumns = { company_id: 'company', contact_id: 'contact', deal_id: 'deal' } as const

export const note: HubspotObject = {
  ...common,
  name: 'note',
  remoteName: 'notes',
  path: 'notes',
  references: subjects,
  uniqueFields: [],
  typeId: '0-46',
  propertyGroup: 'noteinformation',
  kinds: { hs_timestamp: 'instant' },
  requiredField: { name: 'hs_timestamp', label: 'the time it was made at' },
  associations: {
    company: { to: 'company', category, typeId: 190, primary: false },
    contact: { to: 'contact', category, typeId: 202, primary: false },
    deal: { to: 'deal', category, typeId: 214, primary: false },
  },
}

export const task: HubspotObject = {
  ...common,
  name: 'task',
  remoteName: 'tasks',
  path: 'tasks',
  references: subjects,
  uniqueFields: [],
  typeId: '0-27',
  propertyGroup: 'taskinformation',
  kinds: { hs_timestamp: 'date', hs_task_status: 'choice', hs_task_priority: 'choice' },
  days: ['hs_timestamp'],
  requiredField: { name: 'hs_timestamp', label: 'a due date' },
  associations: {
    company: { to: 'company', category, typeId: 192, primary: false },
    contact: { to: 'contact', category, typeId: 204, primary: false },
    deal: { to: 'deal', category, typeId: 216, primary: false },
  },
}

export const objects: readonly HubspotObject[] = [company, contact, deal, note, task]

/** A custom object, known by its type id, before anything is known of its fields. */
export function customObject(typeId: string): HubspotObject {
  return {
    ...common,
    name: typeId,
    remoteName: typeId,
    path: typeId,
    references: [],
    uniqueFields: [],
    typeId,
    propertyGroup: null,
    kinds: {},
    associations: {},
  }
}

export const description: ConnectorDescription = {
  id: 'hubspot',
  name: 'HubSpot',
  defaultBaseUrl: 'https://api.hubapi.com',
  domains: ['hubapi.com'],
  objects,
  customObjects: common,
  budgets: [
    // The daily number is that of the smallest subscription; larger ones and OAuth apps have more.
    { name: 'default', windows: [{ calls: 110, windowMs: 10_000 }], callsPerDay: 250_000, concurrent: null },
    { name: 'search', windows: [{ calls: 5, windowMs: 1000 }], callsPerDay: null, concurrent: null },
  ],
  capabilities: { webhooks: true, conditionalWrites: false, clientTag: false, fieldHistory: true },
  // The search index has no documented bound; most changes are visible within seconds. The repair lane finds the rest.
  visibilityLagMs: 10_000,
  defaultMapping: [
    mappingOf(
      'company',
      'companies',
      { name: 'name', domain: 'domain', industry: 'industry', employees: 'numberofemployees' },
      {},
      { matchBy: ['domain'] },
    ),
    mappingOf(
      'contact',
      'contacts',
      { email: 'email', first_name: 'firstname', last_name: 'lastname', phone: 'phone', title: 'jobtitle' },
      { company_id: 'company' },
      { matchBy: ['email'] },
    ),
    mappingOf(
      'deal',
      'deals',
      { name: 'dealname', amount: 'amount', stage: 'dealstage', close_date: 'closedate' },
      { company_id: 'company' },
      { optional: true },
    ),
    mappingOf('note', 'notes', { body: 'hs_note_body', noted_at: 'hs_timestamp' }, subjectColumns, { optional: true }),
    mappingOf(
      'task',
      'tasks',
      {
        subject: 'hs_task_subject',
        body: 'hs_task_body',
        status: 'hs_task_status',
        priority: 'hs_task_priority',
        due_date: 'hs_timestamp',
      },
      subjectColumns,
      { optional: true },
    ),
  ],
}
