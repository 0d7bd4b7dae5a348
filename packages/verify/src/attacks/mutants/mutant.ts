// A mutant: one thing that holds isolation, taken away. Verification must notice each, by a rule or by an attack.

export interface Mutant {
  /** In a sentence's middle: `row security of a table off`. */
  readonly removes: string
  /** The code of a finding that names what was taken away; others may come beside it. */
  readonly by: string
  /** SQL as an administrator. `{t}` is a protected table of the mutant's own, `{n}` its bare name. */
  readonly sql: string
  /** After rows are there, in each world. */
  readonly after?: string
  /** Relations of the mutant's own, by the column that names the organization; null: all rows are B's. */
  readonly owns?: Readonly<Record<string, string>>
}

/** A change to the text of a function of the schema rowhouse. */
export interface FunctionMutant {
  readonly removes: string
  readonly by: string
  /** What the gate says that it admitted. */
  readonly says: RegExp
  readonly functions: readonly string[]
  readonly from: RegExp
  readonly to: string
}

/** A change that holds for the whole database or cluster, and how it is undone. */
export interface GlobalMutant {
  readonly removes: string
  readonly by: string
  /** Stands in the finding `by`: the object or the role. */
  readonly names: string
  /** Other objects that this one opens as well: it is not attacked together with their mutants. */
  readonly opens?: readonly string[]
  readonly sql: string
  readonly undo: string
}
