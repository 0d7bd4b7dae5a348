// A Postgres of its own for a home, made by the embedded driver.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFleet, readCluster } from '@rowhouse/fleet'
import type { Fleet } from '@rowhouse/fleet'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { createRowhouse } from 'rowhouse'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { embeddedDriver } from './embedded-driver.ts'

const database = useTestDatabase()
let folder: string
let fleet: Fleet

const open = (): Fleet =>
  openFleet({
    catalogueUrl: database().adminUrl,
    signingKey: database().signingKey,
    encryptionKey: 'e'.repeat(32),
    drivers: [embeddedDriver({ durable: false })],
  })
const admin = (text: string, values: unknown[] = []) =>
  withClient(database().adminUrl, async (client) => (await client.query<Record<string, string>>(text, values)).rows)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rowhouse-own-'))
  fleet = open()
})
afterAll(async () => {
  await fleet?.close()
  await rm(folder, { recursive: true, force: true })
})

it(
  'an organization has a server of its own, is entered there, survives a restart, and leaves nothing when dropped',
  { timeout: 120_000 },
  async () => {
    await fleet.clusters.add({ id: 'own', region: 'here', driver: 'embedded', url: `embedded://local${folder}` })
    await admin("insert into rowhouse.plans (id, name, isolation, cluster) values ('own', 'Own', 'database', 'own')")
    const id = await fleet.createOrganization({ name: 'Acme', slug: 'acme', ownerId: null, plan: 'own' })
    const [name] = await readdir(folder)
    const cluster = await readCluster(fleet.context.catalogue, `own-${name}`)
    expect(cluster).toMatchObject({ parent: 'own', driver: 'postgres', status: 'draining' })

    const rowhouse = createRowhouse({ url: database().appUrl, signingKey: database().signingKey })
    const ask = () =>
      rowhouse
        .as({ organizationId: id, service: 'test' })
        .query<{ id: string; port: number }>('select rowhouse.organization_id() as id, inet_server_port() as port')
    expect((await ask()).rows).toEqual([{ id, port: cluster.port }])

    // The process ends, and with it the server; the next one starts it with the first check.
    await fleet.close()
    fleet = open()
    await fleet.clusters.checkAll()
    await expect
      .poll(
        () =>
          ask().then(
            ({ rows }) => rows,
            () => null,
          ),
        { timeout: 60_000 },
      )
      .toEqual([{ id, port: cluster.port }])
    await rowhouse.close()

    const spare = await fleet.createHome({ cluster: 'own', isolation: 'database' })
    expect(await readdir(folder)).toHaveLength(2)
    await fleet.dropHome(spare.id)
    expect(await readdir(folder)).toEqual([name])
  },
)

it('refuses a folder that is none', async () => {
  for (const url of ['embedded://local/', 'embedded:relative', 'postgres://localhost/x']) {
    await expect(fleet.clusters.add({ id: 'bad', region: 'here', driver: 'embedded', url })).rejects.toMatchObject({
      code: 'invalid_option',
    })
  }
})
