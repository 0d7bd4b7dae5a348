// Where attacks take place: two databases that are equal but for the rows of organization B, and the ways in which a
// request of organization A reaches them. Whoever copies the schema and plants the rows makes it.

import type { Signer } from 'rowhouse/token'

/** Which rows of a relation are whose, as conditions over its columns. */
export interface Ownership {
  /** Rows of the attacker. */
  readonly a: string
  /** Rows of the other organization. A row that neither names is nobody's secret. */
  readonly b: string
  /** The column that names the organization; null where rows belong to it by another way. */
  readonly tenantColumn: string | null
  /** Whose alone the rows here can be: the relation is in that one's home. @default either's */
  readonly only?: 'A' | 'B'
}

export interface AttackContext {
  /** What is printed: `token of A`, `no context`. */
  readonly name: string
  /** The role that logs in. */
  readonly login: string
  /**
   * Messages that make a transaction one of organization A, in the world of this index: the first is sent with BEGIN, each
   * other one alone. Empty for a transaction without context. Called for each transaction, since a token lives for a minute.
   */
  readonly enter: (world: 0 | 1) => readonly string[]
  /** The same for organization B: what an attacker would like to forge. Absent where nobody is B. */
  readonly enterAsB?: (world: 0 | 1) => readonly string[]
  /** The role that B logs in as. @default the same: then what B leaves on a connection is met by A */
  readonly loginOfB?: string
  /** Messages of a transaction that is committed on the same connection before: what it leaves is part of the context. */
  readonly before?: (world: 0 | 1) => readonly string[]
  /** Whether its session has never been anybody's: a setting is not there at all, which is not the same as empty. */
  readonly fresh?: boolean
  /** Whether it acts for A. One that acts for nobody must see no row at all. */
  readonly actsForA: boolean
  /** Whether it is tried in short: on each relation what tells most, and nothing else. @default false */
  readonly brief?: boolean
  /**
   * Whether SQL alone makes the context (a plain setting), so that an injection can make another. It is reported once,
   * and not tried on every table.
   */
  readonly madeBySql?: boolean
}

export interface Arena {
  /** Administrators' URLs of the two worlds. */
  readonly worlds: readonly [string, string]
  readonly contexts: readonly AttackContext[]
  /** By `schema.name`, unquoted. */
  readonly owners: ReadonlyMap<string, Ownership>
  readonly organizations: { readonly a: string; readonly b: string }
  /** What findings call the database: the one under test, not the scratch one of this run. @default the name of world 0 */
  readonly database?: string
  /** What tokens of Rowhouse are signed with in both worlds; without it its gate is not tried. */
  readonly signer?: Signer | null
  /** Texts that differ between the worlds by themselves, such as an id of the database; compared as if equal. */
  readonly equal?: readonly (readonly [string, string])[]
  /** Schemas that no probe enters, with why. */
  readonly skipSchemas?: ReadonlyMap<string, string>
}
