// New organizations where their plan says: warm, cold, many at once, and what is left when there is no place for one.
import { randomUUID } from 'node:crypto'
import { mintToken, sqlstateOf, withClient } from '@rowhouse/testkit'
import { loginUrl } from '@rowhouse/database'
import type { HomeLogin } from '@rowhouse/database'
import { afterEach, describe, expect, it } from 'vitest'

import { useFleet } from './test-fleet.ts'

const test = useFleet({ carryCopy: (organizationId) => carry(organizationId) })

const organization = (plan: string) => ({
  name: 'Acme',
  slug: `acme-${randomUUID()}`,
  ownerId: randomUUID(),
  plan,
})

interface Place {
  readonly isolation: string
  readonly state: string
  readonly cluster: string
  readonly database_name: string | null
  readonly schema_name: string | null
  readonly login: HomeLogin | null
  readonly wanted_isolation: string | null
  readonly wanted_cluster: string | null
}

const placeOf = async (id: string): Promise<Place> =>
  (await test().admin('select * from rowhouse.placements where organization_id = $1', [id]))[0] as unknown as Place

/** What an application's first query is: a sealed one, as the owner, by the login of the home. */
async function firstQuery(id: string, ownerId: string): Promise<number> {
  const { database, admin } = test()
  const place = await placeOf(id)
  const url = new URL(database.adminUrl)
  if (place.database_name !== null) url.pathname = `/${place.database_name}`
  const [at] = await withClient(url.href, (client) =>
    client.query<{ id: string }>('select id from rowhouse.database').then(({ rows }) => rows),
  )
  const [{ version }] = (await admin('select version::int from rowhouse.organizations where id = $1', [id])) as [
    { version: number },
  ]
  const token = mintToken(
    { databaseId: at?.id ?? '', signingKey: database.signingKey },
    { org: id, user: ownerId, version },
  )
  return withClient(loginUrl(url.href, place.login ?? 'rowhouse_app', database.signingKey), async (client) => {
    await client.query('begin')
    await client.query(`select rowhouse.${place.login === null ? 'enter' : 'enter_home'}($1)`, [token])
    await client.query("insert into contacts (email) values ('ada@example.com')")
    const { rowCount } = await client.query('select from contacts')
    await client.query('commit')
    return rowCount ?? 0
  })
}

/** Brings the copy into a database outside the catalogue. */
async function carry(id: string): Promise<void> {
  const { database_name: name } = await placeOf(id)
  if (name === null) return
  const url = new URL(test().database.controlUrl)
  const [row] = await withClient(url.href, (client) =>
    client.query<{ copy: unknown }>('select rowhouse.catalogue_copy($1) as copy', [id]).then(({ rows }) => rows),
  )
  url.pathname = `/${name}`
  await withClient(url.href, (client) =>
    client.query('select rowhouse.apply_catalogue_copy($1)', [JSON.stringify(row?.copy)]),
  )
}

describe.each(['schema', 'database'] as const)('an organization of a %s plan', (isolation) => {
  it('moves into a warm home: it is usable at once, and has the id that the home was made for', async () => {
    const { fleet, plan } = test()
    const home = await fleet.createHome({ cluster: 'main', isolation })
    const wanted = organization(await plan(isolation))
    const id = await fleet.createOrganization(wanted)
    expect(id).toBe(home.id)
    expect(await placeOf(id)).toMatchObject({ isolation, state: 'active', login: home.login })
    expect(await firstQuery(id, wanted.ownerId)).toBe(1)
    await expect(fleet.dropHome(home.id)).rejects.toMatchObject({ code: 'home_assigned' })
  })

  it('gets a home made for it where none is warm', async () => {
    const { fleet, plan } = test()
    const wanted = organization(await plan(isolation))
    const id = await fleet.createOrganization(wanted)
    expect(await placeOf(id)).toMatchObject({ isolation, state: 'active' })
    expect(await firstQuery(id, wanted.ownerId)).toBe(1)
    expect(await test().leftovers()).toEqual([])
  })

  it('that SQL created waits, lets nobody in, and is placed by the worker', async () => {
    const { fleet, plan, admin, database } = test()
    const wanted = organization(await plan(isolation))
    const [{ id }] = (await admin('select rowhouse.create_organization($1, $2, $3, $4) as id', [
      wanted.name,
      wanted.slug,
      wanted.ownerId,
      wanted.plan,
    ])) as [{ id: string }]
    expect(await placeOf(id)).toMatchObject({ state: 'placing', login: null })
    const token = mintToken(database, { org: id, user: wanted.ownerId })
    const enter = withClient(database.appUrl, (client) => client.query('select rowhouse.enter($1)', [token]))
    expect(await sqlstateOf(enter)).toBe('RH010')
    await admin("update rowhouse.placements set updated_at = now() - interval '1 minute' where organization_id = $1", [
      id,
    ])
    expect(await fleet.reconcile()).toMatchObject({ placed: 1, failed: 0 })
    expect(await firstQuery(id, wanted.ownerId)).toBe(1)
  })
})

/** Warm homes and organizations that other tests left waiting would be taken up here. */
const startAnew = async (): Promise<void> => {
  const { fleet, admin } = test()
  for (const { id } of await admin("select id from rowhouse.homes where state = 'spare'"))
    await fleet.dropHome(String(id))
  await admin(
    "delete from rowhouse.organizations where id in (select organization_id from rowhouse.placements where state = 'placing')",
  )
}

describe('an organization that waits, and is given a warm home that was made for another id', () => {
  afterEach(startAnew)

  const waiting = async (): Promise<{ id: string; ownerId: string }> => {
    const wanted = organization(await test().plan('schema'))
    const [row] = await test().admin('select rowhouse.create_organization($1, $2, $3, $4) as id', [
      wanted.name,
      wanted.slug,
      wanted.ownerId,
      wanted.plan,
    ])
    return { id: String(row?.['id']), ownerId: wanted.ownerId }
  }
  /** Somebody else who wants a home comes while it is being bound. */
  const meanwhile = (act: () => Promise<unknown>) =>
    test().open({
      beforeStep: async (_home, step) => {
        if (step === 'made') await act()
      },
    })

  it('lives there, and nobody else can move in while it is being bound to it', async () => {
    const { fleet, plan } = test()
    const late = await waiting()
    const home = await fleet.createHome({ cluster: 'main', isolation: 'schema' })
    const other = organization(await plan('schema'))
    let otherId = ''
    await meanwhile(async () => (otherId = await fleet.createOrganization(other))).assignHome(home.id, late.id)
    expect(await placeOf(late.id)).toMatchObject({ state: 'active', login: home.login })
    expect(await firstQuery(late.id, late.ownerId)).toBe(1)
    expect(otherId).not.toBe(home.id)
    expect(await firstQuery(otherId, other.ownerId)).toBe(1)
  })

  it('would leave the other one with tables of somebody else’s, were it not taken first', async () => {
    const { fleet, plan, admin } = test()
    const late = await waiting()
    const home = await fleet.createHome({ cluster: 'main', isolation: 'schema' })
    const other = organization(await plan('schema'))
    await admin('select from rowhouse.register_home($1, $2, $3)', [home.schemaName, home.login, late.id])
    await admin('select from rowhouse.settle_home($1)', [home.schemaName])
    const otherId = await fleet.createOrganization(other)
    expect(otherId).toBe(home.id)
    await expect(firstQuery(otherId, other.ownerId)).rejects.toMatchObject({ code: '23514' })
    await expect(fleet.assignHome(home.id, late.id)).rejects.toMatchObject({ code: 'home_not_ready' })
  })

  it('is refused a home that has an organization, and a second one', async () => {
    const { fleet } = test()
    const [late, later] = [await waiting(), await waiting()]
    const [one, two] = [
      await fleet.createHome({ cluster: 'main', isolation: 'schema' }),
      await fleet.createHome({ cluster: 'main', isolation: 'schema' }),
    ]
    await fleet.assignHome(one.id, late.id)
    await expect(fleet.assignHome(two.id, late.id)).rejects.toMatchObject({ code: 'home_not_ready' })
    await expect(fleet.assignHome(one.id, later.id)).rejects.toMatchObject({ code: 'home_not_ready' })
    expect(await test().admin('select state from rowhouse.homes where id = $1', [two.id])).toEqual([{ state: 'spare' }])
  })
})

it('an organization of a shared plan lives among the others, as before', async () => {
  const { fleet, plan } = test()
  const id = await fleet.createOrganization(organization(await plan('shared')))
  expect(await placeOf(id)).toMatchObject({ isolation: 'shared', state: 'active', cluster: 'main', login: null })
})

it('many at once never get the same home', async () => {
  const { fleet, plan, admin } = test()
  for (let count = 0; count < 2; count += 1) await fleet.createHome({ cluster: 'main', isolation: 'schema' })
  const id = await plan('schema')
  const made = await Promise.all(Array.from({ length: 5 }, () => fleet.createOrganization(organization(id))))
  const rows = await admin('select distinct login from rowhouse.placements where organization_id = any ($1)', [made])
  expect(rows).toHaveLength(5)
})

it('the limits of the plan are settings of the login', async () => {
  const { fleet, plan, admin } = test()
  const limited = await plan('schema', {
    login_connections_max: 3,
    statement_timeout_ms: 5000,
    idle_in_transaction_timeout_ms: 7000,
  })
  const id = await fleet.createOrganization(organization(limited))
  const { login } = await placeOf(id)
  const [role] = await admin('select rolconnlimit, rolconfig from pg_roles where rolname = $1', [login])
  expect(role).toMatchObject({
    rolconnlimit: 3,
    rolconfig: expect.arrayContaining(['statement_timeout=5000ms', 'idle_in_transaction_session_timeout=7000ms']),
  })
})

describe('when there is no place', () => {
  const nothingLeft = async (slug: string): Promise<void> => {
    expect(await test().admin('select from rowhouse.organizations where slug = $1', [slug])).toEqual([])
    expect(await test().leftovers()).toEqual([])
  }

  it('in the region: cluster_missing, and nothing is left', async () => {
    const { fleet, plan } = test()
    const wanted = organization(await plan('schema', { region: 'mars' }))
    await expect(fleet.createOrganization(wanted)).rejects.toMatchObject({ code: 'cluster_missing' })
    await nothingLeft(wanted.slug)
  })

  it('for the model: cluster_missing; on a full or draining cluster: cluster_full; others go on', async () => {
    const { fleet, plan, admin } = test()
    const shared = await plan('shared')
    const change = async (assignment: string, isolation: 'schema' | 'database', code: string): Promise<void> => {
      const [before] = await admin("select * from rowhouse.clusters where id = 'main'")
      await admin(`update rowhouse.clusters set ${assignment} where id = 'main'`)
      try {
        const wanted = organization(await plan(isolation))
        await expect(fleet.createOrganization(wanted)).rejects.toMatchObject({ code })
        await nothingLeft(wanted.slug)
      } finally {
        await admin(
          "update rowhouse.clusters set models = $1, schemas_max = null, status = 'active' where id = 'main'",
          [before?.['models']],
        )
      }
    }
    await change("models = '{shared}'", 'database', 'cluster_missing')
    await change('schemas_max = 1', 'schema', 'cluster_full')
    await change("status = 'draining'", 'schema', 'cluster_full')
    // While one model is full the other goes on.
    await admin("update rowhouse.clusters set schemas_max = 1 where id = 'main'")
    expect(await fleet.createOrganization(organization(shared))).toEqual(expect.any(String))
    await admin("update rowhouse.clusters set schemas_max = null where id = 'main'")
  })

  it('for more than the last two: so many are made however many come at once, and the others leave nothing', async () => {
    const { fleet, plan, admin } = test()
    const [{ homes }] = (await admin(
      "select count(*)::int as homes from rowhouse.homes where isolation = 'schema' and cluster = 'main'",
    )) as [{ homes: number }]
    const id = await plan('schema')
    await admin("update rowhouse.clusters set schemas_max = $1 where id = 'main'", [homes + 2])
    try {
      const wanted = Array.from({ length: 6 }, () => organization(id))
      const came = await Promise.allSettled(wanted.map((one) => fleet.createOrganization(one)))
      const refused = came.flatMap((one, index) =>
        one.status === 'rejected' ? [{ error: one.reason as unknown, slug: wanted[index]?.slug ?? '' }] : [],
      )
      expect(refused.map(({ error }) => error)).toMatchObject(
        Array.from({ length: 4 }, () => ({ code: 'cluster_full' })),
      )
      for (const { slug } of refused) await nothingLeft(slug)
    } finally {
      await admin("update rowhouse.clusters set schemas_max = null where id = 'main'")
    }
  })

  it('but for a warm home, which is counted already: it is moved into', async () => {
    const { fleet, plan, admin } = test()
    const home = await fleet.createHome({ cluster: 'main', isolation: 'schema' })
    await admin(
      `update rowhouse.clusters set schemas_max = (select count(*) from rowhouse.homes where isolation = 'schema') where id = 'main'`,
    )
    try {
      expect(await fleet.createOrganization(organization(await plan('schema')))).toBe(home.id)
      await expect(fleet.createOrganization(organization(await plan('schema')))).rejects.toMatchObject({
        code: 'cluster_full',
      })
    } finally {
      await admin("update rowhouse.clusters set schemas_max = null where id = 'main'")
    }
  })

  it('for more organizations than a cluster takes, in each model, one that waits for its home not counted twice', async () => {
    const { fleet, plan, admin } = test()
    await admin(
      `update rowhouse.clusters set organizations_max = 2 + (select count(*) from rowhouse.placements where cluster = 'main') where id = 'main'`,
    )
    try {
      expect(await fleet.createOrganization(organization(await plan('shared')))).toEqual(expect.any(String))
      expect(await fleet.createOrganization(organization(await plan('schema')))).toEqual(expect.any(String))
      for (const isolation of ['shared', 'schema'] as const) {
        await expect(fleet.createOrganization(organization(await plan(isolation)))).rejects.toMatchObject({
          code: 'cluster_full',
        })
      }
    } finally {
      await admin("update rowhouse.clusters set organizations_max = null where id = 'main'")
    }
  })

  it('because the server is dead: its error, nothing left, and the slug is free again', async () => {
    const { fleet, plan, admin } = test()
    await admin(
      `insert into rowhouse.clusters (id, region, host, port, tls, models) values ('dead', 'far', '127.0.0.1', 1, 'off', '{schema,database}')`,
    )
    const wanted = organization(await plan('schema', { region: 'far' }))
    await expect(fleet.createOrganization(wanted)).rejects.toMatchObject({ code: 'cluster_credentials_missing' })
    await nothingLeft(wanted.slug)
    await admin("delete from rowhouse.clusters where id = 'dead'")
    expect(await fleet.createOrganization({ ...wanted, plan: await plan('schema') })).toEqual(expect.any(String))
  })

  it('and a worker that looks meanwhile finds nothing half gone', async () => {
    await startAnew()
    const { fleet, open, plan, admin } = test()
    const unlucky = open({
      beforeStep: async (_home, step) => {
        if (step === 'made') throw new Error('the server is away')
        if (step !== 'dropping') return
        await admin("update rowhouse.placements set updated_at = now() - interval '1 minute' where state = 'placing'")
        await fleet.reconcile()
      },
    })
    const wanted = organization(await plan('schema'))
    await expect(unlucky.createOrganization(wanted)).rejects.toThrow('the server is away')
    await nothingLeft(wanted.slug)
  })

  it('but a worker makes the home: it says so, and does not take the organization from under it', async () => {
    await startAnew()
    const { open, plan, admin } = test()
    const wanted = organization(await plan('schema'))
    let ends: Promise<unknown> = Promise.resolve()
    let go: () => void = () => {}
    const worker = open({
      beforeStep: (_home, step) =>
        step === 'verified' ? new Promise<void>((resolve) => (go = resolve)) : Promise.resolve(),
    })
    // Its process stood still for longer than its lease.
    const frozen = open({
      beforeStep: async (home, step) => {
        if (step !== 'made') return
        await admin("update rowhouse.homes set run_until = now() - interval '1 second' where id = $1", [home.id])
        await admin("update rowhouse.placements set updated_at = now() - interval '1 minute' where state = 'placing'")
        ends = worker.reconcile()
        await expect
          .poll(() => admin("select from rowhouse.homes where id = $1 and step = 'migrated'", [home.id]), {
            timeout: 60_000,
          })
          .toHaveLength(1)
      },
    })
    await expect(frozen.createOrganization(wanted)).rejects.toMatchObject({ code: 'organization_busy' })
    go()
    await ends
    const [made] = await admin('select id from rowhouse.organizations where slug = $1', [wanted.slug])
    expect(await placeOf(String(made?.['id']))).toMatchObject({ state: 'active', isolation: 'schema' })
    expect(await firstQuery(String(made?.['id']), wanted.ownerId)).toBe(1)
  })

  it('because the slug is taken or the plan unknown: the warm home stays warm', async () => {
    const { fleet, plan, admin } = test()
    const home = await fleet.createHome({ cluster: 'main', isolation: 'schema' })
    const taken = organization(await plan('shared'))
    await fleet.createOrganization(taken)
    await expect(fleet.createOrganization({ ...taken, plan: await plan('schema') })).rejects.toMatchObject({
      code: 'slug_taken',
    })
    await expect(fleet.createOrganization(organization('no-such-plan'))).rejects.toMatchObject({ code: 'plan_unknown' })
    expect(await admin('select state from rowhouse.homes where id = $1', [home.id])).toEqual([{ state: 'spare' }])
  })
})

it('a plan that asks for more than where the organization is says so in the placement, and takes it back', async () => {
  const { fleet, plan, admin } = test()
  const [shared, own] = [await plan('shared'), await plan('database')]
  const id = await fleet.createOrganization(organization(shared))
  const set = (to: string) => admin('update rowhouse.organizations set plan = $2 where id = $1', [id, to])
  await set(own)
  expect(await placeOf(id)).toMatchObject({ isolation: 'shared', state: 'active', wanted_isolation: 'database' })
  await set(shared)
  expect(await placeOf(id)).toMatchObject({ wanted_isolation: null, wanted_cluster: null })
  await admin("update rowhouse.plans set isolation = 'schema' where id = $1", [shared])
  expect(await placeOf(id)).toMatchObject({ isolation: 'shared', wanted_isolation: 'schema' })
})
