// Suspension and the fence of a move: nobody acts for an organization that may not act, whatever the timing.
import { createTwoWorlds, sqlstateOf, untilWaiting, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

const asApp = <Result>(use: (app: Client) => Promise<Result>): Promise<Result> => withClient(database().appUrl, use)
const enter = (client: Client, token: string | null): Promise<string> =>
  sqlstateOf(client.query('select rowhouse.enter($1)', [token]))
const entering = (token: string | null): Promise<string> => asApp((app) => enter(app, token))

describe('an organization that may not act', () => {
  const control = <Result>(use: (client: Client) => Promise<Result>): Promise<Result> =>
    withClient(database().controlUrl, use)

  it('is refused while suspended; an operator passes', async () => {
    const id = worlds.b.organizationId
    await control((client) => client.query("select rowhouse.set_organization_status($1, 'suspended')", [id]))
    try {
      expect(await entering(worlds.b.token())).toBe('RH008')
      expect(await entering(worlds.b.token({ kind: 'service', service: 's' }))).toBe('RH008')
      expect(await entering(worlds.b.token({ kind: 'operator', service: 'o', reason: 'support' }))).toBe('done')
    } finally {
      await control((client) => client.query("select rowhouse.set_organization_status($1, 'active')", [id]))
    }
    expect(await entering(worlds.b.token())).toBe('done')
  })

  it('is refused while it moves and after it moved', async () => {
    const place = (state: string): Promise<unknown> =>
      control((client) =>
        client.query('update rowhouse.placements set state = $2 where organization_id = $1', [
          worlds.b.organizationId,
          state,
        ]),
      )
    try {
      await place('moving')
      expect(await entering(worlds.b.token())).toBe('RH010')
      await place('moved')
      expect(await entering(worlds.b.token())).toBe('RH009')
    } finally {
      await place('active')
    }
  })

  it('waits for the fence, and then sees what was committed meanwhile', async () => {
    const id = worlds.b.organizationId
    await control(async (mover) => {
      await mover.query('begin')
      await mover.query('select pg_advisory_xact_lock(rowhouse.lock_key($1))', [id])
      await mover.query("update rowhouse.placements set state = 'moved' where organization_id = $1", [id])
      const waiting = entering(worlds.b.token())
      await untilWaiting(database(), 'advisory')
      await mover.query('commit')
      expect(await waiting).toBe('RH009')
      await mover.query("update rowhouse.placements set state = 'active' where organization_id = $1", [id])
    })
  })

  it('cannot write under a snapshot from before the move', async () => {
    const id = worlds.b.organizationId
    await control(async (mover) => {
      await asApp(async (app) => {
        await app.query('begin isolation level repeatable read')
        await app.query('select 1')
        await mover.query(
          "update rowhouse.placements set state = 'moved', epoch = epoch + 1 where organization_id = $1",
          [id],
        )
        expect(await enter(app, worlds.b.token())).toBe('40001')
        await app.query('rollback')
      })
      await mover.query("update rowhouse.placements set state = 'active' where organization_id = $1", [id])
    })
  })
})
