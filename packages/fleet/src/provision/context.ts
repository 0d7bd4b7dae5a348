// What every function of provisioning works with. Built once by openFleet(); nothing here has behaviour.
import type { Pool } from 'pg'

import type { CopyToCarry } from '../copies/carry-copy.ts'
import type { Servers } from './clusters/servers.ts'
import type { ServerDriver } from './drivers/driver.ts'
import type { Home } from './home.ts'
import type { HomeMigrations } from '../rollout/index.ts'

export type FleetEvent =
  | { readonly type: 'home_ready'; readonly home: Home; readonly durationMs: number }
  | { readonly type: 'home_failed'; readonly home: Home; readonly step: string; readonly error: unknown }
  | { readonly type: 'home_dropped'; readonly home: Home }
  | { readonly type: 'cluster_checked'; readonly cluster: string; readonly error: string | null }

export interface FleetContext {
  /** The catalogue, as rowhouse_control. */
  readonly catalogue: Pool
  readonly signingKey: string
  readonly servers: Servers
  readonly migrations: HomeMigrations
  readonly drivers: ReadonlyMap<string, ServerDriver>
  /**
   * Brings what a database outside the catalogue knows of an organization up to date, before anybody enters there. Nothing
   * happens for an organization that lives in the catalogue's database.
   *
   * @param copy what was read of the catalogue already
   */
  readonly carryCopy: (organizationId: string, copy?: CopyToCarry) => Promise<void>
  /** Makes a database that an organization has left know it. */
  readonly tellFormer: (farewell: CopyToCarry) => Promise<void>
  readonly observe: (event: FleetEvent) => void
  /** Told of each step before it begins; a test stops a run there. */
  readonly beforeStep: (home: Home, step: string) => Promise<void>
}
