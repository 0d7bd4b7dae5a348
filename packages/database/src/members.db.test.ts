// Members are changed by whoever may manage them, within what they may themselves, and an organization keeps an owner.
import { randomUUID } from 'node:crypto'
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { Client } from 'pg'
import { beforeEach, describe, expect, it, vi } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeEach(async () => {
  worlds = await createTwoWorlds(database())
})

type Act = readonly [text: string, ...values: unknown[]]
const give = (member: string, role: string): Act => ['select rowhouse.set_member_role($1, $2)', member, role]
const remove = (member: string): Act => ['select rowhouse.remove_member($1)', member]

async function as(user: string, [text, ...values]: Act): Promise<void> {
  await withClient(database().appUrl, async (app) => {
    await app.query('begin')
    await worlds.a.enter(app, { user })
    await app.query(text, values)
    await app.query('commit')
  })
}
const refusal = (user: string, act: Act): Promise<string> => sqlstateOf(as(user, act))
const admin = async (text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Record<string, unknown>>(text, values)).rows)
const rolesOf = async (): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    (
      await admin('select user_id, role from rowhouse.members where organization_id = $1', [worlds.a.organizationId])
    ).map(({ user_id: id, role }) => [id, role]),
  )
const join = async (role: string): Promise<string> => {
  const id = randomUUID()
  await admin('insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, $3)', [
    worlds.a.organizationId,
    id,
    role,
  ])
  return id
}

describe('a member', () => {
  it('gets another role, and is removed, by whoever may manage members', async () => {
    const { ownerId, memberId, viewerId } = worlds.a
    const boss = await join('admin')
    await as(boss, give(viewerId, 'member'))
    await as(ownerId, give(memberId, 'owner'))
    expect(await rolesOf()).toEqual({ [ownerId]: 'owner', [boss]: 'admin', [memberId]: 'owner', [viewerId]: 'member' })
    await as(boss, remove(viewerId))
    expect(await rolesOf()).not.toHaveProperty(viewerId)
  })

  it('is no affair of who may not manage members, nor of another organization', async () => {
    const { memberId, viewerId } = worlds.a
    expect(await refusal(memberId, give(viewerId, 'member'))).toBe('RH012')
    expect(await refusal(memberId, give(memberId, 'admin'))).toBe('RH012')
    expect(await refusal(viewerId, remove(memberId))).toBe('RH012')
    expect(await refusal(worlds.a.ownerId, give(worlds.b.memberId, 'viewer'))).toBe('RH039')
    expect(await refusal(worlds.a.ownerId, remove(randomUUID()))).toBe('RH039')
    expect(await refusal(worlds.a.ownerId, give(viewerId, 'emperor'))).toBe('RH031')
    expect(await rolesOf()).toMatchObject({ [memberId]: 'member', [viewerId]: 'viewer' })
  })

  it('above one’s own role is neither made, lowered nor removed', async () => {
    const { ownerId, viewerId } = worlds.a
    const boss = await join('admin')
    await as(ownerId, give(await join('owner'), 'owner'))
    expect(await refusal(boss, give(viewerId, 'owner'))).toBe('RH078')
    expect(await refusal(boss, give(boss, 'owner'))).toBe('RH078')
    expect(await refusal(boss, give(ownerId, 'viewer'))).toBe('RH078')
    expect(await refusal(boss, remove(ownerId))).toBe('RH078')
    // A role of the organization counts by what it may do, not by its name.
    await admin(
      `insert into rowhouse.roles (organization_id, name, permissions) values ($1, 'billing', '{billing.pay}')`,
      [worlds.a.organizationId],
    )
    expect(await refusal(boss, give(viewerId, 'billing'))).toBe('RH078')
    await as(ownerId, give(viewerId, 'billing'))
    expect(await refusal(boss, give(viewerId, 'viewer'))).toBe('RH078')
  })

  it('leaves by themselves, and is remembered in no choice of theirs', async () => {
    const { organizationId, viewerId } = worlds.a
    await admin('insert into rowhouse.active_organizations (user_id, organization_id) values ($1, $2)', [
      viewerId,
      organizationId,
    ])
    await as(viewerId, remove(viewerId))
    expect(await rolesOf()).not.toHaveProperty(viewerId)
    expect(await admin('select from rowhouse.active_organizations where user_id = $1', [viewerId])).toEqual([])
    expect(await refusal(viewerId, remove(viewerId))).toBe('RH011')
  })

  it('is changed by an operator past every role, and by nobody without a seal', async () => {
    const { ownerId, viewerId } = worlds.a
    await withClient(database().appUrl, async (app) => {
      await app.query('begin')
      await worlds.a.enter(app, { kind: 'operator', user: null, service: 'ops', reason: 'ticket 7' })
      await app.query('select rowhouse.set_member_role($1, $2)', [viewerId, 'owner'])
      await app.query('select rowhouse.remove_member($1)', [ownerId])
      await app.query('commit')
      await expect(app.query('select rowhouse.remove_member($1)', [viewerId])).rejects.toMatchObject({ code: 'RH014' })
    })
    expect(await rolesOf()).toMatchObject({ [viewerId]: 'owner' })
  })
})

describe('the last owner', () => {
  it('stays one, whoever asks', async () => {
    const { ownerId } = worlds.a
    expect(await refusal(ownerId, give(ownerId, 'admin'))).toBe('RH069')
    expect(await refusal(ownerId, remove(ownerId))).toBe('RH069')
    const other = await join('owner')
    await as(ownerId, remove(ownerId))
    expect(await refusal(other, give(other, 'viewer'))).toBe('RH069')
  })

  /** Two have begun before either commits, and the second waits for the first. @returns what became of the second */
  async function atOnce(first: readonly [string, Act], second: readonly [string, Act]): Promise<string> {
    const begun = async ([user]: readonly [string, Act]): Promise<Client> => {
      const client = new Client({ connectionString: database().appUrl })
      await client.connect()
      await client.query('begin')
      await worlds.a.enter(client, { user })
      return client
    }
    const [one, two] = [await begun(first), await begun(second)]
    try {
      await one.query(...callOf(first[1]))
      const waiting = sqlstateOf(two.query(...callOf(second[1])).then(() => two.query('commit')))
      await vi.waitFor(
        async () =>
          expect(
            await admin(`select from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'`, [
              database().name,
            ]),
          ).toHaveLength(1),
        { timeout: 60_000 },
      )
      await one.query('commit')
      return await waiting
    } finally {
      await Promise.all([one.end(), two.end()])
    }
  }

  async function eachOther(take: (member: string) => Act = (member) => give(member, 'viewer')): Promise<string> {
    const { ownerId } = worlds.a
    const other = await join('owner')
    return atOnce([ownerId, take(other)], [other, take(ownerId)])
  }
  const callOf = ([text, ...values]: Act): [string, unknown[]] => [text, values]
  const owners = async (): Promise<number> => Object.values(await rolesOf()).filter((role) => role === 'owner').length

  it('is not lost when two owners take each other’s role at the same time', async () => {
    // What the second may is asked anew when the first has committed: it is a viewer by then.
    expect(await eachOther()).toBe('RH012')
    expect(await owners()).toBe(1)
  })

  it('is not lost when two owners remove each other, or leave, at the same time', async () => {
    expect(await eachOther(remove)).toBe('RH012')
    expect(await owners()).toBe(1)
    const [left] = Object.entries(await rolesOf()).find(([, role]) => role === 'owner') as [string, unknown]
    const other = await join('owner')
    expect(await atOnce([left, remove(left)], [other, remove(other)])).toBe('RH069')
    expect(await owners()).toBe(1)
  })

  const setRole = (role: string, ...permissions: string[]): Act => [
    'select rowhouse.set_role($1, $2)',
    role,
    permissions,
  ]
  const boss = async (...permissions: string[]): Promise<string> => {
    await admin(`insert into rowhouse.roles (organization_id, name, permissions) values ($1, 'boss', $2)`, [
      worlds.a.organizationId,
      permissions,
    ])
    return join('boss')
  }

  it('is not lost with the permissions of the role by which somebody owns it', async () => {
    const { ownerId } = worlds.a
    const own = await boss('*')
    await as(own, remove(ownerId))
    expect(await refusal(own, setRole('boss', 'data.read'))).toBe('RH069')
    const second = await join('owner')
    await as(second, setRole('boss', 'data.read'))
    expect(await refusal(second, remove(second))).toBe('RH069')
  })

  it('is not lost when the other owner’s role is emptied while the last one leaves', async () => {
    const { ownerId } = worlds.a
    const own = await boss('*')
    expect(await atOnce([ownerId, remove(ownerId)], [own, setRole('boss', 'data.read')])).toBe('RH069')
    await as(own, give(await join('viewer'), 'owner'))
    const [left] = Object.entries(await rolesOf()).find(([, role]) => role === 'owner') as [string, unknown]
    expect(await atOnce([left, setRole('boss', 'data.read')], [left, remove(left)])).toBe('RH069')
  })

  it('is lost by either where a role’s permissions are not asked about', async () => {
    const own = await boss('*')
    await as(own, remove(worlds.a.ownerId))
    const [row] = await admin(`select pg_get_functiondef('rowhouse.set_role(text, text[])'::regprocedure) as text`)
    const { text } = row as { text: string }
    const weak = text.replace("'*' = any (held) and", 'false and')
    expect(weak).not.toBe(text)
    try {
      await admin(weak)
      await as(own, setRole('boss', 'data.read'))
      expect(await owners()).toBe(0)
    } finally {
      await admin(text)
    }
  })

  it('is not made by a role that was taken away since the seal', async () => {
    const { ownerId } = worlds.a
    const own = await boss('roles.manage', 'data.read')
    expect(await atOnce([ownerId, remove(own)], [own, setRole('clerk', 'data.read')])).toBe('RH012')
  })

  it('would be lost without the lock and without asking anew', async () => {
    const [row] = await admin(
      `select pg_get_functiondef('rowhouse.begin_member_change(uuid, uuid)'::regprocedure) as text`,
    )
    const { text } = row as { text: string }
    const weak = text
      .replace(/perform from rowhouse\.organizations o [^;]* for no key update;/, '')
      .replace(/select m\.role into own from[^;]*;/, 'own := rowhouse.role();')
      .replaceAll('r.name = own', 'r.name = rowhouse.role()')
    expect(weak).not.toBe(text)
    try {
      await admin(weak)
      expect(await eachOther()).toBe('done')
      expect(await owners()).toBe(0)
    } finally {
      await admin(text)
    }
  })
})
