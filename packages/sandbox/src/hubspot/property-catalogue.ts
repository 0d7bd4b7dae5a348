// The property definitions of one object type in one portal: HubSpot's own and the custom ones. Owns
// creating, changing and archiving them; must not know records, which ask it for definitions.
import { z } from 'zod'
import type { Shelf, Store } from '../store/store.ts'
import { HubspotRefusal, invalid, notFound } from './errors.ts'
import { factsOf } from './object-types.ts'
import type { ObjectType } from './object-types.ts'
import { defaultProperties } from './property-definitions.ts'
import type { PropertyDefinition } from './property-definitions.ts'

const optionSchema = z.object({
  label: z.string(),
  value: z.string(),
  displayOrder: z.number().default(-1),
  hidden: z.boolean().default(false),
})

export const propertyInputSchema = z.object({
  name: z.string().regex(/^[a-z][a-z0-9_]{0,99}$/, 'must be lower case letters, digits and underscores'),
  label: z.string().min(1),
  type: z.enum(['string', 'number', 'date', 'datetime', 'enumeration', 'bool', 'phone_number']),
  fieldType: z.string().min(1),
  groupName: z.string().min(1),
  description: z.string().default(''),
  options: z.array(optionSchema).default([]),
  hasUniqueValue: z.boolean().default(false),
})

export const propertyPatchSchema = propertyInputSchema
  .pick({ label: true, type: true, fieldType: true, groupName: true })
  .extend({ description: z.string(), options: z.array(optionSchema) })
  .partial()

/** Unique properties an object type may have. https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide */
const uniqueMax = 10

export interface PropertyGroup {
  readonly name: string
  readonly label: string
  readonly displayOrder: number
}

export class PropertyCatalogue {
  readonly #custom: Shelf<PropertyDefinition>
  readonly #groups: Shelf<PropertyGroup>
  readonly #definitions = new Map<string, PropertyDefinition>()
  readonly #type: ObjectType
  readonly #now: () => number

  constructor(type: ObjectType, account: string, store: Store, now: () => number) {
    this.#type = type
    this.#now = now
    this.#custom = store.shelf(account, `property.${type}`)
    this.#groups = store.shelf(account, `group.${type}`)
    for (const definition of defaultProperties(type)) this.#definitions.set(definition.name, definition)
    for (const definition of this.#custom.values()) this.#definitions.set(definition.name, definition)
  }

  get(name: string): PropertyDefinition | undefined {
    const definition = this.#definitions.get(name)
    return definition?.archived ? undefined : definition
  }

  required(name: string, archived = false): PropertyDefinition {
    const definition = this.#definitions.get(name)
    if (!definition || definition.archived !== archived) {
      throw notFound(`Property "${name}" does not exist on ${factsOf(this.#type).typeId}`)
    }
    return definition
  }

  list(archived = false): PropertyDefinition[] {
    return [...this.#definitions.values()].filter((definition) => definition.archived === archived)
  }

  groups(): (PropertyGroup & { readonly archived: false })[] {
    const name = `${factsOf(this.#type).singular}information`
    const own = { name, label: name, displayOrder: 0 }
    return [own, ...this.#groups.values()].map((group) => ({ ...group, archived: false }))
  }

  addGroup(group: PropertyGroup): PropertyGroup & { readonly archived: false } {
    if (this.groups().some(({ name }) => name === group.name)) {
      throw new HubspotRefusal(409, {
        message: `A group named ${group.name} already exists.`,
        category: 'OBJECT_ALREADY_EXISTS',
      })
    }
    this.#groups.set(group.name, group)
    return { ...group, archived: false }
  }

  unique(): PropertyDefinition[] {
    return this.list().filter((definition) => definition.hasUniqueValue)
  }

  create(input: z.output<typeof propertyInputSchema>): PropertyDefinition {
    if (this.get(input.name)) {
      throw new HubspotRefusal(409, {
        message: `A property named '${input.name}' already exists.`,
        category: 'OBJECT_ALREADY_EXISTS',
        subCategory: 'Properties.PROPERTY_EXISTS',
      })
    }
    if (input.hasUniqueValue && this.unique().filter(({ hubspotDefined }) => !hubspotDefined).length >= uniqueMax) {
      throw invalid(`This object type already has ${uniqueMax} unique properties.`)
    }
    const now = this.#now()
    return this.#save({
      ...input,
      hubspotDefined: false,
      readOnly: false,
      archived: false,
      createdAt: now,
      updatedAt: now,
    })
  }

  update(name: string, patch: z.output<typeof propertyPatchSchema>): PropertyDefinition {
    const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
    return this.#save({ ...this.required(name), ...given, updatedAt: this.#now() })
  }

  archive(name: string): void {
    const definition = this.required(name)
    if (definition.hubspotDefined) throw invalid(`The property ${name} is defined by HubSpot and cannot be archived.`)
    this.#save({ ...definition, archived: true, updatedAt: this.#now() })
  }

  #save(definition: PropertyDefinition): PropertyDefinition {
    this.#definitions.set(definition.name, definition)
    this.#custom.set(definition.name, definition)
    return definition
  }
}

/** A definition as the properties API answers it. */
export function renderProperty(definition: PropertyDefinition): Record<string, unknown> {
  const { readOnly, hubspotDefined, createdAt, updatedAt, archived, ...rest } = definition
  return {
    ...rest,
    ...(archived ? { archived, archivedAt: new Date(updatedAt).toISOString() } : { archived }),
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    hubspotDefined,
    displayOrder: -1,
    calculated: false,
    externalOptions: false,
    hidden: false,
    formField: !readOnly,
    modificationMetadata: {
      archivable: !hubspotDefined,
      readOnlyDefinition: hubspotDefined,
      readOnlyValue: readOnly,
    },
  }
}
