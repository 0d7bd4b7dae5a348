// A database for each organization: the logins of the database under test, tried in a copy of another organization's. Whoever
// may connect there is asked what it reaches, by every probe; all rows in it are the other organization's.
import { isRowhouseError } from '@rowhouse/contracts'
import { Client, DatabaseError } from 'pg'

import { cloneTwoWorlds } from '../clone/clone-two-worlds.ts'
import type { TwoWorlds } from '../clone/clone-two-worlds.ts'
import { readLogins } from '../clone/contexts/logins.ts'
import type { Finding } from '../report/report.ts'
import type { AttackDatabaseOptions } from './attack-database.ts'
import type { AttackContext } from './arena.ts'
import type { AttackResult } from './options.ts'
import { attackRules } from './rules.ts'
import { runAttacks } from './run-attacks.ts'

const NOBODY = '00000000-0000-4000-8000-0000000000ff'
/** The codes of attacks that say that rows were reached. */
const reaching = new Set([
  'rows_of_another_organization_seen',
  'rows_seen_without_context',
  'answer_depends_on_another_organization',
  'rows_of_another_organization_changed',
  'rows_changed_without_context',
  'write_depends_on_another_organization',
  'constraint_tells_of_another_organization',
  'function_shows_another_organization',
  'function_changes_another_organization',
  'function_depends_on_another_organization',
  'statistics_show_another_organization',
  'privilege_beyond_row_security',
])

/**
 * @param url of the database under test
 * @param other the name of the other organization's database, on the same server
 * @param own the worlds of the database under test: its logins are the attackers
 */
export async function attackOtherDatabase(
  url: string,
  other: string,
  own: TwoWorlds,
  options: AttackDatabaseOptions,
): Promise<AttackResult> {
  const there = new URL(url)
  there.pathname = `/${encodeURIComponent(other)}`
  let worlds: TwoWorlds
  try {
    worlds = await cloneTwoWorlds(there.href, { ...options.clone, allOfB: true })
  } catch (error) {
    if (!(error instanceof DatabaseError) && !isRowhouseError(error)) throw error
    const reason = `it could not be copied: ${error.message}`
    return {
      findings: [],
      coverage: {
        objects: 0,
        probes: 0,
        statements: 0,
        cells: 0,
        notCovered: [{ object: `database ${other}`, probe: 'from another organization’s', reason }],
        limits: [],
      },
      undecided: [`Whether the logins of this database reach ${other} is not known: ${reason}`],
    }
  }
  try {
    const attackers = [...(await loginsOf(own)), ...(own.homes?.alone === true ? [own.homes.a.login] : [])]
    const entering = await whoConnects(worlds, attackers)
    const contexts = entering.map((login): AttackContext => ({
      name: `login of another database, ${login}`,
      login,
      enter: () => [],
      actsForA: false,
    }))
    const { findings, coverage, undecided } = await runAttacks(
      {
        worlds: [worlds.world1.adminUrl, worlds.world2.adminUrl],
        organizations: { a: NOBODY, b: NOBODY },
        owners: new Map(worlds.planted.map(({ table }) => [table, { a: 'false', b: 'true', tenantColumn: null }])),
        contexts,
        database: other,
      },
      { ...options, commits: false },
    )
    const object = (login: string): string => `role ${login} in database ${other}`
    return {
      findings: entering.map((login) => foundBy(login, object(login), findings)),
      coverage: {
        ...coverage,
        notCovered: [...worlds.notCovered, ...coverage.notCovered].map((entry) => ({
          ...entry,
          object: `${entry.object} in database ${other}`,
        })),
      },
      undecided,
    }
  } finally {
    await worlds.close()
  }
}

/** One finding for each login: which tables it reaches is the evidence, not a finding each. */
function foundBy(login: string, object: string, findings: readonly Finding[]): Finding {
  const reached = findings.filter(
    ({ code, details }) =>
      reaching.has(code) && String(details?.['contexts']).includes(`login of another database, ${login}`),
  )
  const [first] = reached.toSorted((one, two) => (one.evidence?.length ?? 0) - (two.evidence?.length ?? 0))
  const { rule, code, severity, says, fix } =
    first === undefined ? attackRules.databaseEntered : attackRules.databaseReached
  const objects = [...new Set(reached.map((finding) => finding.object))]
  return {
    rule,
    code,
    severity,
    object,
    message:
      objects.length === 0
        ? says
        : `${says} Reached: ${objects.slice(0, 5).join(', ')}${objects.length > 5 ? ` and ${objects.length - 5} more` : ''}.`,
    fix,
    source: 'attack',
    ...(first?.evidence !== undefined && { evidence: first.evidence }),
    details: { objects: objects.length },
  }
}

/** Who may use what is in the database under test. */
const loginsOf = (own: TwoWorlds): Promise<string[]> =>
  withAdmin(own.world1.adminUrl, async (admin) => (await readLogins(admin, null)).logins.map(({ name }) => name))

/** Of these, who may connect to the copy, whose privileges are those of its source. */
const whoConnects = (worlds: TwoWorlds, logins: readonly string[]): Promise<string[]> =>
  withAdmin(worlds.world1.adminUrl, async (admin) => {
    const { rows } = await admin.query<{ name: string }>(
      `select r.rolname::text as name from pg_catalog.pg_roles r
       where r.rolname = any ($1) and has_database_privilege(r.oid, current_database(), 'connect') order by 1`,
      [logins],
    )
    return rows.map(({ name }) => name)
  })

async function withAdmin<Result>(url: string, use: (admin: Client) => Promise<Result>): Promise<Result> {
  const admin = new Client({ connectionString: url, application_name: 'rowhouse verify' })
  admin.on('error', () => undefined)
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.end()
  }
}
