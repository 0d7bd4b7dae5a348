// Resolves the object names the engine uses, and names the paths. The only place that knows URLs of objects.
import { RowhouseError } from '@rowhouse/contracts'
import { objects } from './description.ts'
import type { HubspotObject } from './description.ts'

/** @throws invalid_option for an object HubSpot's description does not name. */
export function objectNamed(name: string): HubspotObject {
  const found = objects.find((object) => object.name === name)
  if (!found) {
    throw new RowhouseError('invalid_option', `HubSpot has no object ${name}; it has contact and company.`)
  }
  return found
}

export function objectPath(object: HubspotObject, rest = ''): string {
  return `/crm/objects/2026-03/${object.remoteName}${rest}`
}

export function propertyPath(object: HubspotObject, rest = ''): string {
  return `/crm/v3/properties/${object.remoteName}${rest}`
}

export function associationPath(from: HubspotObject, to: HubspotObject, rest: string): string {
  return `/crm/v4/associations/${from.remoteName}/${to.remoteName}/batch/${rest}`
}
