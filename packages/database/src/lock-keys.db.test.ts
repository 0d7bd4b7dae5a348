// Advisory locks hold the fence of an organization, its slots, and turns that are taken. Any SQL may take one whose key it
// knows, so no tenant learns a key; with each guard taken away the attack succeeds.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it, vi } from 'vitest'

import { attempt } from './test-doors.ts'
import { waitingForLocks } from './test-locks.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  await asAdmin('insert into rowhouse.organization_limits (organization_id, concurrency_max) values ($1, 1)', [
    worlds.b.organizationId,
  ])
})

const soon = { timeout: 60_000, interval: 20 }

const asApp = <Result>(use: (app: Client) => Promise<Result>): Promise<Result> => withClient(database().appUrl, use)
const asAdmin = (text: string, values: unknown[] = []): Promise<unknown> =>
  withClient(database().adminUrl, (admin) => admin.query(text, values))

/** B enters in a transaction of its own while `use` runs. */
const whileInB = (use: () => Promise<void>): Promise<void> =>
  asApp(async (victim) => {
    await victim.query('begin')
    await worlds.b.enter(victim)
    await use()
  })

/** What A's SQL holds up while it holds the keys that `keys` finds; B must get in afterwards. */
async function heldUp(keys: (hostile: Client) => Promise<readonly string[]>): Promise<boolean> {
  return asApp(async (hostile) => {
    await hostile.query('begin')
    await worlds.a.enter(hostile)
    for (const key of await keys(hostile)) await hostile.query('select pg_advisory_xact_lock($1)', [key])
    let isIn = false
    const entering = asApp(async (victim) => {
      const outcome = await sqlstateOf(victim.query('select rowhouse.enter($1)', [worlds.b.token()]))
      isIn = true
      return outcome
    })
    await vi.waitFor(async () => expect(isIn || (await waitingForLocks(database().adminUrl)) > 0).toBe(true), soon)
    const waited = !isIn
    await hostile.query('rollback')
    expect(await entering).toBe('done')
    return waited
  })
}

/** Keys by the formula, with a seed: of the organization's own lock, and of its slot. */
const computed = async (hostile: Client, seed: Buffer): Promise<readonly string[]> => {
  const { rows } = await hostile.query<{ key: string }>(
    `select hashtextextended(encode(sha256($2 || convert_to(use, 'UTF8') || uuid_send($1)), 'hex'), 0)::text as key
     from unnest(array['home', 'slot']) use`,
    [worlds.b.organizationId, seed],
  )
  return rows.map(({ key }) => key)
}

/** Keys of all locks that others of this database hold. */
const listed = async (hostile: Client): Promise<readonly string[]> => {
  const { rows } = await hostile.query<{ key: string }>(
    `select distinct (l.classid::bigint << 32 | l.objid::bigint)::text as key
     from pg_locks l join pg_database d on d.oid = l.database
     where l.locktype = 'advisory' and l.pid <> pg_backend_pid() and d.datname = current_database()`,
  )
  return rows.map(({ key }) => key)
}

describe('a tenant’s SQL does not learn the keys of locks', () => {
  it.each([
    ['the seed', 'select * from rowhouse.lock_seed'],
    ['the function that reads it', `select rowhouse.read_lock_seed('home')`],
    ['the one that is folded', `select rowhouse.lock_seed_constant('home')`],
    ['keys of organizations', 'select rowhouse.lock_key(gen_random_uuid())'],
    ['keys of slots', 'select rowhouse.slots_key(gen_random_uuid())'],
    ['keys of turns', `select rowhouse.turn_key('rolls out')`],
    ['the key of rollouts', 'select rowhouse.rollout_lock_key()'],
    ['keys of homes', `select rowhouse.home_lock_key('public')`],
    ['the list of locks', 'select * from pg_locks'],
    ['what is behind the list', 'select * from pg_lock_status()'],
  ])('from %s', async (_, text) => {
    expect(await attempt(database().appUrl, [text])).toBe('42501')
  })

  it('from a plan that is printed; without that guard it would', async () => {
    const { rows } = await withClient(database().adminUrl, (admin) =>
      admin.query<{ seed: Buffer; text: string }>(
        `select s.seed, pg_get_functiondef('rowhouse.lock_seed_constant'::regproc) as text from rowhouse.lock_seed s`,
      ),
    )
    const { seed, text } = rows[0] as { seed: Buffer; text: string }
    // As a plan prints a constant: its bytes, as signed numbers.
    const printed = Array.from(new Int8Array(seed)).join(' ')
    const plans = (): Promise<string> =>
      asApp(async (app) => {
        const notices: string[] = []
        app.on('notice', ({ message, detail }) => notices.push(`${message} ${detail ?? ''}`))
        await app.query('set debug_print_plan = on; set debug_pretty_print = off; set client_min_messages = log')
        await app.query('begin')
        await worlds.b.enter(app)
        // Long lines are broken anywhere.
        return notices.join(' ').replaceAll(/\s+/g, ' ')
      })
    expect(await plans()).not.toContain(printed)
    const guard = ` and current_setting('debug_print_plan') = 'off'`
    expect(text).toContain(guard)
    await asAdmin(text.replace(guard, ''))
    try {
      expect(await plans()).toContain(printed)
    } finally {
      await asAdmin(text)
    }
  })
})

describe('a tenant’s SQL cannot hold up another organization', () => {
  it('by the formula, which is no secret', async () => {
    expect(await heldUp((hostile) => computed(hostile, Buffer.alloc(32)))).toBe(false)
  })

  it('but it could, if it knew the seed', async () => {
    await asAdmin('grant select on rowhouse.lock_seed to rowhouse_app')
    const seed = async (hostile: Client): Promise<Buffer> =>
      (await hostile.query<{ seed: Buffer }>('select seed from rowhouse.lock_seed')).rows[0]?.seed ?? Buffer.alloc(0)
    try {
      // Either key alone is enough: the fence, and the only slot.
      for (const which of [0, 1]) {
        const one = async (hostile: Client): Promise<readonly string[]> =>
          (await computed(hostile, await seed(hostile))).slice(which, which + 1)
        expect(await heldUp(one)).toBe(true)
      }
    } finally {
      await asAdmin('revoke select on rowhouse.lock_seed from rowhouse_app')
    }
  })

  it('and could, if it saw the locks of others', async () => {
    let keys: readonly string[] = []
    await asAdmin('grant execute on function pg_lock_status() to public')
    try {
      await whileInB(async () => {
        keys = await asApp(listed)
      })
    } finally {
      await asAdmin('revoke execute on function pg_lock_status() from public')
    }
    expect(keys.length).toBe(2)
    expect(await heldUp(() => Promise.resolve(keys))).toBe(true)
  })

  it('or rollouts, months of the log and warm homes, whose turns are taken alike', async () => {
    const lead = (client: Client): Promise<unknown> =>
      client
        .query<{ leads: boolean }>('select pg_try_advisory_lock(rowhouse.rollout_lock_key()) as leads')
        .then(({ rows }) => rows[0]?.leads)
    await asApp(async (app) => {
      await app.query('begin')
      await app.query(
        `select pg_advisory_xact_lock(hashtextextended(what, 0))
         from unnest(array['rolls out', 'rowhouse rolls out', 'log months', 'fills spares']) what`,
      )
      expect(await withClient(database().migratorUrl, lead)).toBe(true)
    })
  })
})

describe('the transaction-level functions taken from tenants as well', () => {
  const functions = `(select string_agg(p.oid::regprocedure::text, ', ') from pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '^pg_(try_)?advisory_xact_lock')`
  const change = (what: string): Promise<unknown> =>
    asAdmin(`do $$ begin execute 'grant execute on function ' || ${functions} || ' to rowhouse_owner, rowhouse_migrator, rowhouse_control';
      execute '${what.replace('*', `' || ${functions} || '`)}'; end $$`)

  it('leave it no lock at all, and Rowhouse works as before', async () => {
    await change('revoke execute on function * from public')
    try {
      expect(await attempt(database().appUrl, ['select pg_advisory_xact_lock(1)'])).toBe('42501')
      await whileInB(async () => {
        expect(await attempt(database().appUrl, ['select rowhouse.enter($1)', worlds.a.token()])).toBe('done')
      })
      await asApp(async (app) => {
        await app.query('begin')
        await worlds.b.enter(app)
        await app.query(`insert into notes (body) values ('as before')`)
        await app.query('rollback')
      })
    } finally {
      await change('grant execute on function * to public')
    }
  })
})
