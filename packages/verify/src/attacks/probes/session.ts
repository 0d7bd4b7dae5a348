// What tenants share that is no table: sequences, large objects, locks, prepared statements, activity, the settings of
// Postgres; and what a login may turn itself into.
import { literal, qualified } from '../quoting.ts'
import type { Sequence } from '../surface/surface.ts'
import type { Probe } from './probe.ts'
import { limits } from './reads.ts'

export function sequenceProbes({ schema, name }: Sequence): Probe[] {
  const sql = qualified(schema, name)
  const object = `sequence ${schema}.${name}`
  const limit = { family: 'limit', object, writes: false, limit: limits.sequence } as const
  return [
    { ...limit, name: 'last value', sql: `select last_value from ${sql}` },
    { ...limit, name: 'next value', sql: `select nextval(${literal(sql)})` },
    {
      ...limit,
      name: 'pg_sequences',
      sql: `select last_value from pg_sequences where schemaname = ${literal(schema)} and sequencename = ${literal(name)}`,
    },
    {
      name: 'setval',
      family: 'session',
      object,
      sql: `select setval(${literal(sql)}, 1, false)`,
      writes: false,
      mustFail: true,
    },
  ]
}

/** Functions of Postgres that reach from one session to another, or out of the database. Each must be refused. */
const reaching: readonly (readonly [string, string])[] = [
  ['large object', `select lo_from_bytea(0, 'x')`],
  ['large object by lo_create', 'select lo_create(0)'],
  ['large object by loread', 'select loread(lo_open(lo_creat(-1), 262144), 1)'],
  ['end another session', 'select pg_terminate_backend(0)'],
  ['cancel another session', 'select pg_cancel_backend(0)'],
  ['prepared statements of others', 'select count(*) from pg_prepared_statements'],
]

const leaving: readonly (readonly [string, string])[] = [['session lock', 'select pg_advisory_lock(1)']]

/** Never the tenant's, whatever the host: a login that may is an administrator. */
const administrating: readonly (readonly [string, string])[] = [
  ['passwords', 'select rolname, rolpassword from pg_authid'],
  ['files', `select pg_read_file('postgresql.conf')`],
  ['programs', `copy (select 1) to program 'true'`],
  ['replica mode', 'set session_replication_role = replica'],
  ['statistics of columns', 'select count(*) from pg_statistic'],
  ['settings of every login', 'alter system set work_mem = 65536'],
]

export function sessionProbes(database: string): Probe[] {
  const shared = {
    family: 'session',
    object: `database ${database}`,
    writes: false,
    mustFail: true,
    once: true,
  } as const
  return [
    ...reaching.map(([name, sql]) => ({ ...shared, name, sql })),
    ...leaving.map(([name, sql]) => ({ ...shared, name, sql, leavesTraces: true })),
    { ...shared, name: 'temporary table', sql: 'create temporary table attacker ()' },
    ...administrating.map(([name, sql]) => ({ ...shared, family: 'privilege' as const, name, sql })),
    { ...shared, family: 'limit', name: 'notify', sql: `notify attacker, 'x'`, limit: limits.notify },
    {
      ...shared,
      family: 'limit',
      name: 'transaction lock',
      sql: 'select pg_advisory_xact_lock(1)',
      limit: limits.advisory,
    },
  ]
}

/** Everything again, in short, as each role that the login can become. */
export function roleProbes(
  role: string,
  targets: readonly { readonly sql: string; readonly object: string }[],
): Probe[] {
  const become = `set local role ${role}`
  return targets.flatMap(({ sql, object }) =>
    [
      ['select', `select * from ${sql} limit 500`],
      ['delete blind', `delete from ${sql}`],
      ['truncate', `truncate ${sql} cascade`],
    ].map(([name, text]) => ({
      name: `as ${role}: ${name}`,
      family: 'role' as const,
      object,
      sql: `${become}; ${text}`,
      writes: name !== 'select',
    })),
  )
}
