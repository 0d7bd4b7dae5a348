// What a rollout would do: which migrations, in which homes, in which order, and what speaks against it. It writes nothing.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import type { Client } from 'pg'
import { openSession } from '../apply/session.ts'
import { withoutSmallTables } from '../checks/large-tables.ts'
import { homeConnection, readHomes } from '../ledger/homes.ts'
import type { Home } from '../ledger/homes.ts'
import { compareWithLedger, readLedger, readStackMigrations } from '../ledger/record-migrations.ts'
import { findUnfinished, readWaveOf } from '../ledger/rollout-row.ts'
import type { Unfinished } from '../ledger/rollout-row.ts'
import { prepareMigration } from '../migration/prepare.ts'
import type { TenantMigration } from '../migration/prepare.ts'
import { destructiveChecks } from '../migration/problem.ts'
import type { Problem } from '../migration/problem.ts'
import { fileNameOf, readMigrationFolder } from '../migration/read-folder.ts'
import { askFirstWave } from './first-wave.ts'
import { readPace } from './options.ts'
import type { Destruction, RolloutPace } from './options.ts'
import { rearrange } from './resume-waves.ts'
import type { Rearranged } from './resume-waves.ts'
import { planWaves } from './waves.ts'
import type { Wave } from './waves.ts'

export interface RolloutPlan {
  /** All that homes are to have: the folder's, after what the development stack brought. */
  readonly migrations: readonly TenantMigration[]
  /** The version that every home will have; null where the folder holds none. */
  readonly target: string | null
  /** Whether every home has it, and nothing is left to be finished. */
  readonly isNothing: boolean
  /** Migrations that some home lacks and that are looked at anew. */
  readonly pending: readonly TenantMigration[]
  readonly homesTotal: number
  readonly behind: readonly Home[]
  readonly waves: readonly Wave[]
  /** The rollout that is gone on with, whose waves these are; null where another one is begun. */
  readonly resumes: Resumes | null
  /** What goes elsewhere in its waves, because a server is gone; null where nothing does. */
  readonly rearranged: Rearranged | null
  /** What it takes away for good. */
  readonly destroys: readonly Destruction[]
}

export interface Resumes {
  readonly rolloutId: string
  /** `running`: somebody runs it, and another one is refused meanwhile. */
  readonly state: 'running' | 'interrupted' | 'stopped' | 'incomplete'
  readonly done: number
  /** Homes of all its waves. */
  readonly of: number
}

/** All of a folder, parsed and checked. @throws RowhouseError migration_invalid */
export async function readMigrations(folder: string): Promise<TenantMigration[]> {
  const migrations: TenantMigration[] = []
  for (const file of await readMigrationFolder(folder)) migrations.push(await prepareMigration(file))
  return migrations
}

/**
 * Plans without changing anything. Problems are in `pending`; nothing is refused yet.
 *
 * @throws RowhouseError tenant_migration_changed, tenant_migration_missing, migration_out_of_order, database_unreachable
 */
export async function planRollout(options: {
  readonly catalogueUrl: string
  readonly migrations: readonly TenantMigration[]
  readonly pace?: Partial<RolloutPace>
}): Promise<RolloutPlan> {
  const pace = readPace(options.pace)
  const catalogue = await openSession({ connectionString: options.catalogueUrl }, 'rowhouse migrate')
  try {
    return await planOn(catalogue, options.catalogueUrl, options.migrations, pace)
  } finally {
    await catalogue.end().catch(() => undefined)
  }
}

export async function planOn(
  catalogue: Client,
  catalogueUrl: string,
  folder: readonly TenantMigration[],
  pace: RolloutPace,
  reaches?: (home: Home) => Promise<boolean>,
): Promise<RolloutPlan> {
  const stack = await readStackMigrations(catalogue)
  const migrations = [...stack, ...folder.map((migration) => refuseTaken(migration, stack))]
  const ledger = await readLedger(catalogue)
  compareWithLedger(migrations, ledger)
  const target = migrations.at(-1)?.version ?? null
  const lacking = target === null ? [] : await readHomes(catalogue, target)
  const unfinished = target === null || lacking.length === 0 ? null : await findUnfinished(catalogue, target)
  const ask = reaches ?? reaching(catalogueUrl)
  const { behind, waves, rearranged } =
    unfinished === null
      ? await begin(lacking, pace, ask)
      : await goOn(catalogue, unfinished, lacking, pace.canaries, ask)
  const { rows } = await catalogue.query<{ homes: number; open: boolean; unreleased: boolean }>(
    `select (select count(*)::int from rowhouse.homes where state in ('spare', 'assigned')) as homes,
       exists (select from rowhouse.rollouts r where r.state = 'running') as open,
       exists (select from rowhouse.tenant_migrations m where m.released_at is null) as unreleased`,
  )
  const { homes = 0, open = false, unreleased = false } = rows[0] ?? {}
  const recorded = new Set(ledger.rows.map(({ version }) => version))
  const isRecorded = migrations.every(({ version }) => recorded.has(version)) && !unreleased
  // What homes have already was looked at when they got it.
  const fresh = migrations.filter(({ version }) => ledger.newestApplied === null || version > ledger.newestApplied)
  const pending = await withoutSmallTables(fresh, behind, catalogueUrl, pace.databases)
  return {
    migrations,
    target,
    isNothing: behind.length === 0 && isRecorded && !open,
    pending,
    homesTotal: homes,
    behind,
    waves,
    resumes: unfinished === null ? null : describeUnfinished(unfinished),
    rearranged,
    destroys: pending.flatMap((migration) =>
      migration.allowed
        .filter(({ check }) => destructiveChecks.has(check))
        .map(({ check, line, message, reason }) => ({ file: fileNameOf(migration), line, check, message, reason })),
    ),
  }
}

/** Whether the database of a home lets who migrates in; the catalogue's own is connected already. */
const reaching =
  (catalogueUrl: string) =>
  async (home: Home): Promise<boolean> => {
    if (home.databaseName === null && home.server.host === null) return true
    try {
      const client = await openSession(homeConnection(catalogueUrl, home), 'rowhouse migrate')
      await client.end().catch(() => undefined)
      return true
    } catch (error) {
      if (isRowhouseError(error)) return false
      throw error
    }
  }

type Planned = Pick<RolloutPlan, 'behind' | 'waves' | 'rearranged'>

async function begin(
  lacking: readonly Home[],
  pace: RolloutPace,
  ask: (home: Home) => Promise<boolean>,
): Promise<Planned> {
  const options = { canaries: pace.canaries, shares: pace.waves }
  const behind = await askFirstWave(lacking, options, ask)
  return { behind, waves: planWaves(behind, options), rearranged: null }
}

async function goOn(
  catalogue: Client,
  { id, waves, done }: Unfinished,
  behind: readonly Home[],
  canaries: RolloutPace['canaries'],
  ask: (home: Home) => Promise<boolean>,
): Promise<Planned> {
  const waveOf = await readWaveOf(catalogue, id)
  const isBehind = new Set(behind.map((home) => home.id))
  const first = [...waveOf].flatMap(([home, wave]) => (wave === 0 && !isBehind.has(home) ? [home] : []))
  const firstDone = await readHomes(catalogue, null, first)
  const rearranged = await rearrange({ rolloutId: id, waves, waveOf, firstDone, done }, behind, canaries, ask)
  return {
    behind,
    waves: wavesLeft(rearranged?.waves ?? waves, new Map([...waveOf, ...(rearranged?.moved ?? [])]), behind),
    rearranged,
  }
}

/** What is left of waves that were begun, as openRollout() goes on with them. */
function wavesLeft(names: readonly string[], waveOf: ReadonlyMap<string, number>, behind: readonly Home[]): Wave[] {
  const indexOf = (home: Home): number => waveOf.get(home.id) ?? names.length - 1
  return names
    .map((name, index) => ({ name, homes: behind.filter((home) => indexOf(home) === index) }))
    .filter(({ homes }) => homes.length > 0)
}

const describeUnfinished = ({ id, state, isRunning, done, homes }: Unfinished): Resumes => ({
  rolloutId: id,
  state: state === 'running' ? (isRunning ? 'running' : 'interrupted') : state === 'stopped' ? state : 'incomplete',
  done,
  of: homes,
})

/** A table that the development stack has made in every home already; `if not exists` would quietly keep its columns. */
function refuseTaken(migration: TenantMigration, stack: readonly TenantMigration[]): TenantMigration {
  const taken = new Set(stack.flatMap(({ tables }) => tables.map(({ name }) => name)))
  const found = migration.tables
    .filter(({ name }) => taken.has(name))
    .map(({ name, line, column }): Problem => ({
      check: 'taken_table',
      line,
      column,
      message: `The development stack has a table ${name} of its own in every home.`,
      instead: 'Name yours otherwise, or drop it before; without the demo: rowhouse install and rowhouse serve.',
      onlyIfLarge: null,
    }))
  const reason = migration.overrides.taken_table
  return reason === undefined
    ? { ...migration, problems: [...migration.problems, ...found] }
    : { ...migration, allowed: [...migration.allowed, ...found.map((problem) => ({ ...problem, reason }))] }
}

/** @throws RowhouseError migration_refused with all of it */
export function refuseProblems(migrations: readonly TenantMigration[]): void {
  const problems = migrations.flatMap((migration) =>
    migration.problems.map((problem) => ({ file: fileNameOf(migration), ...problem })),
  )
  const [first] = problems
  if (first === undefined) return
  const more = problems.length === 1 ? '' : ` And ${problems.length - 1} more: rowhouse migrate plan`
  throw new RowhouseError(
    'migration_refused',
    `${first.file}:${first.line}:${first.column} [${first.check}] ${first.message}${more}`,
    { details: { problems }, hint: first.instead },
  )
}
