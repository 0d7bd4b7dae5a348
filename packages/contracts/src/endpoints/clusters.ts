import { z } from 'zod'
import { endpoint } from '../endpoint.ts'
import { isolationModel } from './organizations.ts'

const clusterId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens, at most 63')
const most = z.int().min(1).max(1_000_000).nullable()
const spares = z.int().min(0).max(1000)
const days = z.int().min(0).max(3650)

export const cluster = z
  .object({
    id: z.string(),
    region: z.string(),
    driver: z.string(),
    /** Null: the server that the catalogue is on. */
    host: z.string().nullable(),
    port: z.int(),
    tls: z.enum(['verify-full', 'off']),
    models: z.array(isolationModel),
    organizationsMax: most,
    schemasMax: most,
    databasesMax: most,
    connectionsMax: most,
    spareSchemas: spares,
    spareDatabases: spares,
    /** How long a home that was left is kept. */
    retiredDays: days,
    /** Of a server that was made for one home: the cluster whose driver made it. */
    parent: z.string().nullable(),
    status: z.enum(['active', 'draining', 'down']),
    serverVersion: z.int().nullable(),
    checkedAt: z.iso.datetime().nullable(),
    /** What the last check failed with. */
    checkError: z.string().nullable(),
  })
  .meta({ id: 'Cluster' })
export type Cluster = z.infer<typeof cluster>

export const listClusters = endpoint({
  id: 'listClusters',
  method: 'GET',
  path: '/v1/clusters',
  summary: 'The servers that organizations may live on',
  tag: 'clusters',
  access: 'operator',
  audit: null,
  response: z.object({ items: z.array(cluster) }),
})

export const addCluster = endpoint({
  id: 'addCluster',
  method: 'POST',
  path: '/v1/clusters',
  summary: 'Register a server; it is looked at first, and its URL is kept sealed',
  tag: 'clusters',
  access: 'operator',
  audit: 'cluster.add',
  body: z.object({
    id: clusterId,
    region: clusterId.default('default'),
    driver: clusterId.default('postgres'),
    /** The administrator's. Never shown again. */
    url: z.string().max(4000),
    /** PEM of an authority of one's own. */
    tlsCa: z.string().max(100_000).optional(),
    models: z.array(isolationModel).min(1).max(3).optional(),
    organizationsMax: most.optional(),
    schemasMax: most.optional(),
    databasesMax: most.optional(),
    connectionsMax: most.optional(),
    spareSchemas: spares.optional(),
    spareDatabases: spares.optional(),
    retiredDays: days.optional(),
  }),
  response: cluster,
  errors: [
    'cluster_exists',
    'cluster_tls_required',
    'cluster_login_too_weak',
    'database_unreachable',
    'database_login_refused',
    'postgres_too_old',
    'driver_unknown',
  ],
})

export const setCluster = endpoint({
  id: 'setCluster',
  method: 'PATCH',
  path: '/v1/clusters/:clusterId',
  summary: 'Change what a cluster takes, how many warm homes it keeps, or its administrator; what is not named stays',
  tag: 'clusters',
  access: 'operator',
  audit: 'cluster.set',
  body: z.object({
    /** `draining`: keeps what it has and takes nothing new. */
    status: z.enum(['active', 'draining']).optional(),
    /** The administrator's: another login or password, or where the same server is now. Never shown again. */
    url: z.string().max(4000).optional(),
    /** PEM of an authority of one's own; null: those that Node trusts. Only with `url`. */
    tlsCa: z.string().max(100_000).nullable().optional(),
    models: z.array(isolationModel).min(1).max(3).optional(),
    organizationsMax: most.optional(),
    schemasMax: most.optional(),
    databasesMax: most.optional(),
    connectionsMax: most.optional(),
    spareSchemas: spares.optional(),
    spareDatabases: spares.optional(),
    retiredDays: days.optional(),
  }),
  response: cluster,
  errors: [
    'cluster_unknown',
    'cluster_differs',
    'cluster_tls_required',
    'cluster_login_too_weak',
    'database_unreachable',
    'database_login_refused',
    'postgres_too_old',
  ],
})

export const checkCluster = endpoint({
  id: 'checkCluster',
  method: 'POST',
  path: '/v1/clusters/:clusterId/check',
  summary: 'Look whether a cluster answers, and write down what was found',
  tag: 'clusters',
  access: 'operator',
  audit: 'cluster.check',
  response: cluster,
  errors: ['cluster_unknown'],
})

export const dataDatabase = z
  .object({
    cluster: z.string(),
    databaseName: z.string(),
    /** When its change logs were last looked after: months, seals, retention. Null: not yet. */
    keptAt: z.iso.datetime().nullable(),
    /** When lines that had expired were last removed. */
    prunedAt: z.iso.datetime().nullable(),
    /** The code of what the last attempt failed with; it is tried again and again. */
    error: z.string().nullable(),
    failingSince: z.iso.datetime().nullable(),
    attempts: z.int(),
    /** Organizations whose log could not be sealed; the others were. */
    unsealed: z.array(z.uuid()),
  })
  .meta({ id: 'DataDatabase' })
export type DataDatabase = z.infer<typeof dataDatabase>

export const listDatabases = endpoint({
  id: 'listDatabases',
  method: 'GET',
  path: '/v1/databases',
  summary: 'Databases besides the catalogue’s, and whether their change logs are looked after; those that fail first',
  tag: 'clusters',
  access: 'operator',
  audit: null,
  query: z.object({
    /** `true`: only those that fail. */
    failing: z.enum(['true', 'false']).default('false'),
    limit: z.coerce.number().int().min(1).max(500).default(100),
  }),
  response: z.object({ items: z.array(dataDatabase), total: z.int(), failing: z.int() }),
})
