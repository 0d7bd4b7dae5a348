// Gives a scratch server of its own the roles of the source: what they may do and who is a member of whom, never a
// password. On the server of the source nothing is done: roles belong to the cluster.
import type { ClientBase } from 'pg'

import type { NotCovered } from '../report/report.ts'
import { ident, literal } from './quote.ts'
import type { RoleOfSource } from './read-catalogue.ts'
import { runStatements } from './run-statements.ts'
import { standInFor } from './secrets.ts'

/** Settings a scratch role goes without: they would name files or preload libraries. */
const unsafeSettings = /^(?:session_preload_libraries|local_preload_libraries|log_|role$)/i

/** Makes missing roles; one that exists keeps its attributes, and the fingerprint names the difference. */
export async function makeRoles(roles: readonly RoleOfSource[], target: ClientBase): Promise<NotCovered[]> {
  const { rows } = await target.query<{ name: string }>('select rolname::text as name from pg_catalog.pg_roles')
  const existing = new Set(rows.map(({ name }) => name))
  const missing = roles.filter(({ name }) => !existing.has(name))
  const created = missing.map((role) => ({
    about: role.name,
    sql: `create role ${ident(role.name)} with ${attributesOf(role)}`,
  }))
  const failed = await runStatements(target, created)
  for (const { about } of failed) {
    // A login that is no superuser may not give every attribute away; a role without them is better than none.
    await runStatements(target, [{ about, sql: `create role ${ident(about)}` }])
  }
  const { rows: self } = await target.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  )
  const granular = (self[0]?.version ?? 0) >= 160_000
  const made = new Set(missing.map(({ name }) => name))
  const memberships = roles.flatMap((role) =>
    role.member_of
      .filter(({ role: group }) => made.has(role.name) || made.has(group))
      .map(({ role: group, admin, inherit, set }) => {
        const options = granular
          ? ` with admin ${admin}, inherit ${inherit ?? role.inherit}, set ${set ?? true}`
          : admin
            ? ' with admin option'
            : ''
        return { about: role.name, sql: `grant ${ident(group)} to ${ident(role.name)}${options}` }
      }),
  )
  const settings = missing.flatMap((role) =>
    role.settings
      .map((setting) => [setting.slice(0, setting.indexOf('=')), setting.slice(setting.indexOf('=') + 1)] as const)
      .filter(([name]) => !unsafeSettings.test(name))
      .map(([name, value]) => ({
        about: role.name,
        sql: `alter role ${ident(role.name)} set ${name.split('.').map(ident).join('.')} to ${name === 'search_path' ? value || `''` : literal(standInFor(name) ?? value)}`,
      })),
  )
  const unmade = await runStatements(target, [...memberships, ...settings])
  return [...failed, ...unmade].map(({ about, reason }) => ({ object: `role ${about}`, probe: 'copy', reason }))
}

function attributesOf(role: RoleOfSource): string {
  const word = (is: boolean, name: string): string => (is ? name : `no${name}`)
  return [
    word(role.superuser, 'superuser'),
    word(role.inherit, 'inherit'),
    word(role.createrole, 'createrole'),
    word(role.createdb, 'createdb'),
    word(role.login, 'login'),
    word(role.replication, 'replication'),
    word(role.bypassrls, 'bypassrls'),
    `connection limit ${role.connection_limit}`,
  ].join(' ')
}
