// Resolves the object names the engine uses, and names the paths. The only place that knows URLs of objects.
import { RowhouseError } from '@rowhouse/contracts'
import type { ObjectSelection } from '../kit/connector.ts'
import type { ObjectDefinition } from '../kit/schema.ts'
import { customObject, objects } from './description.ts'
import { associationOf } from './object.ts'
import type { HubspotAssociation, HubspotObject } from './object.ts'

/** Custom objects are known by the number HubSpot gives them. */
export const customType = /^2-\d{1,12}$/

/** @throws invalid_option for what can be no object of HubSpot. */
export function objectNamed(name: string): HubspotObject {
  const found = findObject(name)
  if (found) return found
  const names = objects.map((object) => object.name).join(', ')
  throw new RowhouseError('invalid_option', `HubSpot has no object ${name}; it has ${names}, and custom ones as 2-123.`)
}

/** Undefined for what can be no object of HubSpot. */
export function findObject(name: string): HubspotObject | undefined {
  return objects.find((object) => object.name === name) ?? (customType.test(name) ? customObject(name) : undefined)
}

/** The object of a selection, with what its definition adds. @throws invalid_option */
export function objectOf({ object, definition }: Pick<ObjectSelection, 'object' | 'definition'>): HubspotObject {
  return defined(objectNamed(object), definition)
}

/** What is known of an object in every portal goes before what was found in one. */
export function defined(object: HubspotObject, definition: ObjectDefinition | undefined): HubspotObject {
  if (definition === undefined) return object
  const associations: Record<string, HubspotAssociation> = {}
  for (const [reference, via] of Object.entries(definition.via)) {
    const association = associationOf(reference, via)
    if (association) associations[reference] = association
  }
  return {
    ...object,
    kinds: { ...definition.kinds, ...object.kinds },
    associations: { ...associations, ...object.associations },
    timeZone: definition.timeZone ?? object.timeZone,
  }
}

export function objectPath(object: HubspotObject, rest = ''): string {
  return `/crm/objects/2026-03/${object.path}${rest}`
}

export function propertyPath(object: HubspotObject, rest = ''): string {
  return `/crm/v3/properties/${object.path}${rest}`
}

export function associationPath(from: HubspotObject, to: string, rest: string): string {
  return `/crm/v4/associations/${from.path}/${objectNamed(to).path}/${rest}`
}
