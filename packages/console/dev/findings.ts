// A made-up verification: what the rules found, nothing, or never asked.
import type { Finding, Verification, VerificationReport } from '@rowhouse/contracts'
import { ago } from './fixtures.ts'

const RULES = 79
const docs = 'https://github.com/rowhouse/rowhouse/blob/main/docs/rules/'

const findings: readonly Finding[] = [
  {
    rule: 'V0301',
    code: 'view_bypasses_rls',
    severity: 'error',
    object: 'view public.open_invoices',
    message: 'public.open_invoices reads public.invoices as its owner, whom row security does not hold.',
    fix: 'alter view public.open_invoices set (security_invoker = true)',
    fixIsSql: true,
    docs: `${docs}0301-view-bypasses-rls.md`,
    cost: null,
  },
  {
    rule: 'V0404',
    code: 'reference_without_organization',
    severity: 'error',
    object: 'table public.invoice_lines',
    message:
      'The foreign key invoice_lines_invoice_id_fkey of public.invoice_lines refers to public.invoices by its id alone: a row of one organization can refer to a row of another.',
    fix: 'Put the organization into the foreign key, and into a unique key of public.invoices that it refers to.',
    fixIsSql: false,
    docs: `${docs}0404-reference-without-organization.md`,
    cost: null,
  },
  {
    rule: 'V0802',
    code: 'tenant_column_cast',
    severity: 'warning',
    object: 'policy rowhouse_organization on public.contacts',
    message: 'The policy casts organization_id, so no index over it is used.',
    fix: "select rowhouse.protect('public.contacts')",
    fixIsSql: true,
    docs: `${docs}0802-tenant-column-cast.md`,
    cost: { planned: 18_334.2, plannedByTenant: 412.6, rows: 1_200_000 },
  },
  {
    rule: 'V0112',
    code: 'shared_login_channels',
    severity: 'info',
    object: 'role rowhouse_app',
    message: 'rowhouse_app may call functions of pg_catalog that reach other sessions of the same login.',
    fix: 'As a superuser: revoke execute on pg_terminate_backend, pg_cancel_backend from public.',
    fixIsSql: false,
    docs: `${docs}0112-shared-login-channels.md`,
    cost: null,
  },
]

const columns = ['Rowhouse', 'Roles', 'Policies', 'Objects', 'Keys', 'Sessions', 'Schemas', 'Platform', 'Speed'].map(
  (name, at) => ({ id: String(at).padStart(2, '0'), name }),
)
const tables = ['companies', 'contacts', 'deals', 'invoice_lines', 'invoices', 'notes', 'tasks']

function reportOf(found: readonly Finding[]): VerificationReport {
  const subjectOf = ({ object }: Finding): string => object.replace(/^policy .* on /, 'table ')
  const objects = [...new Set([...found.map(subjectOf), ...tables.map((name) => `table public.${name}`)])]
  return {
    at: ago(190_000),
    durationMs: 840,
    outcome: found.length === 0 ? 'clean' : 'findings',
    verdict: found.length === 0 ? 'No rule found a way between organizations.' : '2 errors, 1 warning, 1 note found.',
    database: { name: 'app', serverVersion: '18.4' },
    examined: {
      rules: RULES,
      tables: tables.length,
      roles: ['anon', 'authenticated', 'rowhouse_app'],
      tenantSchemas: 0,
    },
    findings: [...found],
    undecided: [],
    matrix: {
      columns,
      rows: objects.map((object) => ({
        object,
        cells: columns.map(({ id }) => {
          const first = found.findIndex((finding) => subjectOf(finding) === object && finding.rule.startsWith(`V${id}`))
          const severity = found[first]?.severity
          return severity === undefined ? null : { severity, count: 1, first }
        }),
      })),
      soundLeftOut: 0,
    },
  }
}

export type FindingsFixture = 'never' | 'clean' | 'found'

/** A verification that moves each time it is read while it runs, and is clean when it ends. */
export function verificationOf(kind: FindingsFixture): { read(): Verification; run(): Verification } {
  const started = ago(190_000)
  let report = kind === 'never' ? null : reportOf(kind === 'clean' ? [] : findings)
  let run: Verification['run'] =
    report === null ? null : { state: 'done', startedAt: started, done: RULES, total: RULES, error: null }
  return {
    read: () => {
      if (run?.state === 'running') {
        const done = Math.min(RULES, run.done + 40)
        run = { ...run, done, total: RULES, state: done === RULES ? 'done' : 'running' }
        if (run.state === 'done') report = reportOf(kind === 'found' ? findings : [])
      }
      return { run, report }
    },
    run: () => {
      run = { state: 'running', startedAt: ago(0), done: 0, total: 0, error: null }
      return { run, report }
    },
  }
}
