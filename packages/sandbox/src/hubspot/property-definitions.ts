// The properties every portal has. Owns names, types and options; must not validate values.
// https://knowledge.hubspot.com/properties/hubspots-default-contact-properties
import { industries } from './industries.ts'
import { objectTypes } from './object-types.ts'
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

// name:type, '!' at the end for what only HubSpot writes.
const shared = `createdate:datetime! hs_object_id:number! hs_merged_object_ids:enumeration! hs_object_source:string!
hs_lead_status:enumeration lifecyclestage:enumeration hubspot_owner_id:string phone:phone_number website:string
address:string city:string state:string zip:string country:string annualrevenue:string`
const own: Readonly<Record<ObjectType, string>> = {
  contacts: `lastmodifieddate:datetime! associatedcompanyid:number! email:string firstname:string lastname:string
jobtitle:string company:string mobilephone:phone_number fax:string industry:string salutation:string
date_of_birth:string numemployees:string twitterhandle:string message:string hs_language:string
hs_additional_emails:string`,
  companies: `hs_lastmodifieddate:datetime! name:string domain:string industry:enumeration numberofemployees:number
description:string type:enumeration founded_year:string about_us:string address2:string timezone:string
linkedin_company_page:string twitterhandle:string is_public:bool closedate:datetime`,
}

const optionsOf: Readonly<Record<string, readonly string[]>> = {
  lifecyclestage: lifecycleStages,
  hs_lead_status: leadStatuses,
  'companies.industry': industries,
  'companies.type': ['PROSPECT', 'PARTNER', 'RESELLER', 'VENDOR', 'OTHER'],
}

/** The definitions a new portal starts with. */
export function defaultProperties(type: ObjectType): PropertyDefinition[] {
  return `${shared} ${own[type]}`.split(/\s+/).map((text): PropertyDefinition => {
    const [name = '', kind = ''] = text.split(':')
    const propertyType = kind.replace('!', '') as PropertyType
    return {
      name,
      label: labelOf(name),
      type: name === 'annualrevenue' && type === 'companies' ? 'number' : propertyType,
      fieldType: fieldTypeOf(propertyType),
      groupName: `${objectTypes[type].singular}information`,
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
