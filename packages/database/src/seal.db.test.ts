// Every way to act for an organization without its consent must fail closed.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

describe('the seal', () => {
  it('shows an organization its rows, and nothing without it', async () => {
    await withClient(database().appUrl, async (app) => {
      await app.query('begin')
      await worlds.a.enter(app)
      const { rows } = await app.query('select organization_id, id from notes')
      expect(rows).toHaveLength(3)
      await app.query('commit')
      expect((await app.query('select * from notes')).rows).toEqual([])
    })
  })
})
