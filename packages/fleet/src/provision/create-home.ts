// Makes a home, step by step: recorded, its server where it has one of its own, login and place, tables, verified. Each step
// may be done again, and is written down when it is done; a run that dies at any of them leaves a row that the next run
// finishes, and nothing else.
import { randomUUID } from 'node:crypto'

import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'

import { readCluster } from './clusters/cluster.ts'
import type { Isolation } from './clusters/cluster.ts'
import type { FleetContext } from './context.ts'
import { makeDatabaseHome } from './database-home.ts'
import { holding, noteHome, recordHome, releaseHome, takeHome } from './home.ts'
import type { Home, HomeStep } from './home.ts'
import { makeServer } from './server-home.ts'
import { makeSchemaHome, migrateHome } from './schema-home.ts'
import { verifyHome } from './verify-home.ts'

/** In their order; `to` is what is written down when it is done. */
const steps: readonly { readonly to: HomeStep; readonly run: (fleet: FleetContext, home: Home) => Promise<object> }[] =
  [
    { to: 'server', run: makeServer },
    {
      to: 'made',
      run: async (fleet, home) => {
        await (home.isolation === 'schema' ? makeSchemaHome : makeDatabaseHome)(fleet, home)
        return {}
      },
    },
    {
      to: 'migrated',
      run: async (fleet, home) => {
        const version = await migrateHome(fleet, home)
        return version === null ? {} : { version }
      },
    },
    {
      to: 'verified',
      run: async (fleet, home) => {
        await verifyHome(fleet, home)
        return {}
      },
    },
  ]

const order: readonly HomeStep[] = ['recorded', ...steps.map(({ to }) => to)]

export interface CreateHomeOptions {
  readonly cluster: string
  readonly isolation: Exclude<Isolation, 'shared'>
  /** An organization that waits for it. @default null: a warm home, for an organization to come */
  readonly organizationId?: string | null
}

/**
 * Makes a home on a cluster. With an organization it ends as that one's, ready to be assigned; without it is a spare.
 *
 * @throws RowhouseError home_unsafe (the home is then marked broken), cluster_unknown, database_unreachable and what a
 * server refuses with
 */
export async function createHome(fleet: FleetContext, options: CreateHomeOptions): Promise<Home> {
  const run = randomUUID()
  const cluster = await readCluster(fleet.catalogue, options.cluster)
  const dataDatabase = options.isolation === 'schema' ? await fleet.servers.dataDatabase(cluster) : null
  const home = await recordHome(fleet.catalogue, { ...options, dataDatabase }, run)
  return finish(fleet, home, run)
}

/** Goes on with a home that an earlier run began. Null while another run works on it. @throws as createHome() */
export async function resumeHome(fleet: FleetContext, id: string): Promise<Home | null> {
  const run = randomUUID()
  const home = await takeHome(fleet.catalogue, id, run)
  return home === null ? null : finish(fleet, home, run)
}

async function finish(fleet: FleetContext, begun: Home, run: string): Promise<Home> {
  const startedAt = performance.now()
  let home = begun
  let step: string = home.step
  try {
    for (const { to, run: make } of steps.slice(order.indexOf(home.step))) {
      step = to
      const at = home
      const change = await holding(fleet.catalogue, at.id, run, async () => {
        await fleet.beforeStep(at, to)
        return make(fleet, at)
      })
      home = await noteHome(fleet.catalogue, home.id, run, { ...change, step: to })
    }
    // A rollout may have ended while the home was made: it is handed out with what every home has now.
    if ((await fleet.migrations.version()) !== home.version) {
      const version = await migrateHome(fleet, home)
      home = await noteHome(fleet.catalogue, home.id, run, { step: 'verified', ...(version !== null && { version }) })
    }
    await fleet.beforeStep(home, 'ready')
    if (home.organizationId === null) {
      home = await noteHome(fleet.catalogue, home.id, run, { state: 'spare' })
    }
    await releaseHome(fleet.catalogue, home.id, run)
    fleet.observe({ type: 'home_ready', home, durationMs: performance.now() - startedAt })
    return home
  } catch (error) {
    await noteFailure(fleet, home, run, error)
    fleet.observe({ type: 'home_failed', home, step, error })
    throw error
  }
}

/** An error stays with the home for whoever looks; a home that is unsafe is nobody's to use or to go on with. */
async function noteFailure(fleet: FleetContext, { id }: Home, run: string, error: unknown): Promise<void> {
  if (error instanceof RowhouseError && error.code === 'home_taken') return
  const text = `${isRowhouseError(error) ? `${error.code}: ` : ''}${error instanceof Error ? error.message : String(error)}`
  const state = isRowhouseError(error) && error.code === 'home_unsafe' ? ('broken' as const) : undefined
  try {
    await noteHome(fleet.catalogue, id, run, { error: text.slice(0, 1000), ...(state && { state }) })
    await releaseHome(fleet.catalogue, id, run)
  } catch {
    // The catalogue is away as well: the lease ends by itself, and the next run finds the home as it is.
  }
}
