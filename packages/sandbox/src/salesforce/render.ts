// A record as the API answers it: attributes first, then fields. Must not change anything.
import type { Organization } from './organization.ts'
import { readField } from './read-field.ts'
import type { SalesforceRecord } from './records.ts'
import { resolvePath } from './soql/compile.ts'
import type { Resolved } from './soql/compile.ts'

export type Rendered = Record<string, unknown>

export function attributesOf(record: SalesforceRecord, version: string): Rendered {
  return { type: record.object, url: `/services/data/${version}/sobjects/${record.object}/${record.id}` }
}

/** The record with the fields of these paths. Throws INVALID_FIELD. */
export function renderPaths(
  organization: Organization,
  record: SalesforceRecord,
  paths: readonly string[],
  version: string,
): Rendered {
  const resolved = paths.map((path) => resolvePath(organization, record.object, path))
  return renderResolved(organization, record, resolved, version)
}

/** The record with every field it has. */
export function renderWhole(organization: Organization, record: SalesforceRecord, version: string): Rendered {
  const body: Rendered = { attributes: attributesOf(record, version) }
  for (const field of organization.schema.fields(record.object).all()) body[field.name] = readField(record, field)
  return body
}

export function renderResolved(
  organization: Organization,
  record: SalesforceRecord,
  resolved: readonly Resolved[],
  version: string,
): Rendered {
  const body: Rendered = { attributes: attributesOf(record, version) }
  for (const { field, relationships, read } of resolved) {
    let at: Rendered | null = body
    let owner: SalesforceRecord = record
    for (const name of relationships) {
      const hop = organization.schema
        .fields(owner.object)
        .all()
        .find((candidate) => candidate.relationshipName === name)!
      const id = readField(owner, hop)
      const target = id === null ? undefined : organization.records.find(hop.referenceTo!, String(id))
      if (!target) {
        at[name] = null
        at = null
        break
      }
      const nested = (at[name] ?? { attributes: attributesOf(target, version) }) as Rendered
      at[name] = nested
      at = nested
      owner = target
    }
    if (at) at[field.name] = read(record)
  }
  return body
}
