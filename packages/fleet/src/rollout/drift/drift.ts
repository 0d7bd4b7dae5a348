// Whether homes are what their migrations made. The measure is made anew in each database: a scratch schema that all
// migrations run in and that is rolled back, so neither another version of Postgres nor a home that went astray first
// passes for the truth. Nothing is changed.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import type { Client } from 'pg'
import { openSession } from '../apply/session.ts'
import { databaseKeyOf, homeConnection, nameOfHome, readHomes } from '../ledger/homes.ts'
import type { Home } from '../ledger/homes.ts'
import { migrationFile } from '../migration/read-folder.ts'
import { prepareMigration } from '../migration/prepare.ts'
import type { TenantMigration } from '../migration/prepare.ts'
import { inParallel } from '../../in-parallel.ts'
import { makeReference } from './reference.ts'
import type { Reference, StructureLine } from './reference.ts'

export interface Difference {
  /** missing: the migrations made it, the home lacks it. extra: the home has it, no migration made it. */
  readonly kind: 'missing' | 'extra'
  /** A line of rowhouse.structure(): `column contacts.email text not null`. */
  readonly line: string
}

export interface DriftedHome {
  readonly homeId: string
  readonly name: string
  readonly organizationId: string | null
  readonly version: string | null
  /** What the home's own database says it has, where that is another version than the ledger's. */
  readonly localVersion: string | null
  readonly differences: readonly Difference[]
  /** More than are listed. */
  readonly more: number
}

export interface DriftReport {
  readonly checkedAt: string
  /** The newest migration that is recorded; null where there is none. */
  readonly target: string | null
  readonly homes: number
  /** Homes that lack migrations: no drift, a rollout will reach them. */
  readonly behind: number
  readonly drifted: readonly DriftedHome[]
  /** Homes that could not be looked at. */
  readonly unreachable: readonly { readonly homeId: string; readonly name: string; readonly reason: string }[]
}

export interface DriftOptions {
  /** rowhouse_migrator's URL of the catalogue. */
  readonly catalogueUrl: string
  /** Databases looked at at the same time. @default 4 */
  readonly databases?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, of: number) => void
  /** @default the clock */
  readonly now?: () => Date
}

const CHUNK = 50
const DIFFERENCES_MAX = 100

/**
 * Compares every home with what its migrations make, and keeps the report in the catalogue.
 *
 * @throws RowhouseError database_unreachable, database_login_refused, not_installed for the catalogue's database
 */
export async function checkDrift(options: DriftOptions): Promise<DriftReport> {
  const { catalogueUrl, databases = 4, now = () => new Date(), onProgress } = options
  const catalogue = await openSession({ connectionString: catalogueUrl }, 'rowhouse migrate drift')
  try {
    const checkedAt = now().toISOString()
    const migrations = await readRecorded(catalogue)
    const homes = await readHomes(catalogue)
    const drifted: DriftedHome[] = []
    const unreachable: { homeId: string; name: string; reason: string }[] = []
    let done = 0
    const groups = [...Map.groupBy(homes, databaseKeyOf).values()]
    await inParallel(groups, databases, async (inDatabase) => {
      if (options.signal?.aborted === true) throw new RowhouseError('rollout_interrupted', 'The check was interrupted.')
      try {
        const [home] = inDatabase
        if (home === undefined) return
        const client = await openSession(homeConnection(catalogueUrl, home), 'rowhouse migrate drift')
        try {
          drifted.push(
            ...(await driftIn(client, inDatabase, migrations, (count) => {
              done += count
              onProgress?.(done, homes.length)
            })),
          )
        } finally {
          await client.end().catch(() => undefined)
        }
      } catch (error) {
        if (!isRowhouseError(error) || error.code === 'rollout_interrupted') throw error
        unreachable.push(
          ...inDatabase.map((home) => ({ homeId: home.id, name: nameOfHome(home), reason: error.message })),
        )
      }
    })
    const target = migrations.at(-1)?.version ?? null
    const report: DriftReport = {
      checkedAt,
      target,
      homes: homes.length,
      behind: homes.filter(({ version }) => target !== null && (version ?? '') < target).length,
      drifted: drifted.toSorted((a, b) => a.name.localeCompare(b.name)),
      unreachable,
    }
    await catalogue.query(
      'insert into rowhouse.drift_reports (checked_at, homes, drifted, report) values ($1, $2, $3, $4)',
      [checkedAt, homes.length, drifted.length, JSON.stringify(report)],
    )
    return report
  } finally {
    await catalogue.end().catch(() => undefined)
  }
}

async function readRecorded(catalogue: Client): Promise<TenantMigration[]> {
  const { rows } = await catalogue.query<{ version: string; name: string; sql: string }>(
    'select version, name, sql from rowhouse.tenant_migrations order by version',
  )
  const migrations: TenantMigration[] = []
  for (const { version, name, sql } of rows) migrations.push(await prepareMigration(migrationFile(version, name, sql)))
  return migrations
}

async function driftIn(
  client: Client,
  homes: readonly Home[],
  migrations: readonly TenantMigration[],
  onDone: (homes: number) => void,
): Promise<DriftedHome[]> {
  const references = new Map<string, Reference>()
  for (const home of homes) {
    if (references.has(kindOf(home))) continue
    const own = migrations.filter(({ version }) => version <= (home.version ?? ''))
    references.set(kindOf(home), await makeReference(client, own, home.isolation === 'shared'))
  }
  const drifted: DriftedHome[] = []
  for (let from = 0; from < homes.length; from += CHUNK) {
    const chunk = homes.slice(from, from + CHUNK)
    const local = await localVersions(client, chunk)
    const alike = await homesLike(client, chunk, references)
    for (const home of chunk) {
      const differences = alike.has(home.id)
        ? []
        : compare(home, references.get(kindOf(home)) as Reference, await linesOf(client, home))
      const localVersion = local.get(home.schemaName) ?? null
      if (differences.length === 0 && localVersion === home.version) continue
      drifted.push({
        homeId: home.id,
        name: nameOfHome(home),
        organizationId: home.organizationId,
        version: home.version,
        localVersion,
        differences: differences.slice(0, DIFFERENCES_MAX),
        more: Math.max(0, differences.length - DIFFERENCES_MAX),
      })
    }
    onDone(chunk.length)
  }
  return drifted
}

const kindOf = ({ isolation, version }: Home): string => `${isolation === 'shared' ? 'shared' : 'own'} ${version ?? ''}`

async function localVersions(client: Client, homes: readonly Home[]): Promise<Map<string, string>> {
  const { rows } = await client.query<{ schema_name: string; version: string }>(
    `select schema_name, max(version) as version from rowhouse.applied_tenant_migrations
     where schema_name = any($1) group by 1`,
    [homes.map(({ schemaName }) => schemaName)],
  )
  return new Map(rows.map(({ schema_name: schema, version }) => [schema, version]))
}

/** One number for each home; what is unlike is looked at line by line. */
async function homesLike(
  client: Client,
  homes: readonly Home[],
  references: ReadonlyMap<string, Reference>,
): Promise<Set<string>> {
  const own = homes.filter(({ isolation }) => isolation !== 'shared')
  const { rows } = await client.query<{ schema_name: string; fingerprint: string | null }>(
    'select schema_name, fingerprint from rowhouse.structure_fingerprints($1, $2)',
    [own.map(({ schemaName }) => schemaName), own.map(({ login }) => login)],
  )
  const found = new Map(rows.map((row) => [row.schema_name, row.fingerprint]))
  return new Set(
    own.filter((home) => found.get(home.schemaName) === references.get(kindOf(home))?.fingerprint).map(({ id }) => id),
  )
}

const linesOf = async (client: Client, { schemaName, login }: Home): Promise<readonly StructureLine[]> =>
  (
    await client.query<StructureLine>('select object, line from rowhouse.structure($1, $2)', [
      schemaName,
      login ?? 'rowhouse_app',
    ])
  ).rows

/**
 * What stands in a database that many share and no migration made is not theirs to judge; in a home of its own it is
 * drift.
 */
function compare(home: Home, reference: Reference, found: readonly StructureLine[]): Difference[] {
  const expected = reference.lines
  const has = new Set(found.map(({ line }) => line))
  const shall = new Set(expected.map(({ line }) => line))
  const objects = new Set(expected.map(({ object }) => object))
  return [
    ...expected.filter(({ line }) => !has.has(line)).map(({ line }): Difference => ({ kind: 'missing', line })),
    ...found
      .filter(({ object, line }) => !shall.has(line) && (home.isolation !== 'shared' || objects.has(object)))
      .map(({ line }): Difference => ({ kind: 'extra', line })),
  ]
}
