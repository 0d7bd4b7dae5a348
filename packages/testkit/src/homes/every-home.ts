// One product whose organizations live in every kind of home at once: shared tables, a schema and a database beside them, and
// the same three on a second server, which can be stopped. Made by the fleet in earnest; each has notes in it.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@rowhouse/embedded'
import type { EmbeddedPostgres } from '@rowhouse/embedded'
import { loginUrl } from '@rowhouse/database'
import { openFleet } from '@rowhouse/fleet'
import type { Fleet } from '@rowhouse/fleet'
import { createRowhouse } from 'rowhouse'
import type { Organization, Rowhouse, RowhouseOptions } from 'rowhouse'
import { afterAll, beforeAll } from 'vitest'

import { createTestDatabase, withClient } from '../test-database.ts'
import type { TestDatabase } from '../test-database.ts'
import { createTwoWorlds, worldTables } from '../two-worlds.ts'

const ENCRYPTION_KEY = 'encryption-key-of-the-tests-0123456789'
export const homeKinds = ['shared', 'schema', 'database', 'far shared', 'far schema', 'far database'] as const
export type HomeKind = (typeof homeKinds)[number]
export const farKinds: readonly HomeKind[] = ['far shared', 'far schema', 'far database']

/** An organization with one folder and three notes. */
export interface Resident {
  readonly kind: HomeKind
  readonly organizationId: string
  readonly ownerId: string
  /** As the superuser of the database that it lives in. */
  readonly adminUrl: string
  /** In the catalogue's database there is no copy of anything. */
  readonly isElsewhere: boolean
}

export interface EveryHome {
  readonly database: TestDatabase
  readonly fleet: Fleet
  readonly encryptionKey: string
  readonly of: Readonly<Record<HomeKind, Resident>>
  readonly all: readonly Resident[]
  /** Closed when the suite ends. */
  open(options?: RowhouseOptions): Rowhouse
  asOwner(rowhouse: Rowhouse, kind: HomeKind): Organization
  /** The second server, `far`. */
  stopFar(): Promise<void>
  startFar(): Promise<void>
}

export function useEveryHome(): () => EveryHome {
  let made: { readonly homes: EveryHome; readonly drop: () => Promise<void> } | undefined
  beforeAll(async () => {
    made = await createEveryHome()
  }, 120_000)
  afterAll(() => made?.drop())
  return () => {
    if (made === undefined) throw new Error('The homes are there inside hooks and tests only.')
    return made.homes
  }
}

async function createEveryHome(): Promise<{ readonly homes: EveryHome; readonly drop: () => Promise<void> }> {
  const database = await createTestDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'rowhouse-far-'))
  let far: EmbeddedPostgres | null = await startPostgres({ dataDir: folder, durable: false })
  const { adminUrl: farUrl } = far
  const opened: Rowhouse[] = []
  await createTwoWorlds(database)
  const fleet = openFleet({
    catalogueUrl: database.adminUrl,
    signingKey: database.signingKey,
    encryptionKey: ENCRYPTION_KEY,
    migrations: {
      version: () => Promise.resolve('20260101000000'),
      fingerprint: () => Promise.resolve('every home'),
      async apply(client, { schemaName }) {
        await client.query('begin')
        await client.query("select pg_catalog.set_config('search_path', $1, true)", [schemaName])
        const { rows } = await client.query<{ there: boolean }>("select to_regclass('notes') is not null as there")
        if (rows[0]?.there !== true) await client.query(worldTables)
        await client.query('commit')
        return '20260101000000'
      },
    },
  })
  await fleet.clusters.add({ id: 'far', region: 'far', url: farUrl })
  await withClient(loginUrl(placeOf(farUrl, 'rowhouse_data'), 'rowhouse_migrator', database.signingKey), (migrator) =>
    migrator.query(worldTables),
  )
  const rowhouse = createRowhouse({ url: database.appUrl, signingKey: database.signingKey })
  opened.push(rowhouse)
  const residents: Resident[] = []
  for (const kind of homeKinds) residents.push(await settle(kind))

  async function settle(kind: HomeKind): Promise<Resident> {
    const isFar = kind.startsWith('far ')
    const isolation = kind.replace('far ', '')
    const plan = kind.replace(' ', '-')
    await withClient(database.controlUrl, (control) =>
      control.query('insert into rowhouse.plans (id, name, isolation, cluster) values ($1, $1, $2, $3)', [
        plan,
        isolation,
        isFar ? 'far' : 'main',
      ]),
    )
    const ownerId = randomUUID()
    const name = `In ${kind}`
    const slug = `${plan}-${randomUUID().slice(0, 8)}`
    const organizationId = await fleet.createOrganization({ name, slug, ownerId, plan })
    await rowhouse.as({ organizationId, userId: ownerId }).query(
      `with folder as (insert into folders (name) values ($1) returning id)
       insert into notes (folder_id, body) select f.id, $1 || ' ' || n from folder f, generate_series(1, 3) n`,
      [name],
    )
    const { rows } = await withClient(database.controlUrl, (control) =>
      control.query<{ name: string | null }>(
        'select database_name as name from rowhouse.placements where organization_id = $1',
        [organizationId],
      ),
    )
    const place = rows[0]?.name ?? null
    const adminUrl = place === null ? database.adminUrl : placeOf(isFar ? farUrl : database.adminUrl, place)
    return { kind, organizationId, ownerId, adminUrl, isElsewhere: place !== null }
  }

  const of = Object.fromEntries(residents.map((resident) => [resident.kind, resident])) as EveryHome['of']
  const startFar = async (): Promise<void> => {
    far ??= await startPostgres({ dataDir: folder, durable: false })
  }
  const homes: EveryHome = {
    database,
    fleet,
    encryptionKey: ENCRYPTION_KEY,
    of,
    all: residents,
    open: (options = {}) => {
      const one = createRowhouse({ url: database.appUrl, signingKey: database.signingKey, ...options })
      opened.push(one)
      return one
    },
    asOwner: (one, kind) => one.as({ organizationId: of[kind].organizationId, userId: of[kind].ownerId }),
    stopFar: async () => {
      await far?.stop()
      far = null
    },
    startFar,
  }
  const drop = async (): Promise<void> => {
    await Promise.all(opened.map((one) => one.close()))
    await fleet.close()
    await homes.stopFar()
    await rm(folder, { recursive: true, force: true })
    await dropLeftovers(database)
    await database.drop()
  }
  return { homes, drop }
}

function placeOf(serverUrl: string, name: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

/** Databases and logins of homes are the server's, and outlive the test database. */
async function dropLeftovers(database: TestDatabase): Promise<void> {
  await withClient(database.adminUrl, async (admin) => {
    const { rows } = await admin.query<{ login: string; name: string | null }>(
      `select login, case when isolation = 'database' then database_name end as name
       from rowhouse.homes where login is not null and cluster = 'main'`,
    )
    for (const { login, name } of rows) {
      if (name !== null) await admin.query(`drop database if exists ${name} with (force)`)
      await admin.query(`drop owned by ${login} cascade`)
      await admin.query(`drop role ${login}`)
    }
  })
}
