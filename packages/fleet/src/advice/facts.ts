// What the catalogue knows of where an organization lives and what its plan asks for.
import type { Pool } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'

import type { Isolation } from '../provision/clusters/cluster.ts'

export interface Facts {
  readonly organizationId: string
  readonly isolation: Isolation
  readonly cluster: string
  readonly region: string
  /** Null: the catalogue's own. */
  readonly databaseName: string | null
  /** Null: the tables that organizations share. */
  readonly schemaName: string | null
  readonly plan: {
    readonly id: string
    readonly isolation: Isolation
    readonly region: string | null
    readonly ownKey: boolean
  }
  /** Homes of one organization each in the same database, in a schema, also those that are kept warm. */
  readonly schemas: number
}

interface Row extends Omit<Facts, 'plan'> {
  readonly planId: string
  readonly planIsolation: Isolation
  readonly planRegion: string | null
  readonly planOwnKey: boolean
}

/** @throws RowhouseError organization_not_found */
export async function readFacts(catalogue: Pool, organizationId: string): Promise<Facts> {
  const { rows } = await catalogue.query<Row>(
    `select p.organization_id as "organizationId", p.isolation, p.cluster, c.region, p.database_name as "databaseName",
       case when p.login is not null then p.schema_name end as "schemaName",
       l.id as "planId", l.isolation as "planIsolation", l.region as "planRegion", l.own_key as "planOwnKey",
       (select count(*)::int from rowhouse.homes h
        where h.cluster = p.cluster and h.isolation = 'schema' and h.database_name is not distinct from p.database_name
          and h.state in ('spare', 'assigned')) as schemas
     from rowhouse.placements p
     join rowhouse.organizations o on o.id = p.organization_id
     join rowhouse.plans l on l.id = o.plan
     join rowhouse.clusters c on c.id = p.cluster
     where p.organization_id = $1`,
    [organizationId],
  )
  const [row] = rows
  if (row === undefined) {
    throw new RowhouseError('organization_not_found', `No organization has the id ${organizationId}.`)
  }
  const { planId, planIsolation, planRegion, planOwnKey, ...facts } = row
  return { ...facts, plan: { id: planId, isolation: planIsolation, region: planRegion, ownKey: planOwnKey } }
}
