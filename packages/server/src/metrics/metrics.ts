// What Prometheus reads. Every label has a bounded set of values: endpoints, methods, statuses,
// connectors, states. An organization is a label only for who shows the operator key, and only of those that load the
// database most.
import { connectors } from '@rowhouse/connectors'
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { DatabaseCounts } from '@rowhouse/fleet'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { ProofCounts } from '../catalogue/log-proof.ts'
import { createOrganizationMetrics } from './organization-metrics.ts'

export interface Metrics {
  request(endpoint: string, method: string, status: number, durationMs: number): void
  refusal(code: string): void
  webhook(connector: string, status: number): void
  /** Prometheus's text format; with organizations for an operator. */
  text(isOperator: boolean): Promise<string>
  readonly contentType: string
}

/** What the runtime says of itself. */
export interface RuntimeCounts {
  readonly connections: { readonly idle: number; readonly busy: number; readonly waiting: number }
  readonly measured: { readonly dropped: number; readonly failedFlushes: number }
}

interface ConnectionCount {
  readonly connector: string
  readonly state: string
  readonly count: number
}

export function createMetrics(
  catalogue: Catalogue,
  runtime: RuntimeCounts,
  streams: () => number,
  proof: ProofCounts,
  databases: DatabaseCounts,
): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'rowhouse_' })
  const requests = new Histogram({
    name: 'rowhouse_http_request_duration_seconds',
    help: 'Time to answer, by endpoint.',
    labelNames: ['endpoint', 'method', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  })
  const refusals = new Counter({
    name: 'rowhouse_http_refusals_total',
    help: 'Error answers, by code.',
    labelNames: ['code'],
    registers,
  })
  const webhooks = new Counter({
    name: 'rowhouse_webhooks_total',
    help: 'Webhooks received.',
    labelNames: ['connector', 'status'],
    registers,
  })
  const seals = new Counter({
    name: 'rowhouse_audit_seals_total',
    help: 'Seals made over the change log, by this process.',
    registers: [],
    collect() {
      this.reset()
      this.inc(proof.seals + databases.seals)
    },
  })
  const prunedLines = new Counter({
    name: 'rowhouse_audit_pruned_lines_total',
    help: 'Lines of the change log that retention removed, by this process.',
    registers: [],
    collect() {
      this.reset()
      this.inc(proof.prunedLines + databases.prunedLines)
    },
  })
  const auditFailures = new Counter({
    name: 'rowhouse_audit_failures_total',
    help: 'Sealing and pruning that failed; the log names the organization.',
    labelNames: ['work'],
    registers: [],
    collect() {
      this.reset()
      this.inc({ work: 'seal' }, proof.sealFailures + databases.sealFailures)
      this.inc({ work: 'prune' }, proof.pruneFailures + databases.pruneFailures)
    },
  })
  const openStreams = new Gauge({
    name: 'rowhouse_event_streams',
    help: 'Open event streams.',
    registers: [],
    collect() {
      this.set(streams())
    },
  })
  const poolConnections = new Gauge({
    name: 'rowhouse_database_connections',
    help: 'Connections to Postgres, by pool and state.',
    labelNames: ['pool', 'state'],
    registers: [],
    collect() {
      const tenants = runtime.connections
      this.set({ pool: 'tenants', state: 'idle' }, tenants.idle)
      this.set({ pool: 'tenants', state: 'busy' }, tenants.busy)
      this.set({ pool: 'tenants', state: 'waiting' }, tenants.waiting)
      const { total, idle, waiting } = catalogue.connections
      this.set({ pool: 'catalogue', state: 'idle' }, idle)
      this.set({ pool: 'catalogue', state: 'busy' }, total - idle)
      this.set({ pool: 'catalogue', state: 'waiting' }, waiting)
    },
  })
  const crmConnections = new Gauge({
    name: 'rowhouse_connections',
    help: 'CRM connections, by connector and state.',
    labelNames: ['connector', 'state'],
    registers: [],
    async collect() {
      const counts = await catalogue
        .query<ConnectionCount & Record<string, unknown>>(
          `select connector, state, count(*)::int as count from rowhouse.connections where connector <> '' group by 1, 2`,
        )
        .catch(() => [])
      this.reset()
      for (const { connector, state, count } of counts) this.set({ connector, state }, count)
    },
  })
  const dropped = new Counter({
    name: 'rowhouse_measures_dropped_total',
    help: 'Statements of organizations that this process did not count, for want of room.',
    registers: [],
    collect() {
      this.reset()
      this.inc(runtime.measured.dropped)
    },
  })
  const failedFlushes = new Counter({
    name: 'rowhouse_measures_failed_flushes_total',
    help: 'Attempts of this process to carry what it counted to the catalogue that failed.',
    registers: [],
    collect() {
      this.reset()
      this.inc(runtime.measured.failedFlushes)
    },
  })
  const openAlerts = new Gauge({
    name: 'rowhouse_alerts_open',
    help: 'Organizations that are slower than they usually are.',
    registers: [],
    async collect() {
      const [open] = await catalogue
        .query<{ count: number }>('select count(*)::int as count from rowhouse.alerts where closed_at is null')
        .catch(() => [])
      if (open !== undefined) this.set(open.count)
    },
  })
  registry.registerMetric(dropped)
  registry.registerMetric(failedFlushes)
  registry.registerMetric(openAlerts)
  const organizations = createOrganizationMetrics(catalogue)
  const dataDatabases = new Gauge({
    name: 'rowhouse_data_databases',
    help: 'Databases besides the catalogue, by whether what is kept there (change log, reports) was kept the last time.',
    labelNames: ['state'],
    registers: [],
    async collect() {
      const counts = await catalogue
        .query<{ kept: number; failing: number }>(
          `select (count(*) filter (where error is null))::int as kept, (count(*) filter (where error is not null))::int as failing
           from rowhouse.data_databases`,
        )
        .catch(() => [])
      this.reset()
      for (const { kept, failing } of counts) {
        this.set({ state: 'kept' }, kept)
        this.set({ state: 'failing' }, failing)
      }
    },
  })
  for (const gauge of [openStreams, poolConnections, crmConnections, dataDatabases]) registry.registerMetric(gauge)
  for (const counter of [seals, prunedLines]) registry.registerMetric(counter)
  registry.registerMetric(auditFailures)
  return {
    request: (endpoint, method, status, durationMs) =>
      requests.observe({ endpoint, method, status: String(status) }, durationMs / 1000),
    refusal: (code) => refusals.inc({ code }),
    webhook: (connector, status) =>
      webhooks.inc({ connector: connectors.has(connector) ? connector : 'unknown', status: String(status) }),
    async text(isOperator) {
      if (!isOperator) return registry.metrics()
      await organizations.read()
      return Registry.merge([registry, organizations.registry]).metrics()
    },
    contentType: registry.contentType,
  }
}
