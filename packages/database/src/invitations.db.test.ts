// Invitations from end to end on a database shaped like Supabase's: people are in auth.users, and requests come through
// PostgREST. Who is invited, by whom, to what; and everything that must not work.
import { randomUUID } from 'node:crypto'
import { asPostgrest, createTwoWorlds, sqlstateOf, useSupabaseDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds, World } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useSupabaseDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  await asPostgres('select rowhouse.expose_organizations()')
})

const asPostgres = (statement: string, values: readonly unknown[] = []) =>
  withClient(database().postgresUrl, (postgres) => postgres.query<Record<string, unknown>>(statement, [...values]))
/** A request of supabase-js: a person, in an organization or in none. */
const as = (user: string, world: World | null, main: string, values: readonly unknown[] = []) =>
  asPostgrest(
    database().authenticatorUrl,
    {
      claims: { role: 'authenticated', sub: user },
      headers: world === null ? {} : { 'x-organization-id': world.organizationId },
    },
    main,
    values,
  )

async function signUp(email: string, isConfirmed = true): Promise<string> {
  const id = randomUUID()
  await withClient(database().authUrl, (auth) =>
    auth.query(
      'insert into auth.users (id, email, email_confirmed_at, created_at) values ($1, $2, case when $3 then now() end, now())',
      [id, email, isConfirmed],
    ),
  )
  return id
}
const newEmail = (): string => `ann.${randomUUID().slice(0, 8)}@example.com`
interface Invitation {
  readonly id: string
  readonly token: string
}
const invite = async (world: World, email: string, role = 'member', by = world.ownerId): Promise<Invitation> => {
  const { rows } = await as(by, world, 'select * from rowhouse.create_invitation($1, $2)', [email, role])
  return rows[0] as unknown as Invitation
}
const accept = (user: string, token: string, world: World | null = null) =>
  as(user, world, 'select rowhouse.accept_invitation($1) as id', [token])
const roleOf = async (user: string, world: World): Promise<unknown> =>
  (
    await asPostgres('select role from rowhouse.members where user_id = $1 and organization_id = $2', [
      user,
      world.organizationId,
    ])
  ).rows[0]?.['role']
async function memberWith(world: World, role: string): Promise<string> {
  const user = await signUp(newEmail())
  await asPostgres('insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, $3)', [
    world.organizationId,
    user,
    role,
  ])
  return user
}

describe('an invitation', () => {
  it('makes the person who owns the address a member with the role, once, without an organization of their own', async () => {
    const email = newEmail()
    const { token } = await invite(worlds.a, email.toUpperCase(), 'viewer')
    const user = await signUp(email)
    expect((await accept(user, token)).rows).toEqual([{ id: worlds.a.organizationId }])
    expect(await roleOf(user, worlds.a)).toBe('viewer')
    expect(await roleOf(user, worlds.b)).toBeUndefined()
    expect((await as(user, worlds.a, 'select from notes')).rowCount).toBe(3)
    expect(await sqlstateOf(accept(user, token))).toBe('RH075')
    expect(await sqlstateOf(accept(await signUp(newEmail()), token))).toBe('RH075')
  })

  it('keeps its token to itself: the table holds a hash that no request can read', async () => {
    const { id, token } = await invite(worlds.a, newEmail())
    expect(token).toMatch(/^[\w-]{43}$/)
    const { rows } = await asPostgres('select i.*, i::text as line from rowhouse.invitations i where id = $1', [id])
    expect(String(rows[0]?.['line'])).not.toContain(token)
    expect(rows[0]?.['token_hash']).toHaveLength(32)
    expect(await sqlstateOf(as(worlds.a.ownerId, worlds.a, 'select token_hash from rowhouse.invitations'))).toBe(
      '42501',
    )
    const seen = await as(worlds.a.memberId, worlds.a, 'select id from rowhouse.invitations where id = $1', [id])
    expect(seen.rowCount).toBe(1)
    expect(
      (await as(worlds.b.ownerId, worlds.b, 'select from rowhouse.invitations where id = $1', [id])).rowCount,
    ).toBe(0)
  })

  it('is for the verified address only', async () => {
    const email = newEmail()
    const { token } = await invite(worlds.a, email)
    const unconfirmed = await signUp(email, false)
    expect(await sqlstateOf(accept(unconfirmed, token))).toBe('RH077')
    expect(await sqlstateOf(accept(await signUp(newEmail()), token))).toBe('RH077')
    expect(await sqlstateOf(accept(randomUUID(), token))).toBe('RH077')
    await withClient(database().authUrl, (auth) =>
      auth.query('update auth.users set email_confirmed_at = now() where id = $1', [unconfirmed]),
    )
    expect(await sqlstateOf(accept(unconfirmed, token))).toBe('done')
  })

  it('cannot be guessed, used by nobody, or used when expired or revoked', async () => {
    const user = await signUp(newEmail())
    for (const token of ['', 'x', 'null', 'A'.repeat(43)]) {
      expect(await sqlstateOf(accept(user, token))).toBe('RH074')
    }
    expect(await sqlstateOf(as(user, null, 'select rowhouse.accept_invitation(null)'))).toBe('RH074')
    const anonymous = asPostgrest(
      database().authenticatorUrl,
      { claims: null },
      "select rowhouse.accept_invitation('x')",
    )
    expect(await sqlstateOf(anonymous)).toBe('42501')

    const [late, gone] = [newEmail(), newEmail()]
    const expired = await invite(worlds.a, late)
    await asPostgres(
      "update rowhouse.invitations set sent_at = now() - interval '9 days', expires_at = now() - interval '1 day' where id = $1",
      [expired.id],
    )
    expect(await sqlstateOf(accept(await signUp(late), expired.token))).toBe('RH074')
    const revoked = await invite(worlds.a, gone)
    const revoke = (by: string, world: World): Promise<string> =>
      sqlstateOf(as(by, world, 'select rowhouse.revoke_invitation($1)', [revoked.id]))
    expect(await revoke(worlds.b.ownerId, worlds.b)).toBe('RH074')
    expect(await revoke(worlds.a.memberId, worlds.a)).toBe('RH012')
    expect(await revoke(worlds.a.ownerId, worlds.a)).toBe('done')
    expect(await revoke(worlds.a.ownerId, worlds.a)).toBe('RH074')
    expect(await sqlstateOf(accept(await signUp(gone), revoked.token))).toBe('RH074')
  })

  it('sent again has a new token, and the older one ends', async () => {
    const email = newEmail()
    const first = await invite(worlds.a, email)
    const second = await invite(worlds.a, email, 'viewer')
    expect(second.id).toBe(first.id)
    const user = await signUp(email)
    expect(await sqlstateOf(accept(user, first.token))).toBe('RH074')
    expect(await sqlstateOf(accept(user, second.token))).toBe('done')
    expect(await roleOf(user, worlds.a)).toBe('viewer')
    expect(await sqlstateOf(invite(worlds.a, email))).toBe('RH076')
  })

  it('says that somebody is a member already', async () => {
    const email = newEmail()
    const user = await signUp(email)
    const { token } = await invite(worlds.a, email)
    await asPostgres("insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'member')", [
      worlds.a.organizationId,
      user,
    ])
    expect(await sqlstateOf(accept(user, token))).toBe('RH076')
  })

  it('gives no role above the inviter’s own, and needs members.manage and an organization', async () => {
    const admin = await memberWith(worlds.a, 'admin')
    expect(await sqlstateOf(invite(worlds.a, newEmail(), 'owner', admin))).toBe('RH078')
    expect(await sqlstateOf(invite(worlds.a, newEmail(), 'admin', admin))).toBe('done')
    expect(await sqlstateOf(invite(worlds.a, newEmail(), 'owner'))).toBe('done')
    expect(await sqlstateOf(invite(worlds.a, newEmail(), 'viewer', worlds.a.memberId))).toBe('RH012')
    expect(await sqlstateOf(invite(worlds.a, newEmail(), 'king'))).toBe('RH031')
    expect(await sqlstateOf(invite(worlds.a, 'nobody'))).toBe('RH074')
    const nowhere = as(worlds.a.ownerId, null, "select rowhouse.create_invitation('a@example.com')")
    expect(await sqlstateOf(nowhere)).toBe('RH070')
    // A role of the organization that may do more than an admin.
    await asPostgres("insert into rowhouse.roles values ($1, 'billing', '{billing.manage}')", [worlds.a.organizationId])
    expect(await sqlstateOf(invite(worlds.a, newEmail(), 'billing', admin))).toBe('RH078')
  })

  it('ends with its inviter’s right to give it', async () => {
    const emails = [newEmail(), newEmail()]
    const admin = await memberWith(worlds.a, 'admin')
    const tokens: string[] = []
    for (const email of emails) tokens.push((await invite(worlds.a, email, 'admin', admin)).token)
    await asPostgres("update rowhouse.members set role = 'member' where user_id = $1", [admin])
    expect(await sqlstateOf(accept(await signUp(emails[0] as string), tokens[0] as string))).toBe('RH074')
    await asPostgres('delete from rowhouse.members where user_id = $1', [admin])
    expect(await sqlstateOf(accept(await signUp(emails[1] as string), tokens[1] as string))).toBe('RH074')
  })

  it('is bounded: 200 a day for an organization, 10 for an address', async () => {
    const email = newEmail()
    for (let sent = 1; sent <= 10; sent += 1) await invite(worlds.b, email)
    expect(await sqlstateOf(invite(worlds.b, email))).toBe('RH079')
    await asPostgres('update rowhouse.invitations set sent_count = 200 where organization_id = $1', [
      worlds.b.organizationId,
    ])
    expect(await sqlstateOf(invite(worlds.b, newEmail()))).toBe('RH079')
    await asPostgres('delete from rowhouse.invitations where organization_id = $1', [worlds.b.organizationId])
  })

  it('of two accepts at once admits one', async () => {
    const email = newEmail()
    const { token } = await invite(worlds.a, email)
    const user = await signUp(email)
    const outcomes = await Promise.all([1, 2, 3].map(() => sqlstateOf(accept(user, token))))
    expect(outcomes.sort()).toEqual(['RH075', 'RH075', 'done'])
  })

  it('with the check of the address removed, is anybody’s', async () => {
    const { token } = await invite(worlds.a, newEmail())
    const stranger = await signUp(newEmail())
    const { rows } = await asPostgres(
      "select pg_get_functiondef('rowhouse.accept_invitation(text)'::regprocedure) as definition",
    )
    const definition = String(rows[0]?.['definition'])
    const open = definition.replace(/if \(lower\(rowhouse\.verified_email[^]*?end if;/, '')
    expect(open).not.toBe(definition)
    await withClient(database().adminUrl, (admin) => admin.query(open))
    expect(await sqlstateOf(accept(stranger, token))).toBe('done')
    await withClient(database().adminUrl, (admin) => admin.query(definition))
  })
})

describe('the organization a person chose', () => {
  const chosen = async (user: string): Promise<unknown> => {
    const { rows } = await withClient(database().authUrl, (auth) =>
      auth.query<{ claim: unknown }>(
        "select rowhouse.custom_access_token_hook($1) -> 'claims' -> 'app_metadata' ->> 'organization_id' as claim",
        [JSON.stringify({ user_id: user, claims: { sub: user, app_metadata: {} } })],
      ),
    )
    return rows[0]?.claim
  }

  it('is in the next access token, by switching or from a server, while the membership lasts', async () => {
    const user = await memberWith(worlds.a, 'member')
    await asPostgres("insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'member')", [
      worlds.b.organizationId,
      user,
    ])
    expect(await chosen(user)).toBeNull()
    await as(user, worlds.a, 'select rowhouse.switch_organization($1)', [worlds.b.organizationId])
    expect(await chosen(user)).toBe(worlds.b.organizationId)
    await asPostgrest(
      database().authenticatorUrl,
      { claims: { role: 'service_role' } },
      'select rowhouse.set_user_tenant($1, $2)',
      [user, worlds.a.organizationId],
    )
    expect(await chosen(user)).toBe(worlds.a.organizationId)
    await asPostgres('delete from rowhouse.members where user_id = $1 and organization_id = $2', [
      user,
      worlds.a.organizationId,
    ])
    expect(await chosen(user)).toBe(worlds.b.organizationId)
  })

  it('is one of the own, and nobody sets it for others from a browser', async () => {
    const user = await memberWith(worlds.a, 'owner')
    const toB = [worlds.b.organizationId]
    expect(await sqlstateOf(as(user, worlds.a, 'select rowhouse.switch_organization($1)', toB))).toBe('RH011')
    const set = 'select rowhouse.set_user_tenant($1, $2)'
    expect(await sqlstateOf(as(user, worlds.a, set, [user, worlds.a.organizationId]))).toBe('42501')
    const anonymous = asPostgrest(database().authenticatorUrl, { claims: null }, set, [user, worlds.a.organizationId])
    expect(await sqlstateOf(anonymous)).toBe('42501')
    expect(await sqlstateOf(asPostgres(set, [user, worlds.b.organizationId]))).toBe('RH011')
  })
})
