// Opens provisioning on a catalogue: puts the parts together and owns nothing else.
import { Pool } from 'pg'
import type { Rowhouse } from 'rowhouse'

import type { Advice } from '@rowhouse/contracts'
import { Envelope, checkMasterKey, loginUrl } from '@rowhouse/database'

import { advise } from '../advice/advise.ts'
import { carryCopy, carryFarewell } from '../copies/carry-copy.ts'
import { EarlyConnections } from '../copies/early-connections.ts'
import { homeMigrations } from '../rollout/index.ts'
import type { HomeMigrations } from '../rollout/index.ts'
import { assignHome } from './assign-home.ts'
import { addCluster } from './clusters/add-cluster.ts'
import type { NewCluster } from './clusters/add-cluster.ts'
import { checkCluster, checkClusters } from './clusters/check-cluster.ts'
import { readCluster, readClusters } from './clusters/cluster.ts'
import type { Cluster } from './clusters/cluster.ts'
import { Servers } from './clusters/servers.ts'
import { setCluster } from './clusters/set-cluster.ts'
import type { ClusterChange } from './clusters/set-cluster.ts'
import type { FleetContext, FleetEvent } from './context.ts'
import { createHome } from './create-home.ts'
import type { CreateHomeOptions } from './create-home.ts'
import { createOrganization } from './create-organization.ts'
import type { NewOrganization } from './create-organization.ts'
import { dropHome } from './drop-home.ts'
import type { ServerDriver } from './drivers/driver.ts'
import type { Home } from './home.ts'
import { keepLimits, limitOrganization } from './keep-limits.ts'
import type { LimitsPass } from './keep-limits.ts'
import { reconcile } from './reconcile.ts'
import type { ReconcilePass } from './reconcile.ts'
import { keepRetired } from '../retire/keep-retired.ts'
import type { RetirePass } from '../retire/keep-retired.ts'
import { keepSpares } from './spares.ts'
import type { SparesPass } from './spares.ts'

export interface FleetOptions {
  /** The catalogue database, as a login that may make roles and databases on its server. */
  readonly catalogueUrl: string
  /** The master key: passwords of homes' logins and keys of their databases follow from it. */
  readonly signingKey: string
  /** Seals administrators' URLs. @default none: no cluster but the catalogue's own */
  readonly encryptionKey?: string | undefined
  readonly previousEncryptionKey?: string | null | undefined
  /** What makes tables in a home. @default the tenant migrations that are released */
  readonly migrations?: HomeMigrations | undefined
  /** What makes servers, besides databases on a server. @default none */
  readonly drivers?: readonly ServerDriver[] | undefined
  /** As FleetContext says. @default carryCopy() */
  readonly carryCopy?: FleetContext['carryCopy'] | undefined
  readonly observe?: ((event: FleetEvent) => void) | undefined
  /** Told of each step of a home before it begins. @default nobody */
  readonly beforeStep?: ((home: Home, step: string) => Promise<void>) | undefined
}

export interface Fleet {
  readonly context: FleetContext
  createOrganization(organization: NewOrganization): Promise<string>
  createHome(options: CreateHomeOptions): Promise<Home>
  assignHome(home: string, organizationId: string): Promise<void>
  dropHome(home: string): Promise<void>
  /** Gives the login of an organization's home the limits of its plan. */
  limitLogin(organizationId: string): Promise<void>
  /** The same for all whose limits have changed since. */
  keepLimits(): Promise<LimitsPass>
  readonly clusters: {
    add(cluster: NewCluster): Promise<Cluster>
    list(): Promise<Cluster[]>
    get(id: string): Promise<Cluster>
    set(id: string, change: ClusterChange): Promise<Cluster>
    check(id: string): Promise<Cluster>
    checkAll(): Promise<Cluster[]>
  }
  /** Where an organization should live. `rowhouse` enters it, to see what its policies cost. */
  advise(rowhouse: Rowhouse, organizationId: string): Promise<Advice>
  keepSpares(): Promise<SparesPass>
  /** Locks, tells and drops what organizations have left behind. */
  keepRetired(): Promise<RetirePass>
  reconcile(): Promise<ReconcilePass>
  close(): Promise<void>
}

const POOL_MAX = 5

/**
 * @throws RowhouseError signing_key_missing, signing_key_too_short, encryption_key_too_short
 * @example
 * const fleet = openFleet({ catalogueUrl, signingKey, encryptionKey })
 * const id = await fleet.createOrganization({ name: 'Acme', slug: 'acme', ownerId, plan: 'enterprise' })
 */
export function openFleet(options: FleetOptions): Fleet {
  const { catalogueUrl, encryptionKey, previousEncryptionKey, drivers = [] } = options
  const signingKey = checkMasterKey(options.signingKey)
  const envelope = encryptionKey === undefined ? null : new Envelope({ encryptionKey, previousEncryptionKey })
  const catalogue = new Pool({
    connectionString: loginUrl(catalogueUrl, 'rowhouse_control', signingKey),
    max: POOL_MAX,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    application_name: 'rowhouse fleet',
  })
  catalogue.on('error', () => {})
  const early = new EarlyConnections(catalogue, { catalogueUrl, signingKey })
  const carry: FleetContext['carryCopy'] = async (id, copy) => {
    await carryCopy({ catalogue, catalogueUrl, signingKey, early }, id, copy)
    // Whoever comes next finds the next database open.
    if (copy !== undefined) early.refill()
  }
  const servers = new Servers({ catalogue, catalogueUrl, signingKey, envelope })
  const context: FleetContext = {
    catalogue,
    signingKey,
    servers,
    migrations: options.migrations ?? homeMigrations(catalogue),
    drivers: new Map(drivers.map((driver) => [driver.name, driver])),
    carryCopy: options.carryCopy ?? carry,
    tellFormer: (farewell) => carryFarewell({ catalogueUrl, signingKey }, farewell),
    observe: options.observe ?? (() => {}),
    beforeStep: options.beforeStep ?? (() => Promise.resolve()),
  }
  let closed: Promise<void> | null = null
  const close = async (): Promise<void> => {
    await early.close()
    await servers.close()
    for (const driver of drivers) await driver.close?.()
    await catalogue.end()
    envelope?.close()
  }
  return {
    context,
    createOrganization: (organization) => createOrganization(context, organization),
    createHome: (order) => createHome(context, order),
    assignHome: (home, organizationId) => assignHome(context, home, organizationId),
    dropHome: (home) => dropHome(context, home),
    limitLogin: (organizationId) => limitOrganization(context, organizationId),
    keepLimits: () => keepLimits(context),
    clusters: {
      add: (cluster) => addCluster(context, cluster),
      list: () => readClusters(catalogue, { withServers: true }),
      get: (id) => readCluster(catalogue, id),
      set: (id, change) => setCluster(context, id, change),
      check: (id) => checkCluster(context, id),
      checkAll: () => checkClusters(context),
    },
    advise: (rowhouse, organizationId) => advise(context, rowhouse, organizationId),
    keepSpares: () => keepSpares(context),
    keepRetired: () => keepRetired(context),
    reconcile: () => reconcile(context),
    close: () => (closed ??= close()),
  }
}
