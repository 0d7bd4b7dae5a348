// The record types and fields of one company: the standard ones, custom fields (custentity_, custbody_,
// custcol_, custitem_, custrecord_) and custom records. Owns names and prefixes; must not look at records.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545058189.html
import { RowhouseError } from '@rowhouse/contracts'
import type { HandField } from '../control/simulated-crm.ts'
import type { Shelf, Store } from '../store/store.ts'
import { customType, standardTypes } from './record-types.ts'
import type { Field, FieldType, RecordType, Sublist } from './record-types.ts'

interface CustomField extends Field {
  readonly on: string
}

const prefixes = { entity: 'custentity', transaction: 'custbody', item: 'custitem', list: '', custom: 'custrecord' }
const lineFieldPrefix = 'custcol'

const fieldTypes: Readonly<Record<HandField['type'], FieldType>> = {
  text: 'string',
  number: 'number',
  integer: 'integer',
  boolean: 'boolean',
  date: 'date',
  datetime: 'datetime',
  picklist: 'select',
  reference: 'reference',
}

export class Schema {
  readonly #customFields: Shelf<CustomField>
  readonly #customTypes: Shelf<{ readonly name: string; readonly title: string }>
  #types = new Map<string, RecordType>()

  constructor(account: string, store: Store) {
    this.#customFields = store.shelf(account, 'field')
    this.#customTypes = store.shelf(account, 'recordtype')
    this.#read()
  }

  all(): RecordType[] {
    return [...this.#types.values()]
  }

  /** The type as a path names it: standard ones in any case, as NetSuite takes them. */
  get(name: string): RecordType | undefined {
    return this.#types.get(name.toLowerCase())
  }

  required(name: string): RecordType {
    const type = this.get(name)
    if (!type) throw new Error(`There is no record type ${name}.`)
    return type
  }

  /** Adds a custom field. Throws `validation_failed` for a wrong name or type. */
  addField(on: string, field: HandField): void {
    const type = this.get(on)
    if (!type || !type.writable)
      throw new RowhouseError('validation_failed', `There is no record type ${on} to customize.`)
    const wanted = prefixes[type.kind]
    const line = field.name.startsWith(lineFieldPrefix) && type.kind === 'transaction'
    if (!(line || field.name.startsWith(`${wanted}_`)) || !/^[a-z0-9_]{1,40}$/.test(field.name)) {
      throw new RowhouseError('validation_failed', `A custom field of ${on} is named ${wanted}_…, not ${field.name}.`)
    }
    if (field.referenceTo !== undefined && !this.get(field.referenceTo)) {
      throw new RowhouseError('validation_failed', `There is no record type ${field.referenceTo} to refer to.`)
    }
    this.#customFields.set(`${type.name} ${field.name}`, {
      on: type.name,
      name: field.name,
      title: field.label ?? field.name,
      type: fieldTypes[field.type],
      required: false,
      readOnly: false,
      custom: true,
      unique: field.unique ?? false,
      ...(field.referenceTo === undefined ? {} : { referenceTo: this.required(field.referenceTo).name }),
      ...(field.options === undefined
        ? {}
        : { options: field.options.map((refName, index) => ({ id: String(index + 1), refName })) }),
    })
    this.#read()
  }

  /** Adds a custom record type; returns its name. Throws `validation_failed` for a wrong name. */
  addType(name: string, title: string): string {
    const full = name.startsWith('customrecord_') ? name : `customrecord_${name}`
    if (!/^[a-z0-9_]{1,40}$/.test(full) || this.get(full)) {
      throw new RowhouseError('validation_failed', `${full} is not a name for a new custom record.`)
    }
    this.#customTypes.set(full, { name: full, title })
    this.#read()
    return full
  }

  #read(): void {
    const types = [
      ...standardTypes(),
      ...[...this.#customTypes.values()].map(({ name, title }) => customType(name, title)),
    ]
    const custom = [...this.#customFields.values()]
    this.#types = new Map(types.map((type) => [type.name.toLowerCase(), withCustom(type, custom)]))
  }
}

// An entity's custom field is on every type of entity it was applied to; here that is the one it was added to.
function withCustom(type: RecordType, custom: readonly CustomField[]): RecordType {
  const own = custom.filter(({ on }) => on === type.name)
  const lines = own.filter(({ name }) => name.startsWith(lineFieldPrefix))
  const withLines = (sublist: Sublist): Sublist => ({ ...sublist, fields: [...sublist.fields, ...lines] })
  return {
    ...type,
    fields: [...type.fields, ...own.filter((field) => !lines.includes(field))],
    sublists: type.sublists.map(withLines),
  }
}
