// Rows that the application moves to another tenant while their tables are adopted, and the rows that refer to them.
import { createTwoWorlds, useTestDatabase } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { adopt, undoAdoption } from './adopt.ts'
import type { AdoptRun } from './adopt.ts'
import { createOrganizations, createShop, shopOptions, shopTables, tenant } from './test-shop.ts'

const database = useTestDatabase()
let admin: Client
let runner: Client
beforeAll(async () => {
  await createTwoWorlds(database())
  admin = new Client(database().adminUrl)
  runner = new Client(database().adminUrl)
  await admin.connect()
  await runner.connect()
  await createOrganizations(admin)
})
afterAll(async () => {
  await admin.end()
  await runner.end()
})
beforeEach(async () => {
  await admin.query('reset search_path')
  await createShop(admin)
})

const yes: AdoptRun = { confirm: () => Promise.resolve(true), pace: { rest: 0 } }
/** Stops the run when this step is done. */
function stoppedAt(name: string, table?: string): AdoptRun {
  const stop = new AbortController()
  return {
    ...yes,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type !== 'step' || event.state !== 'done' || event.name !== name) return
      if (table === undefined || event.table === table) stop.abort()
    },
  }
}

describe('a row that moves to another tenant meanwhile', () => {
  const moved = async (): Promise<string> => {
    const { rows } = await admin.query<{ id: string }>(
      "update shop.accounts set tenant_id = $1 where name = 'account 1' returning id",
      [tenant(1)],
    )
    return rows[0]?.id ?? ''
  }
  const disagreeing = async (): Promise<unknown> =>
    (
      await admin.query(
        `select bool_or(d.organization_id <> a.organization_id) as deals,
           coalesce(bool_or(n.organization_id <> a.organization_id), false) as notes
         from shop.accounts a join shop."Odd ""deals""" d on d.account_id = a.id
         left join shop.notes n on n.deal = d."Deal Id"`,
      )
    ).rows[0]
  const noTrigger = 'alter table shop.accounts disable trigger "!rowhouse_follow"'

  it('takes its children along, and theirs, in the same transaction; without the trigger they stay behind', async () => {
    for (const withTrigger of [true, false]) {
      await createShop(admin)
      await expect(adopt(runner, shopOptions(), stoppedAt('backfill', 'shop.notes'))).rejects.toMatchObject({
        code: 'adopt_interrupted',
      })
      if (!withTrigger) await admin.query(noTrigger)
      await moved()
      expect(await disagreeing()).toEqual({ deals: !withTrigger, notes: !withTrigger })
      await undoAdoption(runner, shopTables())
    }
  })

  it('also where the composite foreign key is there already, and not validated', async () => {
    await expect(
      adopt(runner, shopOptions(), stoppedAt('reference Odd "deals"_account_id_fkey_organization')),
    ).rejects.toMatchObject({ code: 'adopt_interrupted' })
    await moved()
    expect(await disagreeing()).toEqual({ deals: false, notes: false })
    expect((await adopt(runner, shopOptions(), yes)).state).toBe('done')
  })

  it('children that stayed behind are filled again when the foreign key is validated; without that it fails', async () => {
    for (const fillsAgain of [true, false]) {
      await createShop(admin)
      await expect(adopt(runner, shopOptions(), stoppedAt('backfill', 'shop.notes'))).rejects.toMatchObject({
        code: 'adopt_interrupted',
      })
      await admin.query(noTrigger)
      await moved()
      await admin.query('alter table shop.accounts enable always trigger "!rowhouse_follow"')
      if (!fillsAgain) await admin.query("update rowhouse.adoption_steps set step = step - 'agreement'")
      const run = adopt(runner, shopOptions(), yes)
      const outcome = await run.then(
        ({ state }) => state,
        (error: { code: string; details: { sqlstate: string } }) => `${error.code} ${error.details.sqlstate}`,
      )
      expect(outcome).toBe(fillsAgain ? 'done' : 'adopt_step_failed 23503')
      if (!fillsAgain) await undoAdoption(runner, shopTables())
    }
  })

  it('a child whose own column says another tenant stops it, with its key and both; mended, it goes on', async () => {
    await admin.query('alter table shop.notes add column tenant_id uuid')
    await admin.query('update shop.notes n set tenant_id = a.tenant_id from shop.accounts a where a.id = n.account_id')
    const { rows } = await admin.query<{ id: number }>(
      'update shop.notes set tenant_id = $1 where id = (select min(id) from shop.notes where tenant_id <> $1) returning id',
      [tenant(1)],
    )
    const options = {
      tables: shopTables(),
      from: { 'shop.accounts': 'tenant_id', 'shop.notes': 'tenant_id' },
    }
    const refused = await adopt(runner, options, yes).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'adopt_references_differ',
      details: {
        table: 'shop.notes',
        count: 1,
        examples: [{ key: { id: String(rows[0]?.id) }, organization: tenant(1) }],
      },
    })
    await admin.query(
      'update shop.notes n set tenant_id = a.tenant_id from shop.accounts a where a.id = n.account_id and n.id = $1',
      [rows[0]?.id],
    )
    expect((await adopt(runner, options, yes)).state).toBe('done')
  })
})
