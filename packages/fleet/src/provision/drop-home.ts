// Takes a home away that no organization lives in: what a run could not finish, what is broken, what is no longer wanted, what
// was left and kept for its time. An organization's home is never dropped here; what leaves one empty is a move or an erasure.
import { randomUUID } from 'node:crypto'

import { RowhouseError } from '@rowhouse/contracts'

import type { FleetContext } from './context.ts'
import { dropDatabaseHome } from './database-home.ts'
import { holding, homeColumns, LEASE_MS, noteHome, readHome } from './home.ts'
import type { Home } from './home.ts'
import { dropSchemaHome } from './schema-home.ts'
import { dropServer } from './server-home.ts'

/**
 * Drops what there is of a home on its server, then its row. When the server does not answer, the row stays as `dropping`,
 * nobody's, and the worker goes on with it.
 *
 * @throws RowhouseError home_assigned, home_kept, home_taken, database_unreachable
 */
export async function dropHome(fleet: FleetContext, id: string): Promise<void> {
  const run = randomUUID()
  const { rows } = await fleet.catalogue.query<Home>(
    `update rowhouse.homes h
     set state = 'dropping', organization_id = null, run = $2, run_until = now() + $3 * interval '1 ms', updated_at = now()
     where h.id = $1 and h.isolation <> 'shared' and h.state <> 'assigned' and (h.run is null or h.run_until < now())
       and not exists (select from rowhouse.placements p where p.home_id = h.id)
       -- Not before its time, nor while the rows that were in it are on their way.
       and (h.state <> 'retired' or (h.kept_until <= now() and not exists (
         select from rowhouse.placements p where p.organization_id = h.former_organization and p.state <> 'active')))
     returning ${homeColumns}`,
    [id, run, LEASE_MS],
  )
  const [home] = rows
  if (home === undefined) throw await whyNot(fleet, id)
  try {
    await fleet.beforeStep(home, 'dropping')
    await holding(fleet.catalogue, home.id, run, async () => {
      if (await dropServer(fleet, home)) return
      await (home.isolation === 'schema' ? dropSchemaHome : dropDatabaseHome)(fleet, home)
    })
    await fleet.beforeStep(home, 'dropped')
    // A database that is gone needs no farewell.
    await fleet.catalogue.query(
      `with gone as (delete from rowhouse.homes where id = $1 and run = $2 returning cluster, database_name, isolation)
       delete from rowhouse.farewells f using gone
       where gone.isolation = 'database' and f.cluster = gone.cluster and f.database_name = gone.database_name`,
      [home.id, run],
    )
  } catch (error) {
    await noteHome(fleet.catalogue, home.id, run, {
      error: (error instanceof Error ? error.message : String(error)).slice(0, 1000),
    }).catch(() => undefined)
    await fleet.catalogue
      .query('update rowhouse.homes set run = null, run_until = null where id = $1 and run = $2', [home.id, run])
      .catch(() => undefined)
    throw error
  }
  fleet.observe({ type: 'home_dropped', home })
}

async function whyNot(fleet: FleetContext, id: string): Promise<RowhouseError> {
  const home = await readHome(fleet.catalogue, id)
  if (home.state === 'retired') {
    return new RowhouseError('home_kept', `The home ${id} was left, and is kept for its time.`, {
      details: { home: id },
    })
  }
  return home.state === 'assigned'
    ? new RowhouseError('home_assigned', `The organization ${home.organizationId} lives in the home ${id}.`, {
        details: { home: id, organizationId: home.organizationId },
      })
    : new RowhouseError('home_taken', `Another process works on the home ${id}.`, { details: { home: id } })
}
