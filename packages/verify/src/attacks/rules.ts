// What an attack that worked is called. A code is permanent; the first two digits are the class, 90 to 99.
import type { Severity } from '../report/report.ts'
import type { Family } from './probes/probe.ts'

/**
 * seen: a text of B was shown · changed: a row of B is not what it was · differs: the answer is another one where B's
 * rows are others · done: a statement was done that must be refused · stood: a temporary table stood in for a real one
 */
export type Effect = 'seen' | 'changed' | 'differs' | 'done' | 'stood'

export interface AttackRule {
  readonly rule: string
  readonly code: string
  readonly severity: Severity
  readonly says: string
  readonly fix: string
}

const rule = (number: string, code: string, severity: Severity, says: string, fix: string): AttackRule => ({
  rule: number,
  code,
  severity,
  says,
  fix,
})

const RLS =
  'Enable and force row level security, with one restrictive policy on the organization for all commands (rowhouse.protect does).'

export const attackRules = {
  seen: rule(
    'V9001',
    'rows_of_another_organization_seen',
    'error',
    'Organization A reads rows of organization B.',
    RLS,
  ),
  seenByNobody: rule(
    'V9002',
    'rows_seen_without_context',
    'error',
    'A transaction that acts for no organization reads rows of organization B.',
    `${RLS} Its condition must be false where no organization is set.`,
  ),
  readDiffers: rule(
    'V9003',
    'answer_depends_on_another_organization',
    'error',
    'What organization A is answered depends on rows of organization B.',
    RLS,
  ),
  databaseReached: rule(
    'V9004',
    'database_of_another_organization_reached',
    'error',
    'The login of one organization’s database reaches rows in another’s: nothing but the name in the connection keeps them apart.',
    'Give each database a login of its own; revoke connect on database … from public, and from this login.',
  ),
  databaseEntered: rule(
    'V9005',
    'database_of_another_organization_entered',
    'warning',
    'The login of one organization’s database may connect to another’s. It reaches no row there; the catalogue it reads.',
    'revoke connect on database … from public',
  ),
  homeReached: rule(
    'V9006',
    'home_of_another_organization_reached',
    'error',
    'A login has privileges in a home that is another organization’s: nothing but row security is left between them.',
    'Revoke them; select * from rowhouse.settle_home(…) takes away what a migration granted.',
  ),
  changed: rule(
    'V9101',
    'rows_of_another_organization_changed',
    'error',
    'A transaction of organization A changes, adds or removes rows of organization B.',
    `${RLS} Its WITH CHECK must hold for INSERT and UPDATE; revoke TRUNCATE.`,
  ),
  changedByNobody: rule(
    'V9102',
    'rows_changed_without_context',
    'error',
    'A transaction that acts for no organization changes, adds or removes rows of organization B.',
    RLS,
  ),
  writeDiffers: rule(
    'V9103',
    'write_depends_on_another_organization',
    'error',
    'Whether a write of organization A succeeds depends on rows of organization B.',
    RLS,
  ),
  constraint: rule(
    'V9201',
    'constraint_tells_of_another_organization',
    'error',
    'A constraint tells organization A whether a row of organization B is there.',
    'Put the organization first in the key, and in every foreign key to it.',
  ),
  functionSeen: rule(
    'V9301',
    'function_shows_another_organization',
    'error',
    'The function shows organization A what belongs to organization B.',
    'Make it SECURITY INVOKER, or have it compare with the organization of the transaction; revoke EXECUTE from PUBLIC.',
  ),
  functionChanged: rule(
    'V9302',
    'function_changes_another_organization',
    'error',
    'The function changes rows of organization B when organization A calls it.',
    'Make it SECURITY INVOKER, or have it compare with the organization of the transaction; revoke EXECUTE from PUBLIC.',
  ),
  functionDiffers: rule(
    'V9303',
    'function_depends_on_another_organization',
    'error',
    'What the function answers organization A depends on rows of organization B.',
    'Make it SECURITY INVOKER, or have it compare with the organization of the transaction.',
  ),
  shadow: rule(
    'V9304',
    'function_reads_temporary_table',
    'error',
    'A function that runs as its owner takes a temporary table of the caller for a real one.',
    'Set search_path on the function, with pg_temp last: alter function … set search_path = pg_catalog, pg_temp.',
  ),
  trigger: rule(
    'V9305',
    'trigger_function_writes_for_another_organization',
    'error',
    'The trigger function, hung on a temporary table of organization A, acts on rows of organization B.',
    'revoke execute on function … from public',
  ),
  privilege: rule(
    'V9401',
    'privilege_beyond_row_security',
    'error',
    'The login may do what row security does not hold.',
    'Revoke the privilege; let a role that nobody logs in as own the table.',
  ),
  creates: rule(
    'V9402',
    'login_creates_objects',
    'error',
    'The login may create objects where others look for theirs.',
    'revoke create on schema … from public',
  ),
  administrates: rule(
    'V9403',
    'login_administrates',
    'error',
    'The login may do what belongs to an administrator.',
    'Use a login without SUPERUSER, BYPASSRLS or predefined roles of Postgres.',
  ),
  forged: rule(
    'V9501',
    'context_forged',
    'error',
    'Organization A makes itself organization B.',
    'Bind the context to what only the application can sign (rowhouse.enter).',
  ),
  forgeable: rule(
    'V9502',
    'context_is_a_setting',
    'warning',
    'Whoever runs SQL as organization A, by an injection, can make itself organization B: the context is a setting, a search_path or a role, which SQL changes.',
    'Let no SQL of a tenant run under this login, or seal the context (rowhouse.enter).',
  ),
  role: rule(
    'V9503',
    'role_reaches_another_organization',
    'error',
    'The login can become a role that reaches organization B.',
    'Revoke the role; use another login for administration.',
  ),
  gate: rule(
    'V9504',
    'gate_admits',
    'error',
    'The gate of Rowhouse admits what it must refuse.',
    'Run rowhouse upgrade: the functions of the schema rowhouse are not those of this version.',
  ),
  seal: rule(
    'V9505',
    'seal_taken',
    'error',
    'A seal is taken that enter() did not make for this transaction.',
    'Run rowhouse upgrade: the functions of the schema rowhouse are not those of this version.',
  ),
  fence: rule(
    'V9506',
    'fence_missing',
    'error',
    'A transaction acts for an organization without holding its lock: a move would lose its writes.',
    'Run rowhouse upgrade: the functions of the schema rowhouse are not those of this version.',
  ),
  log: rule(
    'V9507',
    'change_log_takes_unsealed',
    'error',
    'A write that carries no seal is taken.',
    'select rowhouse.protect(…) on the table, and rowhouse upgrade.',
  ),
  plan: rule(
    'V9601',
    'plan_depends_on_another_organization',
    'error',
    'The plan that organization A is shown depends on rows of organization B.',
    'Let no IMMUTABLE function read tables.',
  ),
  statistics: rule(
    'V9602',
    'statistics_show_another_organization',
    'error',
    'Statistics show organization A values of organization B.',
    'Revoke SELECT on the relation: row security does not hold materialized views and foreign tables.',
  ),
  session: rule(
    'V9701',
    'shared_session_function',
    'warning',
    'Tenants that share a login can reach one another past all tables.',
    'Revoke the function or TEMPORARY from PUBLIC (rowhouse install does, as a superuser).',
  ),
  sequence: rule(
    'V9702',
    'sequence_set_by_tenant',
    'warning',
    'Organization A may set a sequence that all organizations share: the inserts of others then fail.',
    'revoke update on sequence … ; use uuid keys',
  ),
} as const satisfies Record<string, AttackRule>

export type AttackRuleName = keyof typeof attackRules

/** The rule that a probe of this family with this effect falls under. */
export function ruleOf(
  family: Family,
  effect: Effect,
  actsForA: boolean,
  context: { readonly madeBySql?: boolean },
  object: string,
): AttackRule {
  if (effect === 'stood') return attackRules.shadow
  switch (family) {
    case 'forge':
      return context.madeBySql === true ? attackRules.forgeable : attackRules.forged
    case 'role':
      return attackRules.role
    case 'trigger':
      return attackRules.trigger
    case 'privilege':
      if (effect !== 'done') break
      if (object.startsWith('schema ')) return attackRules.creates
      return object.startsWith('database ') ? attackRules.administrates : attackRules.privilege
    case 'session':
      return object.startsWith('sequence ') ? attackRules.sequence : attackRules.session
    case 'function':
    case 'shadow':
      if (effect === 'seen') return attackRules.functionSeen
      return effect === 'changed' ? attackRules.functionChanged : attackRules.functionDiffers
    case 'plan':
      return attackRules.plan
    case 'catalogue':
      return attackRules.statistics
    case 'constraint':
      if (effect !== 'changed') return attackRules.constraint
      break
    case 'write':
      if (effect === 'differs') return attackRules.writeDiffers
      break
    case 'read':
    case 'limit':
      break
  }
  if (effect === 'changed') return actsForA ? attackRules.changed : attackRules.changedByNobody
  if (effect === 'seen') return actsForA ? attackRules.seen : attackRules.seenByNobody
  return attackRules.readDiffers
}
