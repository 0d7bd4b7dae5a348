// What a check of a migration's text says. Everything that is wrong with a file is said at once, not one thing a run.

/** Names are permanent: migrations allow checks by them. docs/migrations.md describes each. */
export const overridableChecks = [
  'add_constraint',
  'add_not_null_column',
  'add_primary_key',
  'add_unique',
  'change_data',
  'change_type',
  'definer_function',
  'drop_column',
  'drop_default',
  'drop_function',
  'drop_table',
  'drop_type',
  'drop_view',
  'dynamic_sql',
  'index_without_concurrently',
  'lock_table',
  'not_null_without_check',
  'rename',
  'rewrite_table',
  'stored_expression',
  'taken_table',
  'unknown_function',
  'unprotected_table',
  'volatile_default',
] as const
export const fixedChecks = [
  'concurrently',
  'names_schema',
  'session_setting',
  'statement_not_for_homes',
  'transaction_control',
] as const
export type OverridableCheck = (typeof overridableChecks)[number]
export type Check = OverridableCheck | (typeof fixedChecks)[number]

/** What cannot be taken back: whoever rolls it out is asked, or says --yes. */
export const destructiveChecks: ReadonlySet<Check> = new Set<Check>([
  'change_data',
  'change_type',
  'drop_column',
  'drop_function',
  'drop_table',
  'drop_type',
  'drop_view',
])

export interface Problem {
  readonly check: Check
  /** From 1, in the file. */
  readonly line: number
  readonly column: number
  readonly message: string
  /** The safe way to the same end. */
  readonly instead: string
  /** Matters only where a table of this name is large in some home; null: always. */
  readonly onlyIfLarge: string | null
}

export const isOverridable = (check: string): check is OverridableCheck =>
  (overridableChecks as readonly string[]).includes(check)
