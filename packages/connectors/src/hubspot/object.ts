// What HubSpot's objects are made of, as far as it is the same in every portal. Types and helpers only.
import type { FieldKind } from '../kit/canonical.ts'
import type { ObjectDescription } from '../kit/description.ts'

/** How a reference is held: an association of one type, from this object to another. */
export interface HubspotAssociation {
  /** Canonical name of the other object. */
  readonly to: string
  readonly category: string
  readonly typeId: number
  /** Whether at most one of these associations is of this type, as HubSpot's primary company. */
  readonly primary: boolean
}

export interface HubspotObject extends ObjectDescription {
  /** As it stands in paths. */
  readonly path: string
  /** Property that moves with every change of the record's properties. */
  readonly modifiedProperty: string
  /** Object type id in generic webhooks. */
  readonly typeId: string
  /** Group a custom property is shown in; null: it has to be asked for. */
  readonly propertyGroup: string | null
  /** Properties that batch read takes as `idProperty`; other unique fields are searched. */
  readonly idProperties: readonly string[]
  readonly kinds: Readonly<Record<string, FieldKind>>
  /** Instants that mean a day to people: the day they fall on in the portal's time zone. */
  readonly days: readonly string[]
  /** Without it a record cannot exist; what a person calls it. */
  readonly requiredField: { readonly name: string; readonly label: string } | null
  /** By reference. */
  readonly associations: Readonly<Record<string, HubspotAssociation>>
  readonly timeZone: string
}

/** `HUBSPOT_DEFINED 341`, and back; null when the text is none. */
export function associationVia({ category, typeId }: HubspotAssociation): string {
  return `${category} ${typeId}`
}

export function associationOf(to: string, via: string): HubspotAssociation | null {
  const parts = /^([A-Z_]{1,40}) (\d{1,12})$/.exec(via)
  return parts ? { to, category: parts[1]!, typeId: Number(parts[2]), primary: false } : null
}
