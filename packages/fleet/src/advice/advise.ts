// Where an organization should live, by numbers: each with how it was found. What cannot be found says why, and the rest
// answers all the same. Nothing is scanned, changed or kept for it.
import type { Rowhouse } from 'rowhouse'

import { isRowhouseError } from '@rowhouse/contracts'
import type { Advice, AdviceSignal } from '@rowhouse/contracts'

import { readCluster } from '../provision/clusters/cluster.ts'
import type { FleetContext } from '../provision/context.ts'
import { readConnections } from './connections.ts'
import { COUNTED_MAX, countRows } from './count-rows.ts'
import type { RowCount } from './count-rows.ts'
import { decide, thresholds } from './decide.ts'
import { readFacts } from './facts.ts'
import type { Facts } from './facts.ts'
import { ROWS_MAX, TIMEOUT_MS, measurePolicies } from './policy-time.ts'
import type { PolicyTime } from './policy-time.ts'

type Found<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly code: string }

/**
 * @param rowhouse enters the organization, as an operator, to see what its policies cost
 * @throws RowhouseError organization_not_found, and what the catalogue failed with
 */
export async function advise(fleet: FleetContext, rowhouse: Rowhouse, organizationId: string): Promise<Advice> {
  const facts = await readFacts(fleet.catalogue, organizationId)
  const cluster = await readCluster(fleet.catalogue, facts.cluster)
  const looked = await attempt(() =>
    fleet.servers.asMigrator(
      cluster,
      facts.databaseName,
      async (client) => {
        const rows = await attempt(() => countRows(client, organizationId, facts.schemaName))
        const connections = await attempt(() => readConnections(client))
        const organization = rowhouse.as({ organizationId, operator: 'operator', reason: 'advice' })
        const policies = rows.ok
          ? await attempt(() => measurePolicies(organization, client, organizationId, rows.value.tables))
          : rows
        return { rows, connections, policies }
      },
      { keep: facts.isolation !== 'database' },
    ),
  )
  const { rows, connections, policies } = looked.ok
    ? looked.value
    : { rows: looked, connections: looked, policies: looked }
  const signals: AdviceSignal[] = [
    numeric('rows', 'rows', thresholds.rows, rows, ({ rows }) => rows, describeRows),
    numeric(
      'policy_time',
      'ms',
      thresholds.policyTimeMs,
      policies,
      ({ ms }) => Math.round(ms * 100) / 100,
      describePolicies,
    ),
    numeric(
      'connections',
      'percent',
      thresholds.connectionsPercent,
      connections,
      ({ used, max }) => Math.round((100 * used) / max),
      ({ used, max }) => `${used} of ${max} connections of the server, by pg_stat_database.`,
    ),
    numeric(
      'schemas',
      'schemas',
      thresholds.schemas,
      { ok: true, value: facts.schemas },
      (schemas) => schemas,
      () => 'Homes in schemas of the same database, as the catalogue knows them.',
    ),
    residency(facts),
    ownKey(facts),
  ]
  const exceeded = new Set(signals.filter(({ isExceeded }) => isExceeded).map(({ signal }) => signal))
  return {
    organizationId,
    at: new Date().toISOString(),
    isolation: facts.isolation,
    cluster: facts.cluster,
    region: facts.region,
    plan: facts.plan,
    advises: decide({ ...facts, exceeded }),
    signals,
  }
}

async function attempt<Value>(act: () => Promise<Value>): Promise<Found<Value>> {
  try {
    return { ok: true, value: await act() }
  } catch (error) {
    return { ok: false, code: isRowhouseError(error) ? error.code : 'query_failed' }
  }
}

function numeric<Value>(
  signal: AdviceSignal['signal'],
  unit: AdviceSignal['unit'],
  threshold: number,
  found: Found<Value>,
  value: (found: Value) => number,
  method: (found: Value) => string,
): AdviceSignal {
  const same = { signal, unit, threshold }
  if (!found.ok) {
    return { ...same, value: null, isExceeded: false, method: 'It could not be found out.', problem: found.code }
  }
  const number = value(found.value)
  return { ...same, value: number, isExceeded: number >= threshold, method: method(found.value), problem: null }
}

function describeRows({ estimated, counted, cut }: RowCount): string {
  const parts: string[] = []
  if (estimated > 0 || counted === 0) {
    parts.push(`Postgres’ statistics of ${tables(estimated)}: rows of the table and the organization’s share of them.`)
  }
  if (counted > 0) parts.push(`${tables(counted)} never analyzed: counted, up to ${COUNTED_MAX} rows each.`)
  if (cut > 0) parts.push(`At ${tables(cut)} there are more.`)
  return parts.join(' ')
}

function describePolicies({ table, tables: count, isCut }: PolicyTime): string {
  if (table === null) return 'There is no protected table to measure at.'
  const bound = isCut ? ` It was stopped after ${TIMEOUT_MS} ms.` : ''
  return `Measured now at ${tables(count)}, worst at ${table}: reading up to ${ROWS_MAX} rows as the organization, against the same without policies; best of three.${bound}`
}

const tables = (count: number): string => `${count} ${count === 1 ? 'table' : 'tables'}`

function residency({ region, plan }: Facts): AdviceSignal {
  return {
    signal: 'residency',
    value: region,
    threshold: plan.region,
    unit: 'region',
    isExceeded: plan.region !== null && plan.region !== region,
    method:
      plan.region === null
        ? 'Its plan names no region.'
        : 'The region of its cluster, against the one that its plan names.',
    problem: null,
  }
}

function ownKey({ isolation, plan }: Facts): AdviceSignal {
  return {
    signal: 'own_key',
    value: isolation === 'database',
    threshold: plan.ownKey ? true : null,
    unit: 'key',
    isExceeded: plan.ownKey && isolation !== 'database',
    method: plan.ownKey
      ? 'Its plan owes it a key of its own; only a database of its own can have one.'
      : 'Its plan owes it no key of its own.',
    problem: null,
  }
}
