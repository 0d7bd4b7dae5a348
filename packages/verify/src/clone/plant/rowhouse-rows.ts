// What Rowhouse's own tables need to work, made by rule: its migrations, plans and built-in roles as the migrations write
// them, an id and keys of its own. Nothing of the source's rows is read; least of all its keys.
import { createHash } from 'node:crypto'
import { migrations } from '@rowhouse/database'
import type { ClientBase } from 'pg'

import type { OwnHome, OwnHomes } from '../../model/own-homes.ts'
import type { NotCovered } from '../../report/report.ts'
import { runStatements } from '../run-statements.ts'
import { organizationOf } from './pass.ts'
import type { Pass } from './pass.ts'
import type { Overrides } from './plant-worlds.ts'

/** An INSERT that a migration runs, not one inside a function: it starts a line. */
const topLevelInsert = /^insert into rowhouse\.\w+[^;]*;/gm

const inserts = migrations.flatMap(({ sql }) => sql.match(topLevelInsert) ?? [])

/** Filled here, so nothing is invented for everybody in them. */
export const rowhouseTables: ReadonlySet<string> = new Set([
  'rowhouse.migrations',
  'rowhouse.database',
  'rowhouse.keys',
  ...inserts.map((sql) => /rowhouse\.\w+/.exec(sql)?.[0] ?? ''),
])

/** Rows that every installation has. Replica mode, because built-in roles guard themselves. */
export async function plantRowhouse(client: ClientBase): Promise<NotCovered[]> {
  const failures = await runStatements(client, [
    { about: 'replica mode', sql: 'set session_replication_role = replica' },
    ...inserts.map((sql) => ({ about: sql.split(' (')[0] as string, sql })),
  ])
  for (const { version, name, checksum } of migrations) {
    await client.query(
      'insert into rowhouse.migrations (version, name, checksum) values ($1, $2, $3) on conflict do nothing',
      [version, name, checksum],
    )
  }
  await client.query('reset session_replication_role')
  return failures.map(({ about, reason }) => ({
    object: `table ${about.replace('insert into ', '')}`,
    probe: 'plant',
    reason,
  }))
}

/** Which home is whose: organizations have the ids that the checks of their homes name, and nobody is registered twice. */
export function homeOverrides({ a, b }: OwnHomes): Overrides {
  const homeOf = (pass: Pass, index: number): OwnHome | null =>
    index > 0 ? null : pass === 'A' ? a : pass === 'shared' ? null : b
  return {
    'rowhouse.organizations': {
      ...rowhouseOverrides['rowhouse.organizations'],
      ...((a.organizationId !== null || (b?.organizationId ?? null) !== null) && {
        id: ({ pass, index }) => homeOf(pass, index)?.organizationId ?? idOf(`${organizationOf(pass)} ${index}`),
      }),
    },
    'rowhouse.tenant_schemas': {
      name: ({ pass, index }) => (index > 0 ? null : (homeOf(pass, index)?.schema ?? 'elsewhere')),
      login: ({ pass, index }) => homeOf(pass, index)?.login ?? 'elsewhere',
    },
  }
}

/** An id that is made from a text. */
function idOf(text: string): string {
  const digits = createHash('sha256').update(text).digest('hex')
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20, 32)}`
}

const roles = ['owner', 'member', 'viewer', 'viewer'] as const

/** Values that only Rowhouse's functions know the meaning of. */
export const rowhouseOverrides: Overrides = {
  'rowhouse.organizations': { status: () => 'active', plan: () => 'standard' },
  'rowhouse.placements': {
    cluster: () => 'main', database_name: () => null, schema_name: () => null, isolation: () => 'shared', state: () => 'active', epoch: () => '1',
    login: () => null, home_id: () => null, wanted_isolation: () => null, wanted_cluster: () => null,
  },
  'rowhouse.homes': { cluster: () => 'main', isolation: () => 'schema', state: () => 'assigned' },
  'rowhouse.data_databases': { cluster: () => 'main' },
  'rowhouse.farewells': { cluster: () => 'main' },
  // Who is deleted has neither e-mail nor name.
  'rowhouse.users': { deleted_at: () => null },
  'rowhouse.members': { role: ({ index }) => roles[index] ?? 'viewer' },
  'rowhouse.roles': { permissions: () => '{data.read}' },
  // Sealed texts begin with the id of their key; what names no key may be any text.
  'rowhouse.sync_apps': { key_id: () => null },
  'rowhouse.sync_authorizations': { key_id: () => null },
} // prettier-ignore
