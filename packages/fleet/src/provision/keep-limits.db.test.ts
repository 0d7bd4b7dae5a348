// The logins of homes are held to plan and organization also after they changed: at once, or when their server answers again.
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'

import { useFleet } from './test-fleet.ts'

const test = useFleet()

const create = async (plan: string): Promise<{ readonly id: string; readonly login: string }> => {
  const slug = `o-${randomUUID().slice(0, 8)}`
  const id = await test().fleet.createOrganization({ name: slug, slug, ownerId: null, plan })
  const [home] = await test().admin('select login from rowhouse.homes where organization_id = $1', [id])
  return { id, login: String(home?.['login']) }
}
const roleOf = async (login: string) => {
  const [role] = await test().admin(
    'select rolconnlimit as most, rolconfig as settings from pg_roles where rolname = $1',
    [login],
  )
  return role as { readonly most: number; readonly settings: readonly string[] }
}
const due = async (): Promise<unknown[]> =>
  (await test().admin('select login from rowhouse.homes where limits_due order by login')).map(({ login }) => login)

it.each(['schema', 'database'] as const)(
  'a plan that changes reaches the logins of its %s homes',
  async (isolation) => {
    const { fleet, plan, admin } = test()
    const id = await plan(isolation, { login_connections_max: 3 })
    const [one, two] = [await create(id), await create(id)]
    expect([(await roleOf(one.login)).most, await due()]).toEqual([3, []])
    await admin('update rowhouse.plans set login_connections_max = 5, statement_timeout_ms = 4000 where id = $1', [id])
    expect(await due()).toEqual([one.login, two.login].toSorted())
    expect(await fleet.keepLimits()).toEqual({ limited: 2, failed: 0 })
    for (const { login } of [one, two]) {
      expect(await roleOf(login)).toMatchObject({
        most: 5,
        settings: expect.arrayContaining(['statement_timeout=4000ms']),
      })
    }
    expect([await due(), await fleet.keepLimits()]).toEqual([[], { limited: 0, failed: 0 }])
  },
)

it('an organization’s own line goes before its plan, and gives way to it again', async () => {
  const { fleet, plan, admin } = test()
  const { id, login } = await create(await plan('schema', { login_connections_max: 3 }))
  await admin('insert into rowhouse.organization_limits (organization_id, login_connections_max) values ($1, 7)', [id])
  await fleet.keepLimits()
  expect((await roleOf(login)).most).toBe(7)
  await admin('delete from rowhouse.organization_limits where organization_id = $1', [id])
  await fleet.keepLimits()
  expect((await roleOf(login)).most).toBe(3)
})

it('what bounds nothing any more is taken back', async () => {
  const { fleet, plan, admin } = test()
  const id = await plan('schema', { login_connections_max: 3, statement_timeout_ms: 4000 })
  const { login } = await create(id)
  await admin('update rowhouse.plans set login_connections_max = null, statement_timeout_ms = null where id = $1', [id])
  await fleet.keepLimits()
  const { most, settings } = await roleOf(login)
  expect([most, settings.filter((setting) => setting.startsWith('statement_timeout'))]).toEqual([-1, []])
})

it('a cluster that does not answer leaves its logins due, and the others are done', async () => {
  const { fleet, plan, admin } = test()
  const id = await plan('schema', { login_connections_max: 3 })
  const [gone, here] = [await create(id), await create(id)]
  await admin(
    `insert into rowhouse.clusters (id, region, host, port, tls) values ('away', 'away', '127.0.0.1', 1, 'off')`,
  )
  await admin(`update rowhouse.homes set cluster = 'away' where login = $1`, [gone.login])
  await admin('update rowhouse.plans set login_connections_max = 4 where id = $1', [id])
  expect(await fleet.keepLimits()).toEqual({ limited: 1, failed: 1 })
  expect([(await roleOf(here.login)).most, await due()]).toEqual([4, [gone.login]])
  await admin(`update rowhouse.homes set cluster = 'main' where login = $1`, [gone.login])
  expect(await fleet.keepLimits()).toEqual({ limited: 1, failed: 0 })
  expect((await roleOf(gone.login)).most).toBe(4)
})

it('what changes while it is being done stays due', async () => {
  const { fleet, plan, admin } = test()
  const { id, login } = await create(await plan('schema', { login_connections_max: 3 }))
  await admin('insert into rowhouse.organization_limits (organization_id, login_connections_max) values ($1, 8)', [id])
  const { servers } = fleet.context
  const asAdmin = servers.asAdmin.bind(servers)
  servers.asAdmin = async (...order) => {
    servers.asAdmin = asAdmin
    const done = await asAdmin(...order)
    await admin('update rowhouse.organization_limits set login_connections_max = 9 where organization_id = $1', [id])
    return done
  }
  await fleet.keepLimits()
  expect(await due()).toEqual([login])
  await fleet.keepLimits()
  expect([(await roleOf(login)).most, await due()]).toEqual([9, []])
})
