// What a person does in Salesforce's own pages.
import type { Hand, HandFieldType } from '../control/simulated-crm.ts'
import { SalesforceRefusal } from './errors.ts'
import { objectOf } from './operation.ts'
import type { Organization } from './organization.ts'
import type { FieldType } from './schema.ts'

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
  const { records, fields, userId } = organization
  const author = { userId }
  return {
    create: (object, values) => records.create(objectOf(object), values, author).id,
    update(object, id, values) {
      records.update(records.required(objectOf(object), id), values, author)
    },
    remove(object, id) {
      records.delete(records.required(objectOf(object), id), author)
    },
    restore(object, id) {
      const record = records.get(objectOf(object), id)
      if (!record) throw new SalesforceRefusal(404, 'NOT_FOUND', 'The requested resource does not exist')
      records.undelete(record, author)
    },
    merge(object, winnerId, loserId) {
      const winner = records.required(objectOf(object), winnerId)
      records.merge(winner, [records.required(objectOf(object), loserId)], author)
      return winner.id
    },
    addField(object, { name, label, type, unique }) {
      fields[objectOf(object)].add({ name, label, type: types[type], ...(unique === undefined ? {} : { unique }) })
    },
    addObject() {
      throw new SalesforceRefusal(400, 'INVALID_TYPE', 'This organization has no custom objects.')
    },
  }
}
