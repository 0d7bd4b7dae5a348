// What a plan is made of. Steps are data: they are stored before the first one runs, so that any later run does the same.

/** One SQL statement, with what it does to others. */
export interface Statement {
  readonly sql: string
  /** The strongest lock it takes, and on what. */
  readonly lock: string
  /** What it waits for, for people. */
  readonly waits: string
}

/**
 * How a step runs.
 * - `short`: all statements in one transaction that gives up when a lock is not had at once, and is tried again
 * - `long`: one statement at a time, under locks that stop neither reads nor writes; each may be run again
 * - `index`: one index, built concurrently; a left-over that is not valid is dropped first
 * - `backfill`: many small transactions over the pages of the table
 */
export type Mode = 'short' | 'long' | 'index' | 'backfill'

export interface Step {
  readonly table: string
  readonly name: string
  readonly mode: Mode
  readonly statements: readonly Statement[]
  /** Statements that undo it, whether or not it was finished. */
  readonly undo: readonly string[]
  /** Mode index: schema and name of the index. */
  readonly index?: { readonly schema: string; readonly name: string }
  /** Mode backfill: what fills the rows; null where they must be filled already. */
  readonly backfill?: Backfill
  /** Mode long, of a foreign key to another adopted table: what makes rows agree that do not. */
  readonly agreement?: Agreement
  /** From the first of these on there is no undo. */
  readonly isFinal?: boolean
}

export interface Backfill {
  readonly oid: number
  /** The name that `expression` knows the table by. */
  readonly alias: string
  readonly expression: string | null
  readonly keyColumns: readonly string[]
  /** Every row gets this organization where the expression gives none that exists. */
  readonly orphansTo: string | null
}

export interface Agreement {
  /** The name that `expression` knows the table by. */
  readonly alias: string
  readonly expression: string | null
  readonly keyColumns: readonly string[]
  readonly targetName: string
  /** Without organization_id. */
  readonly columns: readonly string[]
  readonly targetColumns: readonly string[]
}

const used = 'transactions that use the table, at most the lock timeout; then it is tried again'

export const statement = {
  /** A change of the catalogue only: the lock is held for milliseconds. */
  exclusive: (sql: string, table: string): Statement => ({ sql, lock: `ACCESS EXCLUSIVE on ${table}`, waits: used }),
  /** Stops writes, not reads, for milliseconds. */
  noWrites: (sql: string, tables: string): Statement => ({
    sql,
    lock: `SHARE ROW EXCLUSIVE on ${tables}`,
    waits: used,
  }),
  /** Reads the whole table, and stops nobody. */
  scan: (sql: string, table: string): Statement => ({
    sql,
    lock: `SHARE UPDATE EXCLUSIVE on ${table}`,
    waits: 'vacuum and other changes of the schema; reads and writes go on',
  }),
  concurrent: (sql: string, table: string): Statement => ({
    sql,
    lock: `SHARE UPDATE EXCLUSIVE on ${table}`,
    waits: 'transactions that are older than it; reads and writes go on',
  }),
  rows: (sql: string, table: string): Statement => ({
    sql,
    lock: `ROW EXCLUSIVE on ${table}, rows of one batch`,
    waits: 'writers of the same rows, at most the lock timeout; then a smaller batch',
  }),
  none: (sql: string): Statement => ({ sql, lock: 'none', waits: 'nothing' }),
}
