// A home of one organization, made with plain SQL: a schema or a database with the tables `folders` and `notes`, and a login
// that may reach nothing else. What the doors of a home must hold is tested on these; what makes homes in earnest is fleet's.
import { randomBytes } from 'node:crypto'
import { deriveLoginPassword, install, loginUrl } from '@rowhouse/database'
import type { HomeLogin } from '@rowhouse/database'
import { inject } from 'vitest'

import { withClient } from '../test-database.ts'
import type { TestDatabase } from '../test-database.ts'

export interface Home {
  readonly isolation: 'schema' | 'database'
  readonly login: HomeLogin
  readonly schemaName: string
  /** Null: the catalogue's. */
  readonly databaseName: string | null
  /** Of the database that the home is in; tokens are made for it. */
  readonly databaseId: string
  readonly adminUrl: string
  readonly controlUrl: string
  /** As the home's login. */
  readonly url: string
}

const TABLES = `
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

export async function buildHome(
  database: TestDatabase,
  isolation: 'schema' | 'database',
  organizationId: string,
): Promise<Home> {
  const hex = randomBytes(8).toString('hex')
  const name = `h_${hex}`
  const login: HomeLogin = `rowhouse_h_${hex}`
  const place = isolation === 'database' ? await buildDatabase(database, name) : { ...database, databaseName: null }
  const schemaName = isolation === 'schema' ? name : 'public'
  await withClient(place.adminUrl, async (admin) => {
    const password = deriveLoginPassword(database.signingKey, login)
    await admin.query(`create role ${login} login password '${password}'`)
    await admin.query(
      `do $$ begin
        execute format('grant connect on database %I to ${login}', current_database());
        execute format('alter role ${login} in database %I set search_path = ${schemaName}', current_database());
      end $$`,
    )
    if (isolation === 'schema') {
      await admin.query(`create schema ${schemaName} authorization rowhouse_owner; grant rowhouse_tenant to ${login}`)
    } else {
      await admin.query('select rowhouse.give_tenant_access($1)', [login])
    }
    await admin.query('select rowhouse.register_home($1, $2, $3)', [schemaName, login, organizationId])
  })
  await withClient(place.migratorUrl, (migrator) => migrator.query(`set search_path = ${schemaName}; ${TABLES}`))
  return {
    isolation,
    login,
    schemaName,
    databaseName: place.databaseName,
    databaseId: place.databaseId,
    adminUrl: place.adminUrl,
    controlUrl: place.controlUrl,
    url: loginUrl(place.adminUrl, login, database.signingKey),
  }
}

interface Place {
  readonly databaseName: string | null
  readonly databaseId: string
  readonly adminUrl: string
  readonly migratorUrl: string
  readonly controlUrl: string
}

async function buildDatabase(database: TestDatabase, name: string): Promise<Place> {
  await withClient(inject('adminUrl'), async (admin) => {
    await admin.query(`create database ${name} template ${inject('templateName')}`)
    await admin.query(`revoke connect, temporary on database ${name} from public`)
  })
  const url = new URL(inject('adminUrl'))
  url.pathname = `/${name}`
  const { databaseId, urls } = await install({ adminUrl: url.href, signingKey: database.signingKey })
  await withClient(inject('adminUrl'), (admin) => admin.query(`revoke connect on database ${name} from rowhouse_app`))
  return { databaseName: name, databaseId, adminUrl: url.href, migratorUrl: urls.migrator, controlUrl: urls.control }
}

export async function dropHome(database: TestDatabase, { login, databaseName, schemaName }: Home): Promise<void> {
  await withClient(database.adminUrl, async (admin) => {
    await admin.query(`update rowhouse.placements set home_id = null where login = $1`, [login])
    if (databaseName === null) await admin.query(`drop schema ${schemaName} cascade`)
    else await admin.query(`drop database ${databaseName} with (force)`)
    await admin.query('delete from rowhouse.tenant_schemas where login = $1', [login])
    await admin.query(`drop owned by ${login}`)
    await admin.query(`drop role ${login}`)
  })
}
