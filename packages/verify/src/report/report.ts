// What a verification says: the one shape that the table, JSON, SARIF, JUnit and the HTML page are made from.

export type Severity = 'error' | 'warning' | 'info'

export interface Finding {
  /** `V0101`: V, two digits of the class, two of the number. Attacks use the classes 90 to 99. */
  readonly rule: string
  /** snake_case, permanent; the same as `rowhouse.findings().code` where both exist. */
  readonly code: string
  readonly severity: Severity
  /** What it is about, with its kind: `table public.contacts`, `function public.f(uuid)`, `role app`. */
  readonly object: string
  /** What is wrong, with the value seen. */
  readonly message: string
  /** SQL, or one sentence. */
  readonly fix: string
  readonly source: 'static' | 'attack'
  /** Attack: the shortest SQL that reproduces it. */
  readonly evidence?: string
  readonly details?: Readonly<Record<string, string | number>>
}

/** A finding that somebody accepted, until a day. */
export interface AcceptedFinding extends Finding {
  readonly reason: string
  /** The last day it is accepted, `2026-12-31`. */
  readonly expires: string
}

/** What no probe tried, and why. Never silently skipped. */
export interface NotCovered {
  readonly object: string
  readonly probe: string
  readonly reason: string
}

/** What was attacked because somebody named it, and what was left out by that. */
export interface Part {
  /** As they were named. */
  readonly only: readonly string[]
  /** What is called so: `table public.contacts`. */
  readonly objects: readonly string[]
  /** Probes that were not tried, each in each context. */
  readonly leftOutProbes: number
  readonly leftOutObjects: number
}

/** What the attacks tried. */
export interface Coverage {
  readonly objects: number
  readonly probes: number
  readonly statements: number
  /** Pairs of object and probe. */
  readonly cells: number
  readonly notCovered: readonly NotCovered[]
  /** What no schema can prevent, said once: relation sizes and the like. */
  readonly limits: readonly string[]
  /** Where only a part of the schema was attacked. */
  readonly part?: Part
}

export type Outcome = 'clean' | 'findings' | 'undecided'

export interface VerifyReport {
  readonly version: 1
  /** ISO 8601. */
  readonly startedAt: string
  readonly durationMs: number
  readonly database: {
    readonly name: string
    readonly serverVersion: string
    /** The version of Rowhouse's schema, null where it is not installed. */
    readonly rowhouse: number | null
    readonly supabase: boolean
    readonly login: string
  }
  /** What was taken for granted: a reviewer looks at this first. */
  readonly examined: {
    readonly rules: number
    /** Tables of tenants, by name. */
    readonly tables: readonly string[]
    readonly tenantTable: string | null
    /** The roles that requests come as. */
    readonly roles: readonly string[]
    /** Schemas that belong to one tenant each. */
    readonly tenantSchemas: readonly string[]
  }
  readonly findings: readonly Finding[]
  /** Findings that were there before the change that is judged; empty where nothing was named as before. */
  readonly known: readonly Finding[]
  readonly accepted: readonly AcceptedFinding[]
  /** About the baseline: what has expired, what is not found any more. */
  readonly warnings: readonly string[]
  /** Null when no attack was asked for. */
  readonly attack: Coverage | null
  readonly outcome: Outcome
  /** Why it could not decide; empty otherwise, also where a part was attacked by choice. */
  readonly undecided: readonly string[]
}
