// What organizations have left behind: a former home is locked, kept for its time and dropped; a former database hears that the
// organization lives elsewhere. The catalogue wrote it down with the change of the placement (0812_retired_homes.sql); here it
// is done, by whichever worker comes first, and again after one that died. Of a server that fails no more is tried in a pass.
import { randomUUID } from 'node:crypto'
import { isRowhouseError } from '@rowhouse/contracts'

import type { CopyToCarry } from '../copies/carry-copy.ts'
import { readCluster } from '../provision/clusters/cluster.ts'
import type { FleetContext } from '../provision/context.ts'
import { dropHome } from '../provision/drop-home.ts'
import { homeColumns, noteHome, releaseHome, takeHome } from '../provision/home.ts'
import type { Home } from '../provision/home.ts'
import { lockLogin, openLogin } from '../provision/login.ts'

/** Of each kind that one pass looks at; the next pass goes on. */
const EACH_MAX = 50

export interface RetirePass {
  readonly locked: number
  /** Organizations that came back: their logins are open again. */
  readonly opened: number
  /** Databases that know by now that an organization has left them. */
  readonly told: number
  readonly dropped: number
  /** What failed, says so in the catalogue, and stays for the next pass. */
  readonly failed: number
}

export async function keepRetired(fleet: FleetContext): Promise<RetirePass> {
  const pass = { locked: 0, opened: 0, told: 0, dropped: 0, failed: 0 }
  const silent = new Set<string>()
  const attempt = async (
    cluster: string,
    what: Exclude<keyof RetirePass, 'failed'>,
    work: () => Promise<boolean>,
  ): Promise<void> => {
    if (silent.has(cluster)) return
    try {
      if (await work()) pass[what] += 1
    } catch {
      silent.add(cluster)
      pass.failed += 1
    }
  }
  for (const home of await homesWhere(fleet, `(state = 'retired') <> (locked_at is not null)`)) {
    const isRetired = home.state === 'retired'
    await attempt(home.cluster, isRetired ? 'locked' : 'opened', () => setLock(fleet, home, isRetired))
  }
  const { rows } = await fleet.catalogue.query<Farewell>(
    'select organization_id as "organizationId", farewell from rowhouse.take_farewells($1)',
    [EACH_MAX],
  )
  for (const farewell of rows) await attempt(farewell.farewell.cluster, 'told', () => tell(fleet, farewell))
  for (const home of await homesWhere(fleet, `state = 'retired' and locked_at is not null and kept_until <= now()`)) {
    await attempt(home.cluster, 'dropped', async () => {
      await dropHome(fleet, home.id)
      return true
    })
  }
  return pass
}

async function homesWhere(fleet: FleetContext, condition: string): Promise<Home[]> {
  const { rows } = await fleet.catalogue.query<Home>(
    `select ${homeColumns} from rowhouse.homes
     where isolation <> 'shared' and state in ('retired', 'assigned') and ${condition} and (run is null or run_until < now())
     order by updated_at limit $1`,
    [EACH_MAX],
  )
  return rows
}

/** Locks the login of a former home, or opens that of one whose organization came back. False where another worker does. */
async function setLock(fleet: FleetContext, { id, login }: Home, isRetired: boolean): Promise<boolean> {
  const run = randomUUID()
  const home = await takeHome(fleet.catalogue, id, run)
  // Somebody moved in or out meanwhile: the next pass sees what is so then.
  if (home === null) return false
  try {
    if ((home.state === 'retired') !== isRetired) return false
    const cluster = await readCluster(fleet.catalogue, home.cluster)
    await fleet.beforeStep(home, isRetired ? 'locking' : 'opening')
    await fleet.servers.asAdmin(cluster, null, (client) => (isRetired ? lockLogin : openLogin)(client, login))
    await fleet.beforeStep(home, isRetired ? 'locked' : 'opened')
    // It may have changed hands while the server answered. A lock is written down all the same, and ends the run of whoever
    // opens it: what then differs from the state is due again.
    await fleet.catalogue.query(
      isRetired
        ? 'update rowhouse.homes set locked_at = coalesce(locked_at, now()), run = null, run_until = null where id = $1'
        : 'update rowhouse.homes set locked_at = null where id = $1 and run = $2',
      isRetired ? [id] : [id, run],
    )
    return true
  } catch (error) {
    await noteHome(fleet.catalogue, id, run, { error: describe(error) }).catch(() => undefined)
    throw error
  } finally {
    // Where the catalogue is away as well the lease ends by itself.
    await releaseHome(fleet.catalogue, id, run).catch(() => undefined)
  }
}

interface Farewell {
  readonly organizationId: string
  readonly farewell: CopyToCarry
}

async function tell(fleet: FleetContext, { organizationId, farewell }: Farewell): Promise<boolean> {
  const settle = (failure: string | null): Promise<unknown> =>
    fleet.catalogue.query('select rowhouse.settle_farewell($1, $2, $3, $4)', [
      organizationId,
      farewell.cluster,
      farewell.databaseName,
      failure,
    ])
  try {
    await fleet.tellFormer(farewell)
  } catch (error) {
    await settle(isRowhouseError(error) ? error.code : 'internal')
    throw error
  }
  await settle(null)
  return true
}

const describe = (error: unknown): string =>
  `${isRowhouseError(error) ? `${error.code}: ` : ''}${error instanceof Error ? error.message : String(error)}`.slice(
    0,
    1000,
  )
