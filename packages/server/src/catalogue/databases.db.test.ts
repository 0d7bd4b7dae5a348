// Change logs in homes: months, seals, retention, history and undelete for organizations in every kind of home, on two servers;
// one that is down is named and holds up nobody.
import { randomUUID } from 'node:crypto'
import { sealKeyOf, sealOrganization, verifyOrganization } from '@rowhouse/database'
import type { ChainReport } from '@rowhouse/database'
import { farKinds, homeKinds, useEveryHome, withClient } from '@rowhouse/testkit'
import type { HomeKind, Resident } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { operatorKey, startTestServer } from '../test-server.ts'
import type { Answer, TestServer } from '../test-server.ts'

const homes = useEveryHome()
const soon = { timeout: 60_000, interval: 100 }
let server: TestServer

const admin = async <Row extends object>(
  { adminUrl }: Pick<Resident, 'adminUrl'>,
  text: string,
  values: unknown[] = [],
) => withClient(adminUrl, async (client) => (await client.query<Row>(text, values)).rows)
const call = (method: string, { organizationId }: Resident, rest: string, body?: unknown): Promise<Answer> =>
  server.call(method, `/v1/organizations/${organizationId}${rest}`, {
    bearer: operatorKey,
    ...(body === undefined ? {} : { body }),
  })
const verify = (resident: Resident): Promise<ChainReport> =>
  withClient(resident.adminUrl, async (client) =>
    verifyOrganization(client, resident.organizationId, await sealKeyOf(client, homes().database.signingKey)),
  )
const write = (kind: HomeKind, body: string): Promise<unknown> =>
  homes().asOwner(homes().open(), kind).query('insert into notes (body) values ($1)', [body])
const each = (kinds: readonly HomeKind[] = homeKinds): Resident[] => kinds.map((kind) => homes().of[kind])

beforeAll(async () => {
  server = await startTestServer(homes().database, {
    config: { encryptionKey: homes().encryptionKey },
    databases: { everyMs: 100, againMs: 300 },
  })
})
afterAll(() => server?.stop())

describe('change logs in homes', () => {
  it('get their months ahead, wherever the database is', async () => {
    for (const resident of each(['schema', 'database', 'far shared', 'far schema', 'far database'])) {
      // As if nobody had looked for months.
      const months = await admin<{ name: string }>(
        resident,
        `select name from rowhouse.change_log_partitions where starts_at > now() order by starts_at`,
      )
      expect([resident.kind, months.length]).toEqual([resident.kind, 3])
    }
    const [far] = each(['far database'])
    const [last] = await admin<{ name: string }>(
      far as Resident,
      'select name from rowhouse.change_log_partitions order by starts_at desc limit 1',
    )
    await admin(far as Resident, `drop table rowhouse.${last?.name}`)
    await admin(far as Resident, 'delete from rowhouse.change_log_partitions where name = $1', [last?.name])
    await vi.waitFor(
      async () =>
        expect(
          await admin(far as Resident, 'select to_regclass($1) is not null as there', [`rowhouse.${last?.name}`]),
        ).toEqual([{ there: true }]),
      soon,
    )
  })

  it('are sealed, each by the chain of its own database, and verify', async () => {
    for (const kind of homeKinds) await write(kind, 'sealed')
    // The catalogue's own database is sealed every five minutes.
    for (const resident of each().filter(({ isElsewhere }) => isElsewhere))
      await vi.waitFor(
        async () => expect([resident.kind, (await verify(resident)).unsealed]).toEqual([resident.kind, 0]),
        soon,
      )
    for (const resident of each()) expect(await verify(resident)).toMatchObject({ problems: [] })
    const [far] = each(['far schema'])
    await admin(
      far as Resident,
      `alter table rowhouse.change_log disable trigger is_append_only;
       update rowhouse.change_log set actor_id = 'somebody else' where organization_id = '${far?.organizationId}'
         and seq = (select max(seq) from rowhouse.change_log where organization_id = '${far?.organizationId}');
       alter table rowhouse.change_log enable always trigger is_append_only`,
    )
    expect((await verify(far as Resident)).problems).toEqual([expect.objectContaining({ kind: 'line_changed' })])
  })

  it.each(['schema', 'database', 'far database'] as const)(
    'are kept as long as the organization says (%s)',
    async (kind) => {
      const resident = homes().of[kind]
      const set = await call('PUT', resident, '/retention', { days: 90 })
      expect(set.body).toEqual({ days: 90, source: 'organization', planDays: null })
      // The home knows by the time the API answers.
      expect(
        await admin(resident, 'select days, source from rowhouse.log_retention_of($1)', [resident.organizationId]),
      ).toEqual([{ days: 90, source: 'organization' }])
      await pauseKeeping(resident)
      await age(resident)
      const before = await verify(resident)
      await withClient(homes().database.adminUrl, (client) =>
        client.query(`update rowhouse.data_databases set pruned_at = null, due_at = now()`),
      )
      if (!resident.isElsewhere) return
      await vi.waitFor(async () => expect((await verify(resident)).pruned).toBeGreaterThan(0), soon)
      expect(await verify(resident)).toMatchObject({ problems: before.problems })
      const back = await call('PUT', resident, '/retention', { followPlan: true })
      expect(back.body).toEqual({ days: null, source: 'plan', planDays: null })
      expect(
        await admin(resident, 'select days, source from rowhouse.log_retention_of($1)', [resident.organizationId]),
      ).toEqual([{ days: null, source: 'plan' }])
    },
  )

  it('take a retention from the catalogue alone', async () => {
    const resident = homes().of['far database']
    await expect(
      admin(resident, 'select rowhouse.set_log_retention($1, 30)', [resident.organizationId]),
    ).rejects.toMatchObject({ code: 'RH084' })
    // A plan's as well: it is carried with the rest.
    await withClient(homes().database.controlUrl, (control) =>
      control.query(`select rowhouse.set_plan_log_retention('far-database', 120)`),
    )
    await vi.waitFor(
      async () =>
        expect(
          await admin(resident, 'select days from rowhouse.log_retention_of($1)', [resident.organizationId]),
        ).toEqual([{ days: 120 }]),
      soon,
    )
  })

  it.each(homeKinds)('tell a record’s life, and bring it back (%s)', async (kind) => {
    const resident = homes().of[kind]
    const owner = homes().asOwner(homes().open(), kind)
    const id = randomUUID()
    await owner.query('insert into notes (id, body) values ($1, $2)', [id, 'lived'])
    await owner.query('update notes set body = $2 where id = $1', [id, 'lived on'])
    await owner.query('delete from notes where id = $1', [id])
    const history = await call('GET', resident, `/records/notes/${id}/history`)
    expect(history.body.items.map(({ action }: { action: string }) => action)).toEqual(['insert', 'update', 'delete'])
    expect(history.body.record).toBeNull()
    const lines = await call('GET', resident, `/audit-log?recordId=${id}`)
    expect(lines.body.items).toHaveLength(3)
    expect((await call('POST', resident, `/records/notes/${id}/undelete`)).body).toEqual({ notRestored: [] })
    expect((await owner.query('select body from notes where id = $1', [id])).rows).toEqual([{ body: 'lived on' }])
    const again = await call('POST', resident, `/records/notes/${id}/undelete`)
    expect(again.body.code).toBe('record_not_deleted')
  })
})

describe('a server that is down', () => {
  const databases = (query = ''): Promise<Answer> =>
    server.call('GET', `/v1/databases${query}`, { bearer: operatorKey })

  it('is named, and holds up nobody else; what it missed is done when it is back', async () => {
    await write('far database', 'before it went')
    await homes().stopFar()
    try {
      await vi.waitFor(async () => expect((await databases()).body.failing).toBe(2), soon)
      const { body } = await databases('?failing=true')
      expect(new Set(body.items.map(({ cluster, error }: Record<string, string>) => `${cluster} ${error}`))).toEqual(
        new Set(['far home_unreachable']),
      )
      expect(body.items[0].failingSince).toEqual(expect.any(String))
      expect((await server.call('GET', '/metrics')).text).toContain('rowhouse_data_databases{state="failing"} 2')
      expect(JSON.stringify(server.log)).toContain('home_unreachable')
      await write('database', 'while another was down')
      await vi.waitFor(async () => expect((await verify(homes().of.database)).unsealed).toBe(0), soon)
      const one = (await databases()).body.items.find(({ cluster }: { cluster: string }) => cluster === 'main')
      expect(one).toMatchObject({ error: null, unsealed: [] })
    } finally {
      await homes().startFar()
    }
    await vi.waitFor(async () => expect((await databases()).body.failing).toBe(0), soon)
    for (const resident of each(farKinds))
      await vi.waitFor(async () => expect((await verify(resident)).unsealed).toBe(0), soon)
  })

  it('is the operators’ to see', async () => {
    const bearer = await server.token(homes().of.shared.ownerId)
    expect((await server.call('GET', '/v1/databases', { bearer })).body.code).toBe('permission_denied')
  })
})

describe('one organization that fails', () => {
  it('is named, is tried again, and does not hold up the others of its database', async () => {
    const broken = homes().of['far schema']
    const other = homes().of['far shared']
    expect(new URL(broken.adminUrl).pathname).toBe(new URL(other.adminUrl).pathname)
    await admin(
      broken,
      `alter table rowhouse.audit_seals add constraint broken check (organization_id <> '${broken.organizationId}') not valid`,
    )
    try {
      await write('far schema', 'not sealed')
      await write('far shared', 'sealed')
      await vi.waitFor(async () => expect((await verify(other)).unsealed).toBe(0), soon)
      await vi.waitFor(async () => {
        const { body } = await server.call('GET', '/v1/databases', { bearer: operatorKey })
        expect(body.items.flatMap(({ unsealed }: { unsealed: string[] }) => unsealed)).toEqual([broken.organizationId])
      }, soon)
    } finally {
      await admin(broken, 'alter table rowhouse.audit_seals drop constraint broken')
    }
    await vi.waitFor(async () => expect((await verify(broken)).unsealed).toBe(0), soon)
  })
})

/** Until it is made due again; nobody works in the database of the resident then. */
async function pauseKeeping(resident: Resident): Promise<void> {
  const pause = (): Promise<unknown> =>
    withClient(homes().database.adminUrl, (client) =>
      client.query(`update rowhouse.data_databases set due_at = now() + interval '1 hour'`),
    )
  await vi.waitFor(async () => {
    await pause()
    const working = `select from pg_stat_activity where datname = current_database() and application_name = 'rowhouse keeper'`
    expect(await admin(resident, working)).toEqual([])
    const [free] = await admin<{ due: number }>(
      homes().database,
      `select count(*)::int as due from rowhouse.data_databases where due_at < now() + interval '50 minutes'`,
    )
    expect(free?.due).toBe(0)
  }, soon)
}

/** Lines and their seal as they would be a hundred days on. */
async function age(resident: Resident): Promise<void> {
  await withClient(resident.adminUrl, async (client) => {
    const { rows } = await client.query<{ definition: string }>(
      `select pg_get_functiondef('rowhouse.prepare_seal(uuid, int)'::regprocedure) as definition`,
    )
    const definition = rows[0]?.definition ?? ''
    await client.query(
      `alter table rowhouse.change_log disable trigger is_append_only;
       update rowhouse.change_log set at = at - interval '100 days' where organization_id = '${resident.organizationId}';
       alter table rowhouse.change_log enable always trigger is_append_only;
       alter table rowhouse.audit_seals disable trigger is_append_only;
       delete from rowhouse.audit_seals where organization_id = '${resident.organizationId}';
       alter table rowhouse.audit_seals enable always trigger is_append_only`,
    )
    await client.query(
      definition.replace('draft.at := clock_timestamp()', "draft.at := clock_timestamp() - interval '100 days'"),
    )
    await sealOrganization(client, resident.organizationId, await sealKeyOf(client, homes().database.signingKey))
    await client.query(definition)
  })
}
