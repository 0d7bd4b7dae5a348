// What an account has: its objects, standard and custom, with the fields and references it really has. A
// connector's description says what is the same in every account; this is what only the account can tell.
// Types and one pure function; must not call anything.
import type { FieldKind } from './canonical.ts'

/** An object of an account, by name only. */
export interface RemoteObject {
  /** The name that mappings and selections use: the description's, or for a custom object the provider's own. */
  readonly object: string
  /** As people and the provider's documentation name it, e.g. `contacts`, `Machine__c`, `p4242_machine`. */
  readonly remoteName: string
  readonly label: string
  readonly custom: boolean
}

export interface RemoteOption {
  readonly value: string
  readonly label: string
}

export interface RemoteField {
  readonly name: string
  readonly label: string
  /** How its values are compared; see `canonical`. */
  readonly kind: FieldKind
  readonly custom: boolean
  /** A record cannot be made without it. */
  readonly required: boolean
  readonly unique: boolean
  readonly readOnly: boolean
  /** The values a pick list knows; null for other fields. Whether others are refused is the provider's. */
  readonly options: readonly RemoteOption[] | null
}

export interface RemoteReference {
  readonly name: string
  readonly label: string
  /** The parent, by the name that mappings use. */
  readonly object: string
  readonly custom: boolean
  readonly required: boolean
  /** How the provider holds it: a field, an association type. Opaque to everybody but the connector. */
  readonly via: string
}

/** An object with what it has. */
export interface RemoteSchema extends RemoteObject {
  readonly fields: readonly RemoteField[]
  readonly references: readonly RemoteReference[]
  /** IANA name of the zone in which the provider's instants are somebody's days; null where its dates are dates. */
  readonly timeZone: string | null
}

/**
 * What a connector has to know of the fields and references that its description does not name. It is kept
 * with a mapping and given with each question, because a connector keeps nothing.
 */
export interface ObjectDefinition {
  readonly kinds: Readonly<Record<string, FieldKind>>
  /** By reference; see `RemoteReference.via`. */
  readonly via: Readonly<Record<string, string>>
  readonly timeZone: string | null
}

/** The definition of these fields and references; what the schema does not have is left out. */
export function definitionOf(
  schema: RemoteSchema,
  fields: readonly string[],
  references: readonly string[],
): ObjectDefinition {
  return {
    kinds: Object.fromEntries(
      schema.fields.filter(({ name }) => fields.includes(name)).map(({ name, kind }) => [name, kind]),
    ),
    via: Object.fromEntries(
      schema.references.filter(({ name }) => references.includes(name)).map(({ name, via }) => [name, via]),
    ),
    timeZone: schema.timeZone,
  }
}
