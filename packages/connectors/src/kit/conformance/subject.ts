// What a connector brings to its certification: a simulated provider, and for each object what a record of it
// looks like. Types only. The suite asks every object the same; what an object cannot do is said here, once.
import type { Connector, FieldValues, OAuthApp } from '../connector.ts'
import type { Failure } from '../failure.ts'
import type { ConnectorHttp, HttpAnswer } from '../http.ts'

export interface ConformanceSubject {
  readonly connector: Connector
  /** Parents before the objects that refer to them; each is certified by the same tests. */
  readonly objects: readonly ConformanceObject[]
  /** How the provider writes the name of a custom field, e.g. `colour` → `Colour__c`. */
  customName(object: string, name: string): string
  /** A new, empty account without rate limits worth mentioning. */
  open(): Promise<ConformanceAccount>
  /** Moves the provider's clock. */
  advance(durationMs: number): void
  close(): Promise<void>
  /** Whether its answers carry the provider's own count of calls. */
  readonly countsCalls: boolean
  /** How the provider words what cannot be provoked, and what it must be understood as. */
  readonly wordings: readonly { readonly name: string; readonly answer: HttpAnswer; readonly means: Partial<Failure> }[]
}

export interface ConformanceObject {
  /** As selections name it. A custom object's is known because the first one of a simulated account is always the same. */
  readonly object: string
  /** As a person at the provider names it. */
  readonly remoteName: string
  /** A custom object: made in every account under this name, with these fields. */
  readonly made?: { readonly name: string; readonly label: string; readonly fields: readonly PersonField[] }
  /** A valid record, another one for each number: all that the provider demands, without custom fields and parents. */
  record(number: number): FieldValues
  /** A field of short text that `record` leaves empty and anybody may set and clear. */
  readonly text: string
  /** Values that the provider refuses; null when there are none. */
  readonly refused: FieldValues | null
  /** A field that `find` takes, a value as it is kept, and the same value as a person may write it. */
  readonly found: { readonly field: string; readonly kept: string; readonly written: string } | null
  readonly references: readonly ConformanceReference[]
  /** Whether custom fields can be added to it. */
  readonly customFields: boolean
  /** Whether it has a field for the create token. */
  readonly tokens: boolean
  /** Whether a person can merge two of its records. */
  readonly merges: boolean
  /** Whether a person can bring back what was deleted. */
  readonly restores: boolean
}

export interface ConformanceReference {
  readonly reference: string
  /** Object of the parent, one of the subject's. */
  readonly object: string
  /** A record cannot exist without it, or another one in its place. */
  readonly required: boolean
  /** It is set when a record is made, and never moves. */
  readonly fixed?: boolean
}

export interface ConformanceAccount {
  /** The provider's id of it. */
  readonly id: string
  readonly baseUrl: string
  readonly http: ConnectorHttp
  /** The app that was registered for it, and HTTP without credentials. */
  readonly app: OAuthApp
  readonly anonymous: ConnectorHttp
  readonly person: ConformancePerson
  withToken(accessToken: string): ConnectorHttp
  /** Consents as a person would, and gives the code of the redirect. */
  consent(authorizeUrl: string): Promise<string>
  /** Makes the provider fail; an empty object ends it. */
  trouble(settings: Readonly<Record<string, number | string>>): Promise<void>
}

export type PersonFieldType = 'text' | 'number' | 'boolean' | 'date' | 'datetime' | 'picklist'

export interface PersonField {
  readonly name: string
  readonly type: PersonFieldType | 'reference'
  readonly options?: readonly string[]
  /** References: the `remoteName` of the object they lead to. */
  readonly referenceTo?: string
}

/** What a person does in the provider's own pages; objects by their `remoteName`. */
export interface ConformancePerson {
  create(object: string, values: Readonly<Record<string, unknown>>): string
  update(object: string, id: string, values: Readonly<Record<string, unknown>>): void
  remove(object: string, id: string): void
  restore(object: string, id: string): void
  /** Gives the id that remains. */
  merge(object: string, winnerId: string, loserId: string): string
  addField(object: string, field: PersonField): void
  addObject(name: string, label: string): void
  /** Sets or clears a reference, wherever the provider lets a person do it. */
  refer(object: ConformanceObject, id: string, reference: ConformanceReference, parentId: string | null): void
}
