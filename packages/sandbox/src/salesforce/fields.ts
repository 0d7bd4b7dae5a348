// The fields of one object in one organization: the standard ones, External_Id__c, and what was added
// since. Owns lookup without regard to case and adding custom fields; must not look at records.
import type { Shelf, Store } from '../store/store.ts'
import { SalesforceRefusal, invalidField } from './errors.ts'
import { defaultLengths, standardFields, takesCustomFields } from './objects.ts'
import type { Field, FieldType, ObjectName } from './objects.ts'

export interface NewField {
  readonly name: string
  readonly label?: string | undefined
  readonly type: FieldType
  readonly length?: number | undefined
  readonly externalId?: boolean | undefined
  readonly unique?: boolean | undefined
  readonly options?: readonly string[] | undefined
  /** Picklists: values that are not among the options are refused. */
  readonly restricted?: boolean | undefined
  readonly referenceTo?: readonly ObjectName[] | undefined
}

/** Custom fields an object may have, as in the Enterprise edition. */
const customMax = 500

export class Fields {
  readonly object: ObjectName
  readonly #byName = new Map<string, Field>()
  readonly #custom: Shelf<Field>

  constructor(object: ObjectName, account: string, store: Store) {
    this.object = object
    this.#custom = store.shelf(account, `field.${object}`)
    for (const field of standardFields(object)) this.#byName.set(field.name.toLowerCase(), field)
    if (takesCustomFields(object))
      this.#keep(customField({ name: 'External_Id__c', type: 'string', externalId: true, unique: true }))
    for (const field of this.#custom.values()) this.#keep(field)
  }

  all(): Field[] {
    return [...this.#byName.values()]
  }

  get(name: string): Field | undefined {
    return this.#byName.get(name.toLowerCase())
  }

  /** Throws INVALID_FIELD. */
  required(name: string): Field {
    const field = this.get(name)
    if (!field) throw invalidField(name, this.object)
    return field
  }

  /** Throws INVALID_FIELD_NAME and DUPLICATE_DEVELOPER_NAME. */
  add(input: NewField): Field {
    if (!takesCustomFields(this.object)) {
      const message = `Entity Enumeration Or ID: ${this.object} takes no custom fields.`
      throw new SalesforceRefusal(400, 'INVALID_FIELD_FOR_INSERT_UPDATE', message)
    }
    if (!/^[A-Za-z][A-Za-z0-9_]{0,37}__c$/.test(input.name)) {
      throw new SalesforceRefusal(400, 'INVALID_FIELD_NAME', `${input.name} is not a name of a custom field.`)
    }
    if (this.get(input.name)) {
      const message = `There is already a field named ${input.name} on ${this.object}.`
      throw new SalesforceRefusal(400, 'DUPLICATE_DEVELOPER_NAME', message)
    }
    if (this.#custom.size >= customMax) {
      throw new SalesforceRefusal(400, 'LIMIT_EXCEEDED', `${this.object} has ${customMax} custom fields already.`)
    }
    const field = customField(input)
    this.#custom.set(field.name, field)
    this.#keep(field)
    return field
  }

  #keep(field: Field): void {
    this.#byName.set(field.name.toLowerCase(), field)
  }
}

function customField(input: NewField): Field {
  const {
    name,
    label,
    type,
    length,
    externalId = false,
    unique = false,
    options = [],
    restricted = false,
    referenceTo,
  } = input
  return {
    name,
    label: label ?? name.replace(/__c$/, '').replaceAll('_', ' '),
    type,
    length: length ?? defaultLengths[type],
    writable: true,
    fixed: false,
    default: null,
    required: false,
    custom: true,
    externalId,
    unique,
    options,
    restricted,
    // A custom reference Machine__c is crossed as Machine__r.
    ...(referenceTo === undefined ? {} : { referenceTo, relationshipName: name.replace(/__c$/, '__r') }),
  }
}
