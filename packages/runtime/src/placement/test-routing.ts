// What the tests of routing have in common: who asks, what became of it, and a second way to the same server. Tests only.
import type { Homes, Tenant } from '@rowhouse/testkit'

import type { Organization, Rowhouse } from '../index.ts'

export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as { code: string }).code,
  )

export const ownerOf = (rowhouse: Rowhouse, tenant: Tenant): Organization =>
  rowhouse.as({ organizationId: tenant.organizationId, userId: tenant.ownerId })

/** Asks until it is so; the runtime hears of changes by asking. */
export async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 400; turn += 1) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('It did not become so.')
}

/** Has the catalogue name its own server as another cluster, which is reached past the catalogue's URL. */
export async function placeOnOtherCluster(homes: Homes, tenants: readonly Tenant[]): Promise<void> {
  const { hostname, port } = new URL(homes.database.adminUrl)
  await homes.changeCatalogue(
    `insert into rowhouse.clusters (id, region, host, port, tls) values ('near', 'near', $1, $2, 'off') on conflict do nothing`,
    [hostname, Number(port)],
  )
  for (const tenant of tenants) {
    await homes.change(tenant, `update rowhouse.placements set cluster = 'near' where organization_id = $1`, [
      tenant.organizationId,
    ])
  }
}
