// Clusters of the fixture: the catalogue's, one far away, and, where it is asked for, one that is dead. Made up; in memory.
import type { Cluster, DataDatabase } from '@rowhouse/contracts'
import { ago } from './fixtures.ts'

const main: Cluster = {
  id: 'main',
  region: 'default',
  driver: 'postgres',
  host: null,
  port: 5432,
  tls: 'off',
  models: ['shared', 'schema', 'database'],
  organizationsMax: null,
  schemasMax: null,
  databasesMax: null,
  connectionsMax: null,
  spareSchemas: 0,
  spareDatabases: 0,
  retiredDays: 7,
  parent: null,
  status: 'active',
  serverVersion: 180_004,
  checkedAt: ago(12_000),
  checkError: null,
}

export interface Clusters {
  list(): readonly Cluster[]
  check(id: string): Cluster | undefined
  databases(): { readonly items: readonly DataDatabase[]; readonly total: number; readonly failing: number }
}

export function clustersOf(dead: boolean): Clusters {
  const eu: Cluster = {
    ...main,
    id: 'eu-central-dedicated-enterprise-2',
    region: 'eu-central',
    host: 'db-enterprise-2.eu-central.rowhouse.example.internal',
    tls: 'verify-full',
    schemasMax: 1500,
    databasesMax: 200,
    spareSchemas: 20,
    spareDatabases: 5,
    retiredDays: 7,
  }
  const down: Cluster = {
    ...eu,
    id: 'us',
    region: 'us-east',
    host: 'db.us.example.com',
    status: 'down',
    checkError: 'database_unreachable: The database cannot be reached: connect ECONNREFUSED 10.2.0.14:5432',
  }
  const all = dead ? [main, eu, down] : [main, eu]
  return {
    list: () => all,
    check: (id) => all.find((cluster) => cluster.id === id),
    databases: () => ({
      items: dead
        ? [
            {
              cluster: 'us',
              databaseName: 'rowhouse_home_0123456789abcdef',
              keptAt: ago(7_200_000),
              prunedAt: ago(86_400_000),
              error: 'database_unreachable',
              failingSince: ago(5_400_000),
              attempts: 14,
              unsealed: [],
            },
          ]
        : [],
      total: 8,
      failing: dead ? 1 : 0,
    }),
  }
}
