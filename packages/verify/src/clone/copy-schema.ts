// Copies the schema of one database, and none of its rows, into an empty one. pg_dump is not to be had where npm is all
// there is, so the copy is made from the catalogue; fingerprint() then proves that nothing was lost.
import type { ClientBase } from 'pg'

import type { NotCovered } from '../report/report.ts'
import { disableExtensions } from './disable-extensions.ts'
import { liesIn } from './left-out.ts'
import { orderParts } from './order.ts'
import type { Planned } from './order.ts'
import { reachesOutside, wayOut } from './outside.ts'
import { ident, literal } from './quote.ts'
import type { Catalogue, Part, Step } from './read-catalogue.ts'
import { runStatements } from './run-statements.ts'
import type { Bound, Statement } from './run-statements.ts'
import { standInFor } from './secrets.ts'

/**
 * Makes everything of `source` in the database of `target`, which is empty, and in which the roles exist.
 *
 * @param bound throws when it has taken too long; `leftOut`: schemas that are not copied, nor named for it
 * @param target a login that may create everything: a superuser, or at least a member of every owner
 * @returns what could not be made or was disabled on purpose, each with the reason
 */
export async function copySchema(
  source: Catalogue,
  target: ClientBase,
  { bound, leftOut = [] }: { readonly bound?: Bound; readonly leftOut?: readonly string[] } = {},
): Promise<NotCovered[]> {
  const notCovered: NotCovered[] = []
  await target.query(
    `set check_function_bodies = off; set search_path = ''; set client_min_messages = error; set row_security = off;
     set default_transaction_read_only = off; set lock_timeout = 0; set statement_timeout = 0`,
  )
  const hasPublic = source.parts.some(({ kind, name }) => kind === 'schema' && name === 'public')
  if (!hasPublic) await target.query('drop schema if exists public')

  const { planned, neededBy } = orderParts(source.parts, source.needs)
  const missing = new Set<string>()
  const byId = new Map(source.parts.map((part) => [part.id, part]))
  const lose = (part: Part, reason: string): void => {
    if (missing.has(part.id)) return
    missing.add(part.id)
    notCovered.push({ object: `${part.kind} ${part.name}`, probe: 'copy', reason })
    // What needs it would fail with a message about something else.
    for (const next of neededBy.get(part.id) ?? []) {
      const dependant = byId.get(next)
      if (dependant !== undefined && dependant.rank > part.rank) lose(dependant, `it needs ${part.kind} ${part.name}`)
    }
  }
  const lies = liesIn(leftOut)
  const isLeftOut = ({ kind, name }: { kind: string; name: string }): boolean => lies(`${kind} ${name}`)
  for (const part of source.parts) {
    if (!isLeftOut(part)) continue
    missing.add(part.id)
    for (const next of neededBy.get(part.id) ?? []) {
      const dependant = byId.get(next)
      if (dependant === undefined || dependant.rank <= part.rank || isLeftOut(dependant)) continue
      lose(dependant, `it needs ${part.kind} ${part.name}, which is not copied`)
    }
  }
  await makeExtensions(target, planned, lose, notCovered)
  await makeParts(target, planned, lose, missing, notCovered, bound)

  const [login] = (await target.query<{ name: string }>('select current_user::text as name')).rows
  const owners = source.owners.filter(({ sql }) => !sql.endsWith(` owner to ${login?.name ?? ''}`))
  const steps = [...owners, ...source.grants, ...source.switches].filter((step) => !isLeftOut(step))
  await runSteps(target, steps, missing, byId, notCovered, bound)
  await applyDatabase(target, source, notCovered)
  await makeEventTriggers(target, source.eventTriggers, notCovered)
  for (const name of source.subscriptions) {
    notCovered.push({ object: `subscription ${name}`, probe: 'copy', reason: 'it connects to another server' })
  }
  return notCovered
}

type Lose = (part: Part, reason: string) => void

async function makeExtensions(
  target: ClientBase,
  planned: readonly Planned[],
  lose: Lose,
  notCovered: NotCovered[],
): Promise<void> {
  const early = planned.filter(({ part }) => part.rank <= 1)
  const failures = await runStatements(
    target,
    early.map(({ part, sql }) => ({ about: part, sql })),
  )
  for (const { about, reason } of failures) lose(about, reason)
  notCovered.push(...(await disableExtensions(target)))
}

async function makeParts(
  target: ClientBase,
  planned: readonly Planned[],
  lose: Lose,
  missing: ReadonlySet<string>,
  notCovered: NotCovered[],
  bound?: Bound,
): Promise<void> {
  // A part that is lost takes what needs it along, so statements are run rank by rank, each without what is lost by then.
  for (const group of groupsOf(planned.filter(({ part }) => part.rank > 1))) {
    const statements: Statement<Part>[] = []
    for (const { part, sql } of group) {
      if (missing.has(part.id)) continue
      const outside = reachesOutside(part)
      if (outside !== null) {
        notCovered.push({
          object: `${part.kind} ${part.name}`,
          probe: 'call',
          reason: `${outside}; it raises an error in scratch`,
        })
      }
      const chosen = outside === null ? sql : part.stub
      if (part.sql === null || chosen === null) lose(part, outside ?? 'Postgres has no statement that makes it')
      else statements.push({ about: part, sql: chosen })
    }
    for (const { about, reason } of await runStatements(target, statements, bound)) {
      const stub = about.language === null ? null : about.stub
      const stubFailed = stub === null ? [reason] : await runStatements(target, [{ about, sql: stub }])
      if (stubFailed.length > 0) lose(about, reason)
      else
        notCovered.push({
          object: `${about.kind} ${about.name}`,
          probe: 'call',
          reason: `${reason}; it raises an error in scratch`,
        })
    }
  }
}

/** Cuts the plan where the rank changes: what is lost in one group is known before the next is sent. */
function groupsOf(planned: readonly Planned[]): Planned[][] {
  const groups: Planned[][] = []
  for (const each of planned) {
    const last = groups.at(-1)
    if (last?.[0]?.part.rank === each.part.rank) last.push(each)
    else groups.push([each])
  }
  return groups
}

/** Owners, grants and switches of what is there. */
async function runSteps(
  target: ClientBase,
  steps: readonly Step[],
  missing: ReadonlySet<string>,
  byId: ReadonlyMap<string, Part>,
  notCovered: NotCovered[],
  bound?: Bound,
): Promise<void> {
  const lost = new Set([...missing].map((id) => byId.get(id)?.name))
  const failures = await runStatements(
    target,
    steps.filter(({ name }) => !lost.has(name)).map((step) => ({ about: step, sql: step.sql })),
    bound,
  )
  for (const { about, reason } of failures) {
    notCovered.push({ object: `${about.kind} ${about.name}`, probe: 'copy', reason: `${about.sql.trim()}: ${reason}` })
  }
}

/** Owner, privileges and settings of the database itself. Also for a database made from a copied one. */
export async function applyDatabase(
  target: ClientBase,
  { database }: Pick<Catalogue, 'database'>,
  notCovered: NotCovered[],
): Promise<void> {
  const [row] = (await target.query<{ name: string }>('select current_database()::text as name')).rows
  const name = ident(row?.name ?? '')
  const grants = database.grants.map(({ grantee, privilege, grantable }) => ({
    about: `grant on database to ${grantee ?? 'public'}`,
    sql: `grant ${privilege} on database ${name} to ${grantee === null ? 'public' : ident(grantee)}${grantable ? ' with grant option' : ''}`,
  }))
  const settings = database.settings.map(({ role, name: setting, value }) => {
    const standIn = standInFor(setting)
    if (standIn !== null)
      notCovered.push({
        object: `setting ${setting}`,
        probe: 'copy',
        reason: 'its value may be a secret; scratch has another',
      })
    const which = role === null ? `database ${name}` : `role ${ident(role)} in database ${name}`
    return {
      about: `setting ${setting}`,
      sql: `alter ${which} set ${setting.split('.').map(ident).join('.')} to ${valueOf(setting, standIn ?? value)}`,
    }
  })
  const failures = await runStatements(target, [
    { about: 'owner of the database', sql: `alter database ${name} owner to ${ident(database.owner)}` },
    {
      about: 'privileges on the database',
      sql: `revoke all on database ${name} from public, ${ident(database.owner)}`,
    },
    ...grants,
    ...settings,
  ])
  for (const { about, reason } of failures) notCovered.push({ object: about, probe: 'copy', reason })
}

/** Settings that are lists of names lose their meaning when quoted as one string. */
const listSettings: ReadonlySet<string> = new Set([
  'search_path',
  'temp_tablespaces',
  'session_preload_libraries',
  'local_preload_libraries',
])

function valueOf(setting: string, value: string): string {
  return listSettings.has(setting.toLowerCase()) ? value || `''` : literal(value)
}

async function makeEventTriggers(
  target: ClientBase,
  triggers: readonly Step[],
  notCovered: NotCovered[],
): Promise<void> {
  const safe = triggers.filter(({ name, source }) => {
    const reason = wayOut(source) ?? (/\bnotify\b/i.test(source ?? '') ? 'it notifies listeners' : null)
    if (reason !== null) notCovered.push({ object: `event trigger ${name}`, probe: 'copy', reason })
    return reason === null
  })
  const failures = await runStatements(
    target,
    safe.map(({ name, sql }) => ({ about: name, sql })),
  )
  for (const { about, reason } of failures) notCovered.push({ object: `event trigger ${about}`, probe: 'copy', reason })
}
