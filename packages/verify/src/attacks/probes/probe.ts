// A probe: SQL that organization A runs in the hope of learning about B, or of touching it.

/** What kind of hole a probe looks for; with the effect seen it gives the code of a finding. */
export type Family =
  | 'read'
  | 'write'
  | 'constraint'
  | 'function'
  | 'trigger'
  | 'privilege'
  | 'plan'
  | 'catalogue'
  | 'session'
  | 'shadow'
  | 'role'
  | 'forge'
  /** What no schema prevents: a difference is said once, as a limit. */
  | 'limit'

export interface Probe {
  /** Of its kind, over all objects: `select by key`. */
  readonly name: string
  readonly family: Family
  /** `schema.name` of the relation it is about. */
  readonly relation?: string
  /** The oid of the function that it calls, or hangs on a table. */
  readonly callable?: string
  /** With its kind: `table public.contacts`. */
  readonly object: string
  /** One or several statements, run as one simple message inside the transaction of a context. */
  readonly sql: string
  /** Whether B's rows are compared afterwards. */
  readonly writes: boolean
  /** Its arguments are B's: an answer that is the same in both worlds follows from them, and is no leak. */
  readonly givesB?: boolean
  /** Success alone is the finding, whatever the worlds say. */
  readonly mustFail?: boolean
  /** For `limit`: the sentence that is printed. */
  readonly limit?: string
  /** Keeps something in the session that a rollback leaves: the session is reset afterwards. */
  readonly leavesTraces?: boolean
  /** Runs in one context only, since it is not about the context: the first that acts for A. */
  readonly once?: boolean
  /** Left out where SQL makes the context: whoever can run this can be anybody there. */
  readonly sealedOnly?: boolean
  /** Holds for every relation that temporary tables stand in for: only a read of one of them is the finding. */
  readonly countsTemporary?: boolean
}
