// The object types of the simulated portal and how HubSpot names them: plural in paths, singular in
// events, numbers in v4. Adding a type starts here. Must not hold any record.
// Type and association ids: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
import { notFound } from './errors.ts'

export type ObjectType = 'contacts' | 'companies'

export interface ObjectTypeFacts {
  readonly typeId: string
  readonly singular: 'contact' | 'company'
  /** The property that search cursors use; only contacts miss the prefix. */
  readonly modifiedProperty: 'lastmodifieddate' | 'hs_lastmodifieddate'
  /** Properties an answer carries when the request names none. */
  readonly defaultProperties: readonly string[]
}

export const objectTypes: Readonly<Record<ObjectType, ObjectTypeFacts>> = {
  contacts: {
    typeId: '0-1',
    singular: 'contact',
    modifiedProperty: 'lastmodifieddate',
    defaultProperties: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
  },
  companies: {
    typeId: '0-2',
    singular: 'company',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['createdate', 'domain', 'hs_lastmodifieddate', 'hs_object_id', 'name'],
  },
}

const aliases: Readonly<Record<string, ObjectType>> = {
  contacts: 'contacts',
  contact: 'contacts',
  '0-1': 'contacts',
  companies: 'companies',
  company: 'companies',
  '0-2': 'companies',
}

/** The type a path or body names. Throws HubSpot's 400 for one this portal does not have. */
export function parseObjectType(name: string): ObjectType {
  const type = aliases[name.toLowerCase()]
  if (!type) throw notFound(`Unable to infer object type from: ${name}`)
  return type
}
