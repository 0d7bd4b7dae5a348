// The objects of one organization: the standard ones and the custom ones, with their fields. Owns names,
// prefixes and adding objects; must not look at records.
import type { Shelf, Store } from '../store/store.ts'
import { SalesforceRefusal } from './errors.ts'
import { Fields } from './fields.ts'
import { standardObjects } from './objects.ts'
import type { ObjectFacts, ObjectName } from './objects.ts'

/** Custom objects an organization may have. */
const customMax = 200

export class Schema {
  readonly #custom: Shelf<ObjectFacts>
  readonly #fields = new Map<ObjectName, Fields>()
  readonly #byName = new Map<string, ObjectFacts>()
  readonly #account: string
  readonly #store: Store

  constructor(account: string, store: Store) {
    this.#account = account
    this.#store = store
    this.#custom = store.shelf(account, 'object')
    for (const facts of [...standardObjects, ...this.#custom.values()]) this.#keep(facts)
  }

  names(): ObjectName[] {
    return [...this.#byName.values()].map(({ name }) => name)
  }

  /** The objects people look at. */
  shown(): ObjectName[] {
    return this.names().filter((name) => name !== 'User')
  }

  /** The object in the case Salesforce writes it; undefined when there is none. */
  parse(name: string): ObjectName | undefined {
    return this.#byName.get(name.toLowerCase())?.name
  }

  facts(name: ObjectName): ObjectFacts {
    return this.#byName.get(name.toLowerCase())!
  }

  fields(name: ObjectName): Fields {
    return this.#fields.get(name)!
  }

  byPrefix(prefix: string): ObjectName | undefined {
    return [...this.#byName.values()].find((facts) => facts.prefix === prefix)?.name
  }

  /** Adds a custom object; returns its API name. Throws DUPLICATE_DEVELOPER_NAME and INVALID_NAME. */
  addObject(name: string, label: string): ObjectName {
    const full = name.endsWith('__c') ? name : `${name}__c`
    if (!/^[A-Za-z][A-Za-z0-9_]{0,37}__c$/.test(full)) {
      throw new SalesforceRefusal(400, 'INVALID_NAME', `${full} is not a name of a custom object.`)
    }
    if (this.parse(full) || this.#custom.size >= customMax) {
      throw new SalesforceRefusal(
        400,
        'DUPLICATE_DEVELOPER_NAME',
        `There is already an object named ${full}, or too many.`,
      )
    }
    const prefix = `a${this.#custom.size.toString(36).padStart(2, '0')}`
    const facts = { name: full, label, plural: `${label}s`, prefix, writable: true, custom: true }
    this.#custom.set(full, facts)
    this.#keep(facts)
    return full
  }

  #keep(facts: ObjectFacts): void {
    this.#byName.set(facts.name.toLowerCase(), facts)
    this.#fields.set(facts.name, new Fields(facts.name, this.#account, this.#store))
  }
}
