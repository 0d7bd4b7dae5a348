// The gate of Rowhouse, tried with what it must refuse: tokens that are expired, forged, for somebody who is no member;
// seals of another backend, another transaction, another organization. Tokens are the runtime's own and seals are made by
// the administrator, so they differ from good ones in the one thing that is tried.
import type { Client } from 'pg'

import type { Arena } from './arena.ts'
import { literal } from './quoting.ts'
import { attackRules } from './rules.ts'
import type { AttackRule } from './rules.ts'
import { attempt as tryInTransaction, mintToken, peopleOf } from './trial.ts'
import type { Bend, People } from './trial.ts'

export interface GateFinding {
  readonly rule: AttackRule
  readonly object: string
  readonly seen: string
  readonly sql: string
}

const LOGIN = 'rowhouse_app'
const NOTHING = "''::bytea"

interface Trial {
  readonly what: string
  /** Run as the administrator, before the token is made. */
  readonly before?: string
  /** Run as the tenant login, before the token is shown. */
  readonly first?: (good: string) => string
  readonly token?: Bend
}

/** @returns findings, how many trials there were, and why it says nothing */
export async function tryGate(
  admin: Client,
  arena: Arena,
): Promise<{ findings: GateFinding[]; trials: number; undecided: string[] }> {
  const findings: GateFinding[] = []
  const undecided: string[] = []
  const { signer = null } = arena
  const people = signer === null ? undefined : await peopleOf(admin, arena.organizations)
  if (signer === null || people === undefined) return { findings, trials: 0, undecided }
  const { a, b } = people
  const mint = (of: People, bend: Bend = {}): Promise<string> => mintToken(admin, signer, of, bend)
  let trials = 0
  const find = (rule: AttackRule, object: string, what: string, sql: string): void => {
    findings.push({ rule, object, seen: what, sql })
  }

  const attempt = (statements: readonly string[]): Promise<string | null> => {
    trials += 1
    return tryInTransaction(admin, statements)
  }
  const asTenant = `set local session authorization ${LOGIN}`
  const seal = "current_setting('rowhouse.seal', true)"

  const entered = async ({ before, first, token = {} }: Trial): Promise<string | null> => {
    const good = await mint(b)
    await admin.query('begin')
    let text: string
    try {
      if (before !== undefined) await admin.query(before)
      text = await mint(b, token)
    } finally {
      await admin.query('rollback')
    }
    return attempt([
      ...(before === undefined ? [] : [before]),
      asTenant,
      ...(first === undefined ? [] : [first(good)]),
      `select rowhouse.enter(${literal(text)})`,
      'select rowhouse.organization_id()',
    ])
  }
  if ((await entered({ what: 'a good token' })) !== b.organization) {
    undecided.push(
      'The gate of Rowhouse refuses a good token in the scratch database, so what it refuses proves nothing.',
    )
    return { findings, trials, undecided }
  }
  const stranger = '00000000-0000-4000-8000-00000000dead'
  const refused: readonly Trial[] = [
    { what: 'an expired token', token: { seconds: -5 } },
    { what: 'a token that lives for an hour', token: { seconds: 3_600 } },
    { what: 'a token with a wrong signature', token: { signature: '0'.repeat(64) } },
    { what: 'a token for another database', token: { database: stranger } },
    { what: 'a token of a person who is no member', token: { user: stranger } },
    { what: 'a token of a member of another organization', token: { user: a.user } },
    {
      what: 'a token of a suspended organization',
      before: `update rowhouse.organizations set status = 'suspended' where id = ${literal(b.organization)}`,
    },
    {
      what: 'a token of an organization that lives elsewhere',
      before: `delete from rowhouse.placements where organization_id = ${literal(b.organization)}`,
    },
  ]
  for (const trial of refused) {
    const outcome = await entered(trial)
    if (outcome !== null)
      find(
        attackRules.gate,
        'function rowhouse.enter(text)',
        `Admitted: ${trial.what}.`,
        `select rowhouse.enter('<${trial.what}>')`,
      )
  }
  const own = await mint(a)
  const other = await mint(b)
  if (
    (await attempt([
      asTenant,
      `select rowhouse.enter(${literal(own)})`,
      `select rowhouse.enter(${literal(other)})`,
      'select rowhouse.organization_id()',
    ])) !== null
  ) {
    find(
      attackRules.gate,
      'function rowhouse.enter(text)',
      'Admitted: a second organization in one transaction.',
      `select rowhouse.enter('<token of A>'); select rowhouse.enter('<token of B>')`,
    )
  }

  const locked = await attempt([
    asTenant,
    `select rowhouse.enter(${literal(await mint(b))})`,
    'reset session authorization',
    `select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`,
  ])
  if (locked === '0')
    find(attackRules.fence, 'function rowhouse.enter(text)', 'No lock is held.', `select rowhouse.enter('<token>')`)

  // Seals made by hand. The payload is the good one of B; one part of what is signed is another.
  const payloads = await payloadOf(admin, await mint(b))
  const sealed = (pid: string, start: string, key: string, payload: string): string =>
    `select set_config('rowhouse.seal', encode(sha256(${key}.seal_outer_pad || sha256(${key}.seal_inner_pad || ${pid} || ${start}
       || convert_to(${literal(payload)}, 'UTF8'))), 'hex') || ${literal(payload)}, true) from rowhouse.database d`
  const [pid, start] = ['int4send(pg_backend_pid())', 'timestamptz_send(now())']
  if (
    (await attempt([sealed(pid, start, 'd', payloads), asTenant, 'select rowhouse.organization_id()'])) !==
    b.organization
  ) {
    find(
      attackRules.seal,
      'function rowhouse.enter(text)',
      'What it seals is something else than this backend, this transaction and who acts.',
      `select rowhouse.enter('<token>'); select current_setting('rowhouse.seal')`,
    )
  }
  const impostors: readonly (readonly [string, string])[] = [
    ['a seal of another backend', sealed('int4send(pg_backend_pid() + 1)', start, 'd', payloads)],
    ['a seal of another transaction', sealed(pid, "timestamptz_send(now() - interval '1 second')", 'd', payloads)],
    ['a seal that names no backend', sealed(NOTHING, start, 'd', payloads)],
    ['a seal that names no transaction', sealed(pid, NOTHING, 'd', payloads)],
    ['a seal without a MAC', `select set_config('rowhouse.seal', repeat('0', 64) || ${literal(payloads)}, true)`],
  ]
  for (const [what, set] of impostors) {
    for (const question of ['rowhouse.organization_id()', "rowhouse.seal_payload() ->> 'org'"]) {
      const outcome = await attempt([set, ...(question.includes('payload') ? [] : [asTenant]), `select ${question}`])
      if (outcome === b.organization)
        find(
          attackRules.seal,
          `function ${question.replace(/\(\).*/, '()')}`,
          `Taken: ${what}.`,
          `select set_config('rowhouse.seal', '<${what}>', true); select ${question}`,
        )
    }
  }
  const swapped = await attempt([
    asTenant,
    `select rowhouse.enter(${literal(await mint(a))})`,
    `select set_config('rowhouse.seal', replace(${seal}, ${literal(a.organization)}, ${literal(b.organization)}), true)`,
    'select rowhouse.organization_id()',
  ])
  if (swapped === b.organization)
    find(
      attackRules.seal,
      'function rowhouse.organization_id()',
      'Taken: a seal of A that names B.',
      `select set_config('rowhouse.seal', replace(${seal}, '<A>', '<B>'), true)`,
    )

  for (const table of ['keys', 'database', 'lock_seed']) {
    if ((await attempt([asTenant, `select count(*) from rowhouse.${table}`])) !== null) {
      find(
        attackRules.gate,
        `table rowhouse.${table}`,
        'The tenant login reads the keys.',
        `select * from rowhouse.${table}`,
      )
    }
  }

  // The door of the gateway opens to PostgREST's own call alone.
  const claims = JSON.stringify({ role: 'authenticated', sub: b.user })
  const headers = JSON.stringify({ 'x-organization-id': b.organization })
  const knock = `select set_config('request.jwt.claims', ${literal(claims)}, true), set_config('request.headers', ${literal(headers)}, true)`
  for (const [login, role] of [
    ['authenticator', 'authenticated'],
    [LOGIN, LOGIN],
  ]) {
    const call =
      login === LOGIN
        ? 'select "rowhouse"."pre_request"()'
        : 'select 1 from (select rowhouse.pre_request()) called_again'
    const outcome = await attempt([
      `set local session authorization ${login as string}`,
      `set local role ${role as string}`,
      knock,
      call,
      'select rowhouse.organization_id()',
    ])
    if (outcome === b.organization)
      find(
        attackRules.gate,
        'function rowhouse.pre_request()',
        `Admitted: claims that SQL made, by ${login as string}.`,
        `${knock}; ${call}`,
      )
  }

  // A write whose seal is gone when its trigger fires.
  const table = await protectedTable(admin)
  if (table !== undefined) {
    const unsealed = await attempt([
      asTenant,
      `select rowhouse.enter(${literal(await mint(b))})`,
      `delete from ${table} returning set_config('rowhouse.seal', '', true)`,
    ])
    // Where B has no row in it, no trigger had anything to refuse.
    if (unsealed === '')
      find(
        attackRules.log,
        'function rowhouse.log_change()',
        'A write without a seal was taken.',
        `delete from ${table} returning set_config('rowhouse.seal', '', true)`,
      )
  }
  return { findings, trials, undecided }
}

/** What enter() puts after the MAC. */
async function payloadOf(admin: Client, token: string): Promise<string> {
  await admin.query('begin')
  try {
    await admin.query(`set local session authorization ${LOGIN}`)
    await admin.query('select rowhouse.enter($1)', [token])
    const { rows } = await admin.query<{ payload: string }>(
      `select substr(current_setting('rowhouse.seal'), 65) as payload`,
    )
    return rows[0]?.payload ?? ''
  } finally {
    await admin.query('rollback')
  }
}

async function protectedTable(admin: Client): Promise<string | undefined> {
  const { rows } = await admin.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where t.tgname like '!rowhouse\\_change\\_log%' and n.nspname not in ('rowhouse', 'rowhouse_home')
       and not exists (select from pg_constraint k where k.confrelid = c.oid)
     order by 1 limit 1`,
  )
  return rows[0]?.name
}
