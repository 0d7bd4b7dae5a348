// The conformance suite of isolation models: the same test code for two organizations that share tables, have a schema each,
// or a database each, in homes that the fleet made. What passes in one and not in the others is no property of Rowhouse.
import { randomBytes, randomUUID } from 'node:crypto'
import { carryCopy } from '@rowhouse/fleet'
import { createRowhouse } from 'rowhouse'
import type { Rowhouse, RowhouseOptions } from 'rowhouse'
import { afterAll, beforeAll, describe } from 'vitest'

import { createTwoWorlds } from '../two-worlds.ts'
import type { World } from '../two-worlds.ts'
import { mintToken } from '../tokens.ts'
import type { Claims } from '../tokens.ts'
import { createTestDatabase, withClient } from '../test-database.ts'
import type { TestDatabase } from '../test-database.ts'
import { dropHome, openBuilder } from './build-home.ts'
import type { Builder, Home } from './build-home.ts'

export type IsolationModel = 'shared' | 'schema' | 'database'
export const isolationModels: readonly IsolationModel[] = ['shared', 'schema', 'database']

/** An organization with people, one folder and three notes, in a home of some model. */
export interface Tenant {
  readonly organizationId: string
  readonly ownerId: string
  readonly memberId: string
  readonly viewerId: string
  readonly noteIds: readonly string[]
  /** Null where tables are shared. */
  readonly home: Home | null
  /** As the login that serves it, past the runtime. */
  readonly url: string
  /** `notes`, as SQL of another schema would name it. */
  readonly notes: string
  /** The door of its home, with a parameter for the token. */
  readonly enter: string
  /** A token of the owner for the database that the home is in; `changes` replaces claims. */
  token(changes?: Claims): string
}

export interface Homes {
  readonly model: IsolationModel
  readonly database: TestDatabase
  readonly a: Tenant
  readonly b: Tenant
  /** Closed when the suite ends. */
  open(options?: RowhouseOptions): Rowhouse
  /** Changes the catalogue, and has the home know, as the API does before it answers. */
  change(tenant: Tenant, text: string, values?: readonly unknown[]): Promise<void>
  /** Changes the catalogue only. */
  changeCatalogue(text: string, values?: readonly unknown[]): Promise<void>
  carry(tenant: Tenant): Promise<void>
  drop(): Promise<void>
}

/**
 * Defines the same tests for every isolation model.
 *
 * @param tables SQL of a tenant migration, for what the tests need beside `folders` and `notes`
 * @example
 * describeInEveryModel('a member', (homes) => {
 *   it('reads the own notes', async () => {
 *     const { a } = homes()
 *     const acme = homes().open().as({ organizationId: a.organizationId, userId: a.memberId })
 *     expect((await acme.query('select from notes')).rowCount).toBe(a.noteIds.length)
 *   })
 * })
 */
export function describeInEveryModel(name: string, define: (homes: () => Homes) => void, tables = ''): void {
  for (const model of isolationModels) {
    describe(`${name} (${model})`, () => {
      define(useHomes(model, tables))
    })
  }
}

/** Two organizations of one model, for the tests of a block. */
export function useHomes(model: IsolationModel, tables = ''): () => Homes {
  let homes: Homes | undefined
  beforeAll(async () => {
    homes = await createHomes(model, tables)
  })
  afterAll(() => homes?.drop())
  return () => {
    if (homes === undefined) throw new Error('The homes are there inside hooks and tests only.')
    return homes
  }
}

export async function createHomes(model: IsolationModel, tables = ''): Promise<Homes> {
  const database = await createTestDatabase()
  const opened: Rowhouse[] = []
  const run = async (text: string, values: readonly unknown[] = []): Promise<void> => {
    await withClient(database.controlUrl, (control) => control.query(text, [...values]))
  }
  const carry = (tenant: Tenant): Promise<void> =>
    withClient(database.controlUrl, (catalogue) =>
      carryCopy({ catalogue, catalogueUrl: database.adminUrl, signingKey: database.signingKey }, tenant.organizationId),
    )
  // The shared tables are there too where organizations have homes: some share and others do not.
  const worlds = await createTwoWorlds(database)
  if (tables !== '') await withClient(database.migratorUrl, (migrator) => migrator.query(tables))
  const builder = model === 'shared' ? null : await openBuilder(database, model, tables)
  const tenants =
    builder === null
      ? { a: shared(database, worlds.a), b: shared(database, worlds.b) }
      : { a: await settle(database, builder, 'Alder'), b: await settle(database, builder, 'Birch') }
  return {
    model,
    database,
    ...tenants,
    open: (options = {}) => {
      const rowhouse = createRowhouse({ url: database.appUrl, signingKey: database.signingKey, ...options })
      opened.push(rowhouse)
      return rowhouse
    },
    change: async (tenant, text, values) => {
      await run(text, values)
      await carry(tenant)
    },
    changeCatalogue: run,
    carry,
    drop: async () => {
      await Promise.all(opened.map((rowhouse) => rowhouse.close()))
      await builder?.fleet.close()
      for (const { home } of [tenants.a, tenants.b]) if (home !== null) await dropHome(database, home)
      await database.drop()
    },
  }
}

function shared(database: TestDatabase, world: World): Tenant {
  return { ...world, home: null, url: database.appUrl, notes: 'public.notes', enter: 'select rowhouse.enter($1)' }
}

async function settle(database: TestDatabase, builder: Builder, name: string): Promise<Tenant> {
  const [ownerId, memberId, viewerId] = [randomUUID(), randomUUID(), randomUUID()] as const
  const slug = `${name.toLowerCase()}-${randomBytes(4).toString('hex')}`
  const { organizationId, home } = await builder.build({ name, slug, ownerId })
  await withClient(database.controlUrl, async (control) => {
    await control.query(
      `insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'member'), ($1, $3, 'viewer')`,
      [organizationId, memberId, viewerId],
    )
    await carryCopy(
      { catalogue: control, catalogueUrl: database.adminUrl, signingKey: database.signingKey },
      organizationId,
    )
  })
  const token = (changes: Claims = {}): string =>
    mintToken(
      { databaseId: home.databaseId, signingKey: database.signingKey },
      { org: organizationId, user: ownerId, version: 1, ...changes },
    )
  const noteIds = await withClient(home.url, async (client) => {
    await client.query('begin')
    await client.query('select rowhouse.enter_home($1)', [token()])
    const { rows } = await client.query<{ id: string }>(
      `with folder as (insert into folders (name) values ($1) returning id)
       insert into notes (folder_id, body) select f.id, $1 || ' ' || n from folder f, generate_series(1, 3) n returning id`,
      [name],
    )
    await client.query('commit')
    return rows.map(({ id }) => id)
  })
  const notes = `${home.schemaName}.notes`
  const enter = 'select rowhouse.enter_home($1)'
  return { organizationId, ownerId, memberId, viewerId, noteIds, home, url: home.url, notes, enter, token }
}
