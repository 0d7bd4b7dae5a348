// Where A and B live in the scratch worlds. They are planted in the shared tables and in the homes alike; a placement is one
// row, so the same worlds serve both: first they live in the homes, then, where there are shared tables, in those.
import { Client } from 'pg'

import type { TwoWorlds } from '../../clone/clone-two-worlds.ts'
import type { OwnHomes } from '../../model/own-homes.ts'

export interface MovedIn {
  /** Why it cannot be said how they live there; empty when they do. */
  readonly undecided: readonly string[]
  /** Back into the shared tables. */
  readonly moveOut: () => Promise<void>
}

export async function moveIn({ world1, world2 }: TwoWorlds, { a, b, alone }: OwnHomes): Promise<MovedIn> {
  const isolation = alone ? 'database' : 'schema'
  const undecided = new Set<string>()
  const copies = new Map<string, string>()
  for (const world of [world1, world2]) {
    await asPlanter(world.adminUrl, async (admin) => {
      for (const [home, { organizationId }] of [
        [a, world.a],
        [b, world.b],
      ] as const) {
        if (home === null) continue
        const { rowCount } = await admin.query(
          `update rowhouse.placements set isolation = $2, schema_name = $3, login = $4, database_name = null, state = 'active'
           where organization_id = $1`,
          [organizationId, isolation, home.schema, home.login],
        )
        if (rowCount !== 1) undecided.add(`No organization could be planted that lives in ${home.schema}.`)
      }
      if (alone) return
      // What is known of them is the catalogue's and no copy, or the catalogue's door would send them elsewhere.
      const { rows } = await admin.query<{ row: string }>(
        'with gone as (delete from rowhouse.catalogue_copies returning *) select row_to_json(gone)::text as row from gone',
      )
      copies.set(world.adminUrl, `[${rows.map(({ row }) => row).join(', ')}]`)
    })
  }
  return {
    undecided: [...undecided],
    moveOut: async () => {
      for (const { adminUrl } of [world1, world2]) {
        await asPlanter(adminUrl, async (admin) => {
          await admin.query("update rowhouse.placements set isolation = 'shared', schema_name = null, login = null")
          await admin.query(
            'insert into rowhouse.catalogue_copies select * from json_populate_recordset(null::rowhouse.catalogue_copies, $1)',
            [copies.get(adminUrl) ?? '[]'],
          )
        })
      }
    },
  }
}

/** Past triggers and row security, as when the rows were planted. */
async function asPlanter<Result>(url: string, use: (admin: Client) => Promise<Result>): Promise<Result> {
  const admin = new Client({ connectionString: url, application_name: 'rowhouse verify' })
  admin.on('error', () => undefined)
  await admin.connect()
  try {
    await admin.query(
      'set session_replication_role = replica; set row_security = off; set statement_timeout = 0; set default_transaction_read_only = off',
    )
    return await use(admin)
  } finally {
    await admin.end()
  }
}
