// One home, statement by statement, so that what is refused can be named. All of a transactional segment or nothing. What
// many organizations share is judged before the commit: there a moment of a bad migration is a moment of all of them.
import { DatabaseError } from 'pg'
import type { ClientBase } from 'pg'
import type { Statement, TenantMigration } from '../migration/prepare.ts'
import { runOutside } from './apply-outside.ts'
import type { Judgement } from './judge-shared.ts'
import type { Outcome } from './outcome.ts'
import { outcomeOf } from './outcome.ts'
import { noteOf, searchPathOf } from './home-text.ts'
import type { Segment } from './segments.ts'
import { beginHomes, beginText } from './session.ts'
import type { AppliedRow, SessionLimits } from './session.ts'
import { TookTooLong, withinTime } from './within-time.ts'

export interface Judging {
  /** Before the first statement. */
  readonly begin: (client: ClientBase) => Promise<Judgement>
  /** Longest judgement before the commit: all that was changed is locked meanwhile. */
  readonly timeoutMs: number
  /** Cancels what another session has under way. */
  readonly cancel: (backend: number) => Promise<unknown>
}

export interface AloneOptions {
  readonly fence: string | null
  readonly limits: SessionLimits
  /** CONCURRENTLY waits for transactions that were there before; nobody waits for it. */
  readonly outsideLockTimeoutMs: number
  /** Of what many share. Null for a home of one organization. */
  readonly judge: Judging | null
}

/**
 * What became of the home. Errors that are not about its statements are thrown: a connection that is gone, a newer runner.
 */
export async function applyAlone(
  client: ClientBase,
  schemaName: string,
  segment: Segment,
  options: AloneOptions,
): Promise<Outcome> {
  return segment.isTransactional
    ? inTransaction(client, schemaName, segment.migrations, options)
    : outside(client, schemaName, segment.migrations[0] as TenantMigration, options)
}

async function inTransaction(
  client: ClientBase,
  schemaName: string,
  migrations: readonly TenantMigration[],
  { fence, limits, judge }: AloneOptions,
): Promise<Outcome> {
  let at: { migration: TenantMigration | undefined; statement: Statement | null } = {
    migration: migrations[0],
    statement: null,
  }
  try {
    await client.query(beginText(limits))
    const applied = await beginHomes(client, schemaName === '' ? [] : [schemaName], fence, migrations[0]?.version)
    const changed = changedAfterwards(applied, migrations)
    if (changed !== null) {
      await client.query('rollback')
      return changed
    }
    const pending = pendingOf(applied, migrations)
    const judgement = pending.length === 0 ? undefined : await judge?.begin(client)
    await client.query(`set local search_path = ${searchPathOf(schemaName)}`)
    for (const migration of pending) {
      for (const statement of migration.statements) {
        at = { migration, statement }
        await client.query(statement.text)
      }
      at = { migration, statement: null }
    }
    await client.query('set local search_path = pg_catalog, pg_temp')
    if (pending.length > 0) {
      await client.query('select rowhouse.end_tenant_migrations($1, $2)', [
        [schemaName],
        JSON.stringify(pending.map(noteOf)),
      ])
      const wrong =
        judge === null || judgement === undefined
          ? []
          : await withinTime(client, judge.timeoutMs, judge.cancel, judgement)
      if (wrong.length > 0) {
        await client.query('rollback')
        return unsafe(at.migration, wrong)
      }
    }
    await client.query('commit')
    return { state: 'done' }
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    if (error instanceof TookTooLong) return unjudged(at.migration, judge?.timeoutMs ?? 0)
    return refused(error, at.migration, at.statement)
  }
}

const pendingOf = (applied: readonly AppliedRow[], migrations: readonly TenantMigration[]): TenantMigration[] => {
  const have = new Set(applied.map(({ version }) => version))
  return migrations.filter(({ version }) => !have.has(version))
}

function changedAfterwards(applied: readonly AppliedRow[], migrations: readonly TenantMigration[]): Outcome | null {
  const changed = applied.find(({ version, checksum }) =>
    migrations.some((migration) => migration.version === version && migration.checksum !== checksum),
  )
  return changed === undefined
    ? null
    : {
        state: 'failed',
        code: 'tenant_migration_changed',
        message: `The home has another text of ${changed.version}.`,
        version: changed.version,
        line: null,
      }
}

const WRONG_MAX = 5

const unsafe = (migration: TenantMigration | undefined, wrong: readonly string[]): Outcome => ({
  state: 'failed',
  code: 'tenant_migration_unsafe',
  message: `Nothing was changed. What many share would be less apart: ${wrong.slice(0, WRONG_MAX).join('; ')}`,
  version: migration?.version ?? '',
  line: null,
})

/** Not tried again by itself: each attempt would lock what many share for as long. */
const unjudged = (migration: TenantMigration | undefined, timeoutMs: number): Outcome => ({
  state: 'failed',
  code: 'tenant_migration_unjudged',
  message: `Nothing was changed. Judging what many share took longer than ${timeoutMs} ms, while its tables were locked.`,
  version: migration?.version ?? '',
  line: null,
})

/** @throws whatever is no refusal of a statement */
function refused(error: unknown, migration: TenantMigration | undefined, statement: Statement | null): Outcome {
  if (!(error instanceof DatabaseError) || error.code === 'RH088' || /^(08|57P)/.test(error.code ?? '')) throw error
  return outcomeOf(error, migration?.version ?? '', statement?.line ?? null)
}

/**
 * Statements that no transaction may hold. Each is done or not by what the catalogue says of its index, so whoever is
 * killed between them goes on; the migration is noted when all are done. A lock of the session keeps others out meanwhile.
 */
async function outside(
  client: ClientBase,
  schemaName: string,
  migration: TenantMigration,
  { fence, limits, outsideLockTimeoutMs }: AloneOptions,
): Promise<Outcome> {
  let at: Statement | null = null
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      'select pg_try_advisory_lock(rowhouse.home_lock_key($1)) as locked',
      [schemaName],
    )
    if (rows[0]?.locked !== true) {
      return { state: 'later', code: 'home_locked', message: 'Another program migrates the home.' }
    }
    try {
      await client.query(beginText(limits))
      const applied = await beginHomes(client, [schemaName], fence, migration.version)
      await client.query('commit')
      const changed = changedAfterwards(applied, [migration])
      if (changed !== null) return changed
      if (pendingOf(applied, [migration]).length === 0) return { state: 'done' }
      await client.query(
        `set lock_timeout = ${Math.round(outsideLockTimeoutMs)}; set search_path = ${searchPathOf(schemaName)}`,
      )
      for (const statement of migration.statements) {
        at = statement
        await runOutside(client, schemaName, statement)
      }
      at = null
      await client.query(`set search_path = pg_catalog, pg_temp; ${beginText(limits)}`)
      await beginHomes(client, [schemaName], fence)
      await client.query('select rowhouse.end_tenant_migrations($1, $2)', [
        [schemaName],
        JSON.stringify([noteOf(migration)]),
      ])
      await client.query('commit')
      return { state: 'done' }
    } finally {
      await client
        .query('rollback')
        .then(() => client.query('reset lock_timeout; reset search_path'))
        .then(() => client.query('select pg_advisory_unlock(rowhouse.home_lock_key($1))', [schemaName]))
        .catch(() => undefined)
    }
  } catch (error) {
    return refused(error, migration, at)
  }
}
