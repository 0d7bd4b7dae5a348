// What Salesforce's objects are made of, as far as it is the same in every organization. Types only.
import type { FieldKind } from '../kit/canonical.ts'
import type { ObjectDescription } from '../kit/description.ts'

/** How a reference is held: in a field, which may hold ids of several objects. */
export interface SalesforceReference {
  readonly field: string
  /** First characters of the ids that are this reference, where the field leads to several objects. */
  readonly prefix: string | null
}

export interface SalesforceObject extends ObjectDescription {
  readonly kinds: Readonly<Record<string, FieldKind>>
  /** Without them a record cannot exist; what a person calls each. */
  readonly requiredFields: readonly { readonly name: string; readonly label: string }[]
  readonly referenceFields: Readonly<Record<string, SalesforceReference>>
  /** Fields of references that are set when a record is made, must be set then, and never change. */
  readonly fixedFields: readonly string[]
  /** Object that custom fields are added to: those of tasks are made on activities. */
  readonly customFieldsOf: string
  /** Whether two records can be merged; the one that is gone names the other then. */
  readonly mergeable: boolean
}
