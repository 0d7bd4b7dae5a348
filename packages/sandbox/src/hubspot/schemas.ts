// The custom object types of one portal. Owns their names and numbers; their properties are in the
// catalogue of the type. https://developers.hubspot.com/docs/api-reference/crm-schemas-v3/guide
import type { Shelf, Store } from '../store/store.ts'
import { HubspotRefusal, notFound } from './errors.ts'
import { standardType } from './object-types.ts'
import type { ObjectType } from './object-types.ts'

export interface CustomSchema {
  /** 2-N */
  readonly type: ObjectType
  readonly name: string
  readonly labels: { readonly singular?: string | undefined; readonly plural?: string | undefined }
  readonly primaryDisplayProperty?: string | undefined
  readonly requiredProperties: readonly string[]
  readonly searchableProperties: readonly string[]
  readonly secondaryDisplayProperties: readonly string[]
  readonly associatedObjects: readonly string[]
  readonly createdAt: number
}

/** Custom objects an enterprise portal may have. */
const schemasMax = 10

export class Schemas {
  readonly #schemas: Shelf<CustomSchema>
  readonly #account: string
  readonly #store: Store

  constructor(account: string, store: Store) {
    this.#account = account
    this.#store = store
    this.#schemas = store.shelf(account, 'schema')
  }

  all(): CustomSchema[] {
    return [...this.#schemas.values()]
  }

  /** The type that a name, `p123_name` or number stands for. Throws HubSpot's 404. */
  parse(name: string): ObjectType {
    const type = standardType(name) ?? this.find(name)?.type
    if (!type) throw notFound(`Unable to infer object type from: ${name}`)
    return type
  }

  find(name: string): CustomSchema | undefined {
    const wanted = name.toLowerCase()
    return this.all().find((schema) => [schema.type, schema.name, this.fullName(schema)].includes(wanted))
  }

  fullName({ name }: Pick<CustomSchema, 'name'>): string {
    return `p${this.#account}_${name}`
  }

  /** Throws HubSpot's 400 and 409. */
  add(input: Omit<CustomSchema, 'type'>): CustomSchema {
    if (this.find(input.name) || standardType(input.name)) {
      throw new HubspotRefusal(409, { message: `Object type ${input.name} already exists`, category: 'CONFLICT' })
    }
    if (this.all().length >= schemasMax) {
      throw new HubspotRefusal(400, {
        message: `A portal may have ${schemasMax} custom objects.`,
        category: 'VALIDATION_ERROR',
      })
    }
    const schema = { ...input, type: `2-${this.#store.next(this.#account, 'schema')}` }
    this.#schemas.set(schema.type, schema)
    return schema
  }

  remove(schema: CustomSchema): void {
    this.#schemas.delete(schema.type)
  }
}
