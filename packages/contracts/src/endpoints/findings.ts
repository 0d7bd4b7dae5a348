import { z } from 'zod'
import { endpoint } from '../endpoint.ts'

export const findingSeverity = z.enum(['error', 'warning', 'info'])
export type FindingSeverity = z.infer<typeof findingSeverity>

export const finding = z
  .object({
    /** `V0101`. */
    rule: z.string(),
    /** Permanent, as `rowhouse.findings().code`. */
    code: z.string(),
    severity: findingSeverity,
    /** With its kind: `table public.contacts`. */
    object: z.string(),
    message: z.string(),
    /** SQL, or one sentence. */
    fix: z.string(),
    /** Whether the fix is SQL that runs as it stands. */
    fixIsSql: z.boolean(),
    /** The rule's page. */
    docs: z.url(),
    /** In the planner's units: a tenant's rows through the policies, the same by the tenant column, and how many there are. */
    cost: z.object({ planned: z.number(), plannedByTenant: z.number(), rows: z.number() }).nullable(),
  })
  .meta({ id: 'Finding' })
export type Finding = z.infer<typeof finding>

export const verificationReport = z
  .object({
    at: z.iso.datetime(),
    durationMs: z.number(),
    outcome: z.enum(['clean', 'findings', 'undecided']),
    /** One sentence: what it comes to. */
    verdict: z.string(),
    database: z.object({ name: z.string(), serverVersion: z.string() }),
    examined: z.object({
      rules: z.int(),
      tables: z.int(),
      /** The roles that requests come as. */
      roles: z.array(z.string()),
      tenantSchemas: z.int(),
    }),
    findings: z.array(finding),
    /** Why it could not decide; empty otherwise. */
    undecided: z.array(z.string()),
    /** Objects by the kind of rule: what was looked at, and the worst that was found there. */
    matrix: z.object({
      columns: z.array(z.object({ id: z.string(), name: z.string() })),
      rows: z.array(
        z.object({
          object: z.string(),
          /** One a column; null where nothing was found. `first` is the place of the first one in `findings`. */
          cells: z.array(z.object({ severity: findingSeverity, count: z.int(), first: z.int() }).nullable()),
        }),
      ),
      /** Tables without a finding beyond those in the rows. */
      soundLeftOut: z.int(),
    }),
  })
  .meta({ id: 'VerificationReport' })
export type VerificationReport = z.infer<typeof verificationReport>

export const verification = z
  .object({
    /** The newest run; null before the first. */
    run: z
      .object({
        state: z.enum(['running', 'done', 'failed']),
        startedAt: z.iso.datetime(),
        /** Rules that were asked, of how many. */
        done: z.int(),
        total: z.int(),
        /** Why it failed; null otherwise. */
        error: z.string().nullable(),
      })
      .nullable(),
    /** What the newest run that ended found; null before one has. */
    report: verificationReport.nullable(),
  })
  .meta({ id: 'Verification' })
export type Verification = z.infer<typeof verification>

export const getFindings = endpoint({
  id: 'getFindings',
  method: 'GET',
  path: '/v1/findings',
  summary: 'Whether organizations are apart in this database, as the last run of the rules found it',
  tag: 'isolation',
  access: 'operator',
  audit: null,
  response: verification,
})

export const runFindings = endpoint({
  id: 'runFindings',
  method: 'POST',
  path: '/v1/findings/run',
  summary: 'Ask the rules now; answers at once, and the run goes on. One that is under way is not begun again',
  tag: 'isolation',
  access: 'operator',
  audit: 'findings.run',
  response: verification,
})
