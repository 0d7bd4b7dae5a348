// What a person does in HubSpot's own pages: webhooks and histories say CRM_UI.
import type { Hand, HandFieldType } from '../control/simulated-crm.ts'
import type { Portal } from './portal.ts'
import type { PropertyType } from './property-definitions.ts'
import { fieldTypeOf } from './property-definitions.ts'
import type { RawValue } from './property-values.ts'
import { standardTypes } from './object-types.ts'
import { required } from './records.ts'
import type { Source } from './records.ts'

const types: Readonly<Record<HandFieldType, PropertyType>> = {
  text: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'bool',
  date: 'date',
  datetime: 'datetime',
  picklist: 'enumeration',
  reference: 'string',
}

export function handOf(portal: Portal): Hand {
  const source: Source = { sourceType: 'CRM_UI', sourceId: 'userId:100001' }
  return {
    create(object, values) {
      const records = portal.of(portal.schemas.parse(object)).records
      return records.create(records.check(values as Record<string, RawValue>), source).id
    },
    update(object, id, values) {
      const records = portal.of(portal.schemas.parse(object)).records
      const record = required(records.find(id))
      records.update(record, records.check(values as Record<string, RawValue>, record), source)
    },
    remove(object, id) {
      const type = portal.schemas.parse(object)
      portal.archive(type, required(portal.of(type).records.find(id)), source)
    },
    restore(object, id) {
      const type = portal.schemas.parse(object)
      portal.of(type).records.restore(required(portal.of(type).records.get(id)), source)
    },
    merge: (object, winnerId, loserId) => portal.merge(portal.schemas.parse(object), winnerId, loserId, source).id,
    associate(object, id, withObject, withId, ends = false) {
      const [type, withType] = [portal.schemas.parse(object), portal.schemas.parse(withObject)]
      required(portal.of(type).records.find(id))
      required(portal.of(withType).records.find(withId))
      if (ends) return portal.associations.remove(type, id, withType, withId)
      // People choose a company to be the primary one; the first type of a pair is that one where there is such.
      const [first] = portal.associations.types(type, withType)
      portal.associations.add(type, id, withType, withId, [first!.id])
    },
    addField(object, { name, label, type, options = [], unique = false }) {
      portal.of(portal.schemas.parse(object)).catalogue.create({
        name,
        label: label ?? name,
        type: types[type],
        fieldType: fieldTypeOf(types[type]),
        groupName: 'custom',
        description: '',
        options: options.map((value, displayOrder) => ({ label: value, value, displayOrder, hidden: false })),
        hasUniqueValue: unique,
      })
    },
    addObject(name, label) {
      const shape = {
        requiredProperties: [],
        searchableProperties: [],
        secondaryDisplayProperties: [],
        associatedObjects: standardTypes,
      }
      const schema = portal.schemas.add({
        ...shape,
        name,
        labels: { singular: label, plural: `${label}s` },
        createdAt: portal.now(),
      })
      return portal.schemas.fullName(schema)
    },
  }
}
