// What a person does in Salesforce's own pages.
import type { Hand, HandFieldType } from '../control/simulated-crm.ts'
import { SalesforceRefusal } from './errors.ts'
import { objectOf } from './operation.ts'
import type { Organization } from './organization.ts'
import type { FieldType } from './objects.ts'

const types: Readonly<Record<HandFieldType, FieldType>> = {
  text: 'string',
  number: 'double',
  integer: 'int',
  boolean: 'boolean',
  date: 'date',
  datetime: 'datetime',
  picklist: 'picklist',
  reference: 'reference',
}

export function handOf(organization: Organization): Hand {
  const { records, schema, userId } = organization
  // †: what changes from the pages name is told in no specification.
  const author = { userId, origin: 'com/salesforce/api/soap/67.0;client=SfdcInternalAPI/', allowDuplicates: true }
  return {
    create: (object, values) => records.create(objectOf(organization, object), values, author).id,
    update(object, id, values) {
      records.update(records.required(objectOf(organization, object), id), values, author)
    },
    remove(object, id) {
      records.delete(records.required(objectOf(organization, object), id), author)
    },
    restore(object, id) {
      const record = records.get(objectOf(organization, object), id)
      if (!record) throw new SalesforceRefusal(404, 'NOT_FOUND', 'The requested resource does not exist')
      records.undelete(record, author)
    },
    merge(object, winnerId, loserId) {
      const winner = records.required(objectOf(organization, object), winnerId)
      records.merge(winner, [records.required(objectOf(organization, object), loserId)], author)
      return winner.id
    },
    addField(object, { name, label, type, unique, options, referenceTo }) {
      schema.fields(objectOf(organization, object)).add({
        name,
        label,
        type: types[type],
        ...(unique === undefined ? {} : { unique }),
        ...(options === undefined ? {} : { options, restricted: true }),
        ...(referenceTo === undefined ? {} : { referenceTo: [objectOf(organization, referenceTo)] }),
      })
    },
    addObject: (name, label) => schema.addObject(name, label),
  }
}
