// What the organizations that load the database most cost, for operators: the ten that took the most time in the last five
// minutes, whatever their number, so that labels stay bounded. Ids and slugs; no statement and no value.
import { Gauge, Registry } from 'prom-client'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { readBusiest } from '../measures/read-usage.ts'

const SHOWN_MAX = 10
const MINUTES = 5

const values = {
  calls: ['rowhouse_organization_statements', 'Statements'],
  errors: ['rowhouse_organization_statement_errors', 'Statements that failed'],
  seconds: ['rowhouse_organization_statement_seconds', 'Time of statements'],
  rows: ['rowhouse_organization_rows', 'Rows of statements'],
  bytes: ['rowhouse_organization_bytes', 'Bytes of statements on the wire, both ways'],
  p95: ['rowhouse_organization_statement_p95_seconds', 'p95 of statements that are not in the background'],
} as const

export interface OrganizationMetrics {
  readonly registry: Registry
  /** Brings the registry to the present; it is empty where the catalogue does not answer. */
  read(): Promise<void>
}

export function createOrganizationMetrics(catalogue: Pick<Catalogue, 'query'>): OrganizationMetrics {
  const registry = new Registry()
  const gauges = (Object.keys(values) as (keyof typeof values)[]).map((value) => {
    const [name, what] = values[value]
    const help = `${what} in the last five minutes, of the ${SHOWN_MAX} organizations that took the most time.`
    return { value, gauge: new Gauge({ name, help, labelNames: ['organization', 'slug'], registers: [registry] }) }
  })
  return {
    registry,
    async read() {
      const busiest = await readBusiest(catalogue, { minutes: MINUTES, limit: SHOWN_MAX }).catch(() => [])
      registry.resetMetrics()
      for (const { organizationId: organization, slug, timeMs, p95Ms, ...amounts } of busiest) {
        const said = { ...amounts, seconds: timeMs / 1000, p95: (p95Ms ?? 0) / 1000 }
        for (const { value, gauge } of gauges) gauge.set({ organization, slug }, said[value])
      }
    },
  }
}
