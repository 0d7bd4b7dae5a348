// Two scratch databases with the schema of one live database and rows of no user: organization A is the same in both,
// byte for byte, organization B differs wherever it may. What a request of A can tell apart, it learned of B.
import { randomBytes } from 'node:crypto'
import type { ClientBase } from 'pg'
import { Client } from 'pg'
import type { Signer } from 'rowhouse/token'

import { RowhouseError } from '@rowhouse/contracts'
import { ensureIdentity } from '@rowhouse/database'
import { homesOf } from '../model/homes.ts'
import { readModel } from '../model/model.ts'
import type { Model, ModelOptions } from '../model/model.ts'
import { readOwnHomes } from '../model/own-homes.ts'
import type { OwnHomes } from '../model/own-homes.ts'
import type { NotCovered } from '../report/report.ts'
import { contextsFor, identityOf } from './contexts/contexts.ts'
import type { Context, Identity } from './contexts/contexts.ts'
import { readLogins } from './contexts/logins.ts'
import { readSessionQuestions } from './contexts/read-settings.ts'
import type { SessionQuestions } from './contexts/read-settings.ts'
import { applyDatabase, copySchema } from './copy-schema.ts'
import { compareFingerprints, fingerprint } from './fingerprint.ts'
import { leftOutOf, liesIn } from './left-out.ts'
import { describeTables, tableName } from './plant/describe-tables.ts'
import type { Shapes } from './plant/describe-tables.ts'
import { ownershipsOf } from './plant/ownership.ts'
import type { OwnershipOptions, Ownerships } from './plant/ownership.ts'
import { Planted, plantPass } from './plant/plant-worlds.ts'
import type { Overrides, Row } from './plant/plant-worlds.ts'
import { replayTriggers } from './plant/replay-triggers.ts'
import { homeOverrides, plantRowhouse, rowhouseOverrides, rowhouseTables } from './plant/rowhouse-rows.ts'
import { inReadOnlySnapshot, readCatalogue } from './read-catalogue.ts'
import { makeRoles } from './roles.ts'
import { runStatements } from './run-statements.ts'
import type { Bound } from './run-statements.ts'
import { openScratch } from './scratch.ts'
import type { ScratchOptions } from './scratch.ts'

export interface CloneOptions extends ScratchOptions, ModelOptions, OwnershipOptions {
  /** Two clones of a schema with the same seed hold the same rows. @default '' */
  readonly seed?: string
  /** Values for columns whose meaning no schema tells, by `schema.table`. @default none */
  readonly values?: Overrides
  /** The longest time that copying and planting may take. @default 600 */
  readonly copySeconds?: number
  /** One line a step. @default silent */
  readonly onProgress?: (step: string) => void
}

export interface ScratchWorld {
  readonly number: 1 | 2
  readonly name: string
  /** A login that may do everything: for looking, never for attacking. Holds a password: not for logs. */
  readonly adminUrl: string
  readonly a: Identity
  readonly b: Identity
  /** How a request of A, or of B, is made here. */
  readonly contexts: readonly Context[]
  /** Milliseconds since the epoch, on the clock of its server. */
  readonly now: () => number
}

/** The rows of one table. A's and everybody's stand in both worlds. */
export interface PlantedTable {
  readonly table: string
  /** Columns of the primary key; all columns where there is none. */
  readonly key: readonly string[]
  readonly shared: readonly Row[]
  readonly a: readonly Row[]
  readonly b1: readonly Row[]
  readonly b2: readonly Row[]
}

export interface TwoWorlds {
  readonly world1: ScratchWorld
  readonly world2: ScratchWorld
  readonly model: Ownerships
  /** The name of the source. */
  readonly database: string
  /** What Rowhouse's tokens are signed with in both worlds; null where it is not installed. */
  readonly signer: Signer | null
  readonly shapes: Shapes
  readonly planted: readonly PlantedTable[]
  /** The homes of A and B where Rowhouse made any; null otherwise. Nobody lives in them yet. */
  readonly homes: OwnHomes | null
  /** Another organization's database on the server of the source, where each has one; null otherwise. */
  readonly otherDatabase: string | null
  readonly notCovered: readonly NotCovered[]
  /** Drops both databases. May be called twice. */
  close(): Promise<void>
}

const SIGNING_KEY_BYTES = 32
/** `180004` is 18.4. */
const VERSIONS_A_MAJOR = 10_000
const COPY_SECONDS = 600

/**
 * Clones the schema of `sourceUrl` twice and plants the worlds. The source is read in one read-only snapshot, and only
 * its catalogue.
 *
 * @throws RowhouseError scratch_unavailable; DatabaseError when the source cannot be read
 *
 * @example
 * const worlds = await cloneTwoWorlds('postgres://…', { scratch: 'same-server' })
 * const [asA] = worlds.world1.contexts.filter(({ organization }) => organization === 'A')
 * // asA.statements() → ["select rowhouse.enter('v1.…')"], or "select set_config('app.organization_id', …)"
 * await worlds.close()
 */
export async function cloneTwoWorlds(sourceUrl: string, options: CloneOptions = {}): Promise<TwoWorlds> {
  const { progress, bound } = stepsOf(options)
  progress('reading the catalogue')
  const source = await withClient(sourceUrl, async (client) => ({
    catalogue: await readCatalogue(client),
    lines: await fingerprint(client),
    ...(await inReadOnlySnapshot(client, async () => {
      const model = await readModel(client, options)
      const homes = homesOf(model)
      return { model, homes, made: model.rowhouse ? await readOwnHomes(client, homes) : null }
    })),
  }))
  const { homes } = source
  const ownHomes = options.allOfB === true ? null : source.made
  // Where all is B's, so is the home, and the organization that its checks name.
  const inhabited =
    options.allOfB === true && source.made !== null
      ? { ...source.made, a: { ...source.made.a, organizationId: null }, b: source.made.a }
      : source.made
  const leftOut = homes?.others ?? []
  const isLeftOut = liesIn(leftOut)
  const notCovered: NotCovered[] = []
  const scratch = await openScratch(sourceUrl, options)
  try {
    progress('copying the schema')
    const first = await scratch.create(source.catalogue.database)
    if (first.note !== null) notCovered.push({ object: 'database', probe: 'copy', reason: first.note })
    const signingKey = randomBytes(SIGNING_KEY_BYTES).toString('base64url')
    const made = await withClient(first.url, async (client) => {
      if (!scratch.isSameServer) notCovered.push(...(await makeRoles(source.catalogue.roles, client)))
      notCovered.push(...(await copySchema(source.catalogue, client, { bound, leftOut })))
      const named = new Set(notCovered.map(({ object }) => object))
      notCovered.push(
        ...compareFingerprints(
          source.lines,
          await fingerprint(client),
          scratch.isSameServer,
          (await majorOf(client)) === Math.trunc(source.catalogue.database.version / VERSIONS_A_MAJOR),
        ).filter(({ object }) => !named.has(object) && !isLeftOut(object)),
        ...leftOutOf(leftOut, homes?.a ?? ''),
      )
      progress('planting what both worlds share')
      return plantFirst(client, source.model, signingKey, { ...options, ownHomes, inhabited, bound }, notCovered)
    })

    progress('planting the worlds')
    const second = await scratch.create({ copyOf: first.name })
    for (const [url, pass] of [
      [first.url, 'B1'],
      [second.url, 'B2'],
    ] as const) {
      await withClient(url, async (client) => {
        await quiet(client)
        if (pass === 'B2') {
          await applyDatabase(client, source.catalogue, [])
          if (made.databaseId !== null) await client.query('update rowhouse.database set name = current_database()')
        }
        notCovered.push(...(await plantPass(client, pass, made.planted, made.plantOptions)))
        notCovered.push(...(await replayTriggers(client, pass, { ...made, enter: settingsOf(made, pass) })))
        notCovered.push(...(await settle(client, pass)))
      })
    }
    const signer = made.databaseId === null ? null : { databaseId: made.databaseId, signingKey }
    const worldOf = async (number: 1 | 2, { url, name }: { url: string; name: string }): Promise<ScratchWorld> => {
      const { logins, roles, offsetMs } = await withClient(url, async (client) => ({
        ...(await readLogins(client, made.model.schemas, options.roles)),
        offsetMs: await clockOffset(client),
      }))
      const a = identityOf('A', made.model, (table) => made.planted.rows(table, 'A'))
      const b = identityOf('B', made.model, (table) => made.planted.rows(table, number === 1 ? 'B1' : 'B2'))
      const now = (): number => Date.now() + offsetMs
      const contextOptions = {
        model: made.model,
        questions: made.questions,
        logins,
        roles,
        rowhouse: signer,
        now,
      }
      return {
        number,
        name,
        adminUrl: url,
        a,
        b,
        contexts: [a, b].flatMap((identity) => contextsFor(identity, contextOptions)),
        now,
      }
    }
    return {
      world1: await worldOf(1, first),
      world2: await worldOf(2, second),
      model: made.model,
      database: source.model.database,
      signer,
      shapes: made.shapes,
      planted: made.shapes.tables.map((table) => {
        const name = tableName(table)
        const rows = (pass: 'shared' | 'A' | 'B1' | 'B2'): readonly Row[] => made.planted.rows(name, pass)
        const key = table.uniques.find(({ primary }) => primary)?.columns ?? table.columns.map((column) => column.name)
        return { table: name, key, shared: rows('shared'), a: rows('A'), b1: rows('B1'), b2: rows('B2') }
      }),
      homes: ownHomes,
      otherDatabase: otherDatabaseOf(source.model),
      notCovered,
      close: () => scratch.close(),
    }
  } catch (error) {
    await scratch.close()
    throw error
  }
}

/** Steps are told of as they begin and, by whoever asks whether there is time left, again and again while they last. */
function stepsOf({ copySeconds = COPY_SECONDS, now = Date.now, onProgress = () => undefined }: CloneOptions): {
  readonly progress: (step: string) => void
  readonly bound: Bound
} {
  const startMs = now()
  let current = ''
  return {
    progress: (step) => {
      current = step
      onProgress(step)
    },
    bound: () => {
      const seconds = (now() - startMs) / 1000
      onProgress(`${current}, ${Math.floor(seconds)} s`)
      if (seconds < copySeconds) return
      throw new RowhouseError('scratch_unavailable', `The schema was not copied within ${copySeconds} seconds.`, {
        hint: 'Allow more (--copy-seconds, copySeconds), or attack a database with fewer tables of the same shape.',
      })
    },
  }
}

/** What tells triggers who writes, where settings do: a seal is for Rowhouse's own, which are not asked. */
function settingsOf(
  { model, questions, planted }: { model: Ownerships; questions: SessionQuestions; planted: Planted },
  pass: 'A' | 'B1' | 'B2',
): readonly string[] {
  const identity = identityOf(pass === 'A' ? 'A' : 'B', model, (table) => planted.rows(table, pass))
  const anybody = { name: 'anybody', reaches: { A: false, B: false }, roles: {} }
  const roles = new Set(['authenticator', 'authenticated'])
  const contexts = contextsFor(identity, { model, questions, logins: [anybody], rowhouse: null, roles, now: Date.now })
  return contexts.find(({ kind }) => kind === 'supabase' || kind === 'settings')?.statements() ?? []
}

/** The next one of those that are one for each tenant, if the source is one of them. */
function otherDatabaseOf({ database, tenantDatabases }: Model): string | null {
  const names = tenantDatabases.map(({ name }) => name)
  return names.includes(database) ? (names.find((name) => name !== database) ?? null) : null
}

/** Everything that is equal in both worlds, so it is planted before the database is copied. */
async function plantFirst(
  client: ClientBase,
  found: Model,
  signingKey: string,
  options: CloneOptions & { readonly bound: Bound; readonly inhabited: OwnHomes | null },
  notCovered: NotCovered[],
) {
  const shapes = await describeTables(client)
  const model = ownershipsOf(found, shapes, options)
  const questions = await readSessionQuestions(client)
  let databaseId: string | null = null
  await quiet(client)
  if (model.rowhouse) {
    notCovered.push(...(await plantRowhouse(client)))
    databaseId = await ensureIdentity(client, { signingKey, dropOtherKeys: true })
  }
  const plantOptions = {
    shapes,
    model,
    seed: options.seed ?? '',
    overrides: {
      ...(model.rowhouse ? rowhouseOverrides : {}),
      ...(options.inhabited === null ? {} : homeOverrides(options.inhabited)),
      ...options.values,
    },
    skip: model.rowhouse ? rowhouseTables : new Set<string>(),
    bound: options.bound,
  }
  const planted = new Planted()
  for (const pass of ['shared', 'A'] as const)
    notCovered.push(...(await plantPass(client, pass, planted, plantOptions)))
  const enter = settingsOf({ model, questions, planted }, 'A')
  notCovered.push(...(await replayTriggers(client, 'A', { shapes, planted, enter })))
  return { shapes, model, questions, databaseId, planted, plantOptions }
}

/** The source's own settings must not stop the planting: a time-out, a read-only default. */
async function quiet(client: ClientBase): Promise<void> {
  await client.query(
    'set default_transaction_read_only = off; set statement_timeout = 0; set lock_timeout = 0; set client_min_messages = error',
  )
}

/** Materialized views are filled, and the planner knows both worlds equally well. */
async function settle(client: ClientBase, pass: string): Promise<NotCovered[]> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'm' and not exists (select from pg_catalog.pg_depend e where e.objid = c.oid and e.deptype = 'e') order by c.oid`,
  )
  const failures = await runStatements(
    client,
    rows.map(({ name }) => ({ about: `materialized view ${name}`, sql: `refresh materialized view ${name}` })),
  )
  await client.query('analyze')
  return failures.map(({ about, reason }) => ({ object: about, probe: `plant ${pass}`, reason }))
}

async function majorOf(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  )
  return Math.trunc((rows[0]?.version ?? 0) / VERSIONS_A_MAJOR)
}

async function clockOffset(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ now: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as now',
  )
  return (rows[0]?.now ?? Date.now()) - Date.now()
}

async function withClient<Result>(url: string, use: (client: ClientBase) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url, application_name: 'rowhouse verify' })
  // Ctrl-C drops the database under it: the query that runs is told, and nobody else.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
