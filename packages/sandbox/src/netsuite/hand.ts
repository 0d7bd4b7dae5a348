// What a person does in NetSuite's own pages.
import { RowhouseError } from '@rowhouse/contracts'
import type { Hand } from '../control/simulated-crm.ts'
import type { Company } from './company.ts'
import type { Author } from './records.ts'
import type { RecordType } from './record-types.ts'

export function handOf(company: Company): Hand {
  const { schema, records } = company
  const author: Author = { entity: '-5', context: 'UIF' }
  const typeOf = (object: string): RecordType => {
    const type = schema.get(object)
    if (!type) throw new RowhouseError('validation_failed', `There is no record type ${object}.`)
    return type
  }
  return {
    create: (object, values) => records.create(typeOf(object), values, author).id,
    update(object, id, values) {
      records.update(typeOf(object), records.required(typeOf(object), id), values, author)
    },
    remove(object, id) {
      records.delete(typeOf(object), records.required(typeOf(object), id), author)
    },
    restore() {
      throw new RowhouseError('validation_failed', 'NetSuite has no recycle bin: what was deleted is gone.')
    },
    merge(object, winnerId, loserId) {
      const type = typeOf(object)
      records.merge(type, records.required(type, winnerId), records.required(type, loserId), author)
      return winnerId
    },
    addField: (object, field) => schema.addField(object, field),
    addObject: (name, label) => schema.addType(name, label),
  }
}
