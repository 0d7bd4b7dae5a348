// Two organizations that must never see each other, with people and a protected table each: the fixture that every
// test of isolation starts from.
import { randomBytes, randomUUID } from 'node:crypto'
import type { ClientBase } from 'pg'

import { mintToken } from './tokens.ts'
import type { Claims } from './tokens.ts'
import { withClient } from './test-database.ts'
import type { TestDatabase } from './test-database.ts'

export interface World {
  readonly organizationId: string
  readonly slug: string
  readonly ownerId: string
  readonly memberId: string
  readonly viewerId: string
  /** The rows of `notes` it starts with. */
  readonly noteIds: readonly string[]
  /** A token of the owner; `changes` replaces claims. */
  token(changes?: Claims): string
  /** Enters as the owner; the caller is in a transaction. */
  enter(client: ClientBase, changes?: Claims): Promise<void>
}

export interface TwoWorlds {
  readonly a: World
  readonly b: World
}

const NOTES_PER_WORLD = 3

/** As a tenant migration writes them: against no schema. */
export const worldTables = `
  create table folders (
    organization_id uuid not null default rowhouse.organization_id(),
    id uuid not null default gen_random_uuid(),
    name text not null,
    primary key (organization_id, id)
  );
  create table notes (
    organization_id uuid not null default rowhouse.organization_id(),
    id uuid not null default gen_random_uuid(),
    folder_id uuid,
    body text,
    primary key (organization_id, id),
    foreign key (organization_id, folder_id) references folders (organization_id, id) on delete set null (folder_id)
  );
  select rowhouse.protect('folders');
  select rowhouse.protect('notes');`

/**
 * Makes the protected tables `folders(id, name)` and `notes(id, folder_id, body)` and the report `usage`, and two
 * new organizations with an owner, a member, a viewer, one folder and three notes each.
 */
export async function createTwoWorlds(database: TestDatabase): Promise<TwoWorlds> {
  await withClient(database.migratorUrl, async (migrator) => {
    await migrator.query(`
      ${worldTables.replaceAll('create table', 'create table if not exists')}
      select rowhouse.define_report('usage', 'select count(*) as notes from notes', 'notes bigint');
      select rowhouse.approve_report('usage', 'the tests enter as it');
    `)
  })
  return withClient(database.controlUrl, async (control) => ({
    a: await createWorld(database, control, 'Alder'),
    b: await createWorld(database, control, 'Birch'),
  }))
}

async function createWorld(database: TestDatabase, control: ClientBase, name: string): Promise<World> {
  const slug = `${name.toLowerCase()}-${randomBytes(4).toString('hex')}`
  const [ownerId, memberId, viewerId] = [randomUUID(), randomUUID(), randomUUID()] as const
  const { rows } = await control.query<{ id: string }>('select rowhouse.create_organization($1, $2, $3) as id', [
    name,
    slug,
    ownerId,
  ])
  const organizationId = (rows[0] as { id: string }).id
  await control.query(
    `insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'member'), ($1, $3, 'viewer')`,
    [organizationId, memberId, viewerId],
  )
  const token = (changes: Claims = {}): string =>
    mintToken(database, { org: organizationId, user: ownerId, ...changes })
  const enter = async (client: ClientBase, changes?: Claims): Promise<void> => {
    await client.query('select rowhouse.enter($1)', [token(changes)])
  }
  const noteIds = await withClient(database.appUrl, async (app) => {
    await app.query('begin')
    await enter(app)
    const notes = await app.query<{ id: string }>(
      `with folder as (insert into folders (name) values ($1) returning id)
       insert into notes (folder_id, body)
       select f.id, $1 || ' ' || n from folder f, generate_series(1, $2::int) n returning id`,
      [name, NOTES_PER_WORLD],
    )
    await app.query('commit')
    return notes.rows.map(({ id }) => id)
  })
  return { organizationId, slug, ownerId, memberId, viewerId, noteIds, token, enter }
}
