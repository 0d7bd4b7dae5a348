// Privileges that row security does not hold, and statements only an owner may run: success alone is a finding.
import { literal, qualified } from '../quoting.ts'
import type { Probe } from './probe.ts'
import type { Target } from './target.ts'
import { limits } from './reads.ts'

export function privilegeProbes({ sql, relation, owner, probe }: Target): Probe[] {
  if (owner === undefined) return []
  const must = (name: string, text: string): Probe => probe(name, 'privilege', text, { mustFail: true })
  if (relation.kind === 'v') return [must('redefine', `alter view ${sql} reset (security_invoker)`)]
  if (relation.kind === 'm') return [must('refresh', `refresh materialized view ${sql}`)]
  return [
    probe('truncate', 'write', `truncate ${sql}`),
    probe('truncate cascade', 'write', `truncate ${sql} cascade`),
    must('row security off by its owner', `alter table ${sql} disable row level security`),
    must('row security not forced by its owner', `alter table ${sql} no force row level security`),
    must('policy of one’s own', `create policy attacker on ${sql} using (true)`),
    must('reference', referenceTo(sql)),
    must(
      'trigger',
      `create trigger attacker before update on ${sql} for each row execute function pg_catalog.suppress_redundant_updates_trigger()`,
    ),
    must('rule', `create rule attacker as on update to ${sql} do instead nothing`),
    must('child', `create temporary table attacker () inherits (${sql})`),
    must('drop', `drop table ${sql} cascade`),
    probe('lock', 'limit', `lock table ${sql} in access exclusive mode`, {
      limit: limits.locks,
      once: true,
      mustFail: true,
    }),
  ]
}

/** REFERENCES cannot be tried without a schema to create in, so the privilege itself is asked for. */
const referenceTo = (sql: string): string => `select 1 / has_any_column_privilege(${literal(sql)}, 'references')::int`

/** Objects of one's own where others look for theirs. */
export function schemaProbes(schema: string): Probe[] {
  const probe = (name: string, sql: string): Probe => ({
    name,
    family: 'privilege',
    object: `schema ${schema}`,
    sql,
    writes: false,
    mustFail: true,
  })
  return [
    probe('create table', `create table ${qualified(schema, 'attacker')} (id int)`),
    probe(
      'create function',
      `create function ${qualified(schema, 'attacker')}() returns int language sql as 'select 1'`,
    ),
  ]
}
