// The object types of a portal and how HubSpot names them: plural in paths, singular in events, numbers in
// v4. Custom types are known by their number. Adding a standard type starts here. Must not hold any record.
// Type and association ids: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide

/** The plural of a standard type, `2-N` for a custom one. */
export type ObjectType = string

export interface ObjectTypeFacts {
  readonly typeId: string
  readonly singular: string
  /** The property that search cursors use; only contacts miss the prefix. */
  readonly modifiedProperty: 'lastmodifieddate' | 'hs_lastmodifieddate'
  readonly createdProperty: 'createdate' | 'hs_createdate'
  /** Properties an answer carries when the request names none. */
  readonly defaultProperties: readonly string[]
  /** The scope that reading needs; writing needs the same with `write`. */
  readonly scope: string
  /** A record is not made without them. */
  readonly requiredProperties?: readonly string[]
}

const standard: Readonly<Record<string, ObjectTypeFacts>> = {
  contacts: {
    typeId: '0-1',
    singular: 'contact',
    modifiedProperty: 'lastmodifieddate',
    createdProperty: 'createdate',
    defaultProperties: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
    scope: 'crm.objects.contacts',
  },
  companies: {
    typeId: '0-2',
    singular: 'company',
    modifiedProperty: 'hs_lastmodifieddate',
    createdProperty: 'createdate',
    defaultProperties: ['createdate', 'domain', 'hs_lastmodifieddate', 'hs_object_id', 'name'],
    scope: 'crm.objects.companies',
  },
  deals: {
    typeId: '0-3',
    singular: 'deal',
    modifiedProperty: 'hs_lastmodifieddate',
    createdProperty: 'createdate',
    defaultProperties: [
      'amount',
      'closedate',
      'createdate',
      'dealname',
      'dealstage',
      'hs_lastmodifieddate',
      'hs_object_id',
      'pipeline',
    ],
    scope: 'crm.objects.deals',
  },
  notes: {
    typeId: '0-46',
    singular: 'note',
    modifiedProperty: 'hs_lastmodifieddate',
    createdProperty: 'hs_createdate',
    defaultProperties: ['hs_createdate', 'hs_lastmodifieddate', 'hs_object_id'],
    // Notes and tasks are read by whoever reads contacts.
    scope: 'crm.objects.contacts',
    requiredProperties: ['hs_timestamp'],
  },
  tasks: {
    typeId: '0-27',
    singular: 'task',
    modifiedProperty: 'hs_lastmodifieddate',
    createdProperty: 'hs_createdate',
    defaultProperties: ['hs_createdate', 'hs_lastmodifieddate', 'hs_object_id'],
    scope: 'crm.objects.contacts',
    requiredProperties: ['hs_timestamp'],
  },
}

export const standardTypes = Object.keys(standard)

export function factsOf(type: ObjectType): ObjectTypeFacts {
  return (
    standard[type] ?? {
      typeId: type,
      singular: 'object',
      modifiedProperty: 'hs_lastmodifieddate',
      createdProperty: 'hs_createdate',
      defaultProperties: ['hs_createdate', 'hs_lastmodifieddate', 'hs_object_id'],
      scope: 'crm.objects.custom',
    }
  )
}

/** The standard type a path or body names; undefined when it is none. */
export function standardType(name: string): ObjectType | undefined {
  const wanted = name.toLowerCase()
  return standardTypes.find(
    (type) => wanted === type || wanted === factsOf(type).singular || wanted === factsOf(type).typeId,
  )
}
