// The conformance suite of isolation models: the same test code for two organizations that share tables, have a schema each,
// or a database each. What passes in one and not in the others is no property of Rowhouse.
import { randomBytes, randomUUID } from 'node:crypto'
import { carryCopy } from '@rowhouse/fleet'
import { createRowhouse } from 'rowhouse'
import type { Rowhouse, RowhouseOptions } from 'rowhouse'
import { afterAll, beforeAll, describe } from 'vitest'

import { createTwoWorlds } from '../two-worlds.ts'
import { mintToken } from '../tokens.ts'
import type { Claims } from '../tokens.ts'
import { createTestDatabase, withClient } from '../test-database.ts'
import type { TestDatabase } from '../test-database.ts'
import { buildHome, dropHome } from './build-home.ts'
import type { Home } from './build-home.ts'

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
 * @example
 * describeInEveryModel('a member', (homes) => {
 *   it('reads the own notes', async () => {
 *     const { a } = homes()
 *     const acme = homes().open().as({ organizationId: a.organizationId, userId: a.memberId })
 *     expect((await acme.query('select from notes')).rowCount).toBe(a.noteIds.length)
 *   })
 * })
 */
export function describeInEveryModel(name: string, define: (homes: () => Homes) => void): void {
  for (const model of isolationModels) {
    describe(`${name} (${model})`, () => {
      define(useHomes(model))
    })
  }
}

/** Two organizations of one model, for the tests of a block. */
export function useHomes(model: IsolationModel): () => Homes {
  let homes: Homes | undefined
  beforeAll(async () => {
    homes = await createHomes(model)
  })
  afterAll(() => homes?.drop())
  return () => {
    if (homes === undefined) throw new Error('The homes are there inside hooks and tests only.')
    return homes
  }
}

export async function createHomes(model: IsolationModel): Promise<Homes> {
  const database = await createTestDatabase()
  const opened: Rowhouse[] = []
  const run = async (text: string, values: readonly unknown[] = []): Promise<void> => {
    await withClient(database.controlUrl, (control) => control.query(text, [...values]))
  }
  const carry = (tenant: Tenant): Promise<void> =>
    withClient(database.controlUrl, (catalogue) =>
      carryCopy({ catalogue, catalogueUrl: database.adminUrl, signingKey: database.signingKey }, tenant.organizationId),
    )
  const tenants = model === 'shared' ? await shareTables(database) : await settle(database, model)
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
      for (const { home } of [tenants.a, tenants.b]) if (home !== null) await dropHome(database, home)
      await database.drop()
    },
  }
}

async function shareTables(database: TestDatabase): Promise<{ a: Tenant; b: Tenant }> {
  const { a, b } = await createTwoWorlds(database)
  const shared = { home: null, url: database.appUrl, notes: 'public.notes', enter: 'select rowhouse.enter($1)' }
  return { a: { ...a, ...shared }, b: { ...b, ...shared } }
}

async function settle(database: TestDatabase, model: 'schema' | 'database'): Promise<{ a: Tenant; b: Tenant }> {
  // The shared tables are there too, as they are where some organizations share and others do not.
  await createTwoWorlds(database)
  return { a: await settleOne(database, model, 'Alder'), b: await settleOne(database, model, 'Birch') }
}

async function settleOne(database: TestDatabase, model: 'schema' | 'database', name: string): Promise<Tenant> {
  const [ownerId, memberId, viewerId] = [randomUUID(), randomUUID(), randomUUID()] as const
  const slug = `${name.toLowerCase()}-${randomBytes(4).toString('hex')}`
  const organizationId = await withClient(database.controlUrl, async (control) => {
    const { rows } = await control.query<{ id: string }>('select rowhouse.create_organization($1, $2, $3) as id', [
      name,
      slug,
      ownerId,
    ])
    const { id } = rows[0] as { id: string }
    await control.query(
      `insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'member'), ($1, $3, 'viewer')`,
      [id, memberId, viewerId],
    )
    return id
  })
  const home = await buildHome(database, model, organizationId)
  await withClient(database.controlUrl, async (control) => {
    await control.query(
      `with home as (
        insert into rowhouse.homes (cluster, database_name, schema_name, login, isolation, state, organization_id)
        values ('main', $2, $3, $4, $5, 'assigned', $1) returning id
      )
      update rowhouse.placements p
      set database_name = $2, schema_name = $3, login = $4, isolation = $5, home_id = home.id, epoch = epoch + 1
      from home where p.organization_id = $1`,
      [organizationId, home.databaseName, home.schemaName, home.login, model],
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
