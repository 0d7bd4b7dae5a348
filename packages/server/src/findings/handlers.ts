// Whether organizations are apart, for operators: what the last run of the rules found, and a new run.
import type { Verification, VerificationReport } from '@rowhouse/contracts'
import { classNames, isRunnable, matrixOf, rules, verdictOf } from '@rowhouse/verify'
import type { VerifyReport } from '@rowhouse/verify'
import type { Handlers, Services } from '../context.ts'

export const findingHandlers: Pick<Handlers, 'getFindings' | 'runFindings'> = {
  getFindings: ({ services }) => read(services),

  async runFindings({ services }) {
    await services.verifier.start()
    return read(services)
  },
}

async function read({ verifier }: Pick<Services, 'verifier'>): Promise<Verification> {
  const { run, report } = await verifier.read()
  return {
    run:
      run === null
        ? null
        : {
            state: run.state,
            startedAt: run.started_at.toISOString(),
            done: run.rules_done,
            total: run.rules_total,
            error: run.error,
          },
    report: report === null ? null : reportOf(report),
  }
}

const pageOf = new Map(rules.map(({ id, url }) => [id, url]))

function reportOf(report: VerifyReport): VerificationReport {
  const { columns, rows, soundLeftOut } = matrixOf(report)
  const { name, serverVersion } = report.database
  return {
    at: report.startedAt,
    durationMs: report.durationMs,
    outcome: report.outcome,
    verdict: verdictOf(report.outcome, report.findings, report.attack !== null),
    database: { name, serverVersion },
    examined: {
      rules: report.examined.rules,
      tables: report.examined.tables.length,
      roles: [...report.examined.roles],
      tenantSchemas: report.examined.tenantSchemas.length,
    },
    findings: report.findings.map(({ rule, code, severity, object, message, fix, details }) => ({
      rule,
      code,
      severity,
      object,
      message,
      fix,
      fixIsSql: isRunnable(fix),
      docs: pageOf.get(rule) ?? 'https://github.com/rowhouse/rowhouse/blob/main/docs/rules/README.md',
      cost:
        details?.['plannedCost'] === undefined
          ? null
          : {
              planned: Number(details['plannedCost']),
              plannedByTenant: Number(details['plannedCostByTenant']),
              rows: Number(details['rows']),
            },
    })),
    undecided: [...report.undecided],
    matrix: {
      columns: columns.map((id) => ({ id, name: classNames[id] ?? id })),
      rows: rows.map(({ object, cells }) => ({
        object,
        cells: cells.map((cell) => (cell === null ? null : { ...cell })),
      })),
      soundLeftOut,
    },
  }
}
