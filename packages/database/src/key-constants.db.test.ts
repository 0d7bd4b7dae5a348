// Keys that the planner folded into a session's plans must be forgotten with the keys, and seen by nobody.
import { createTwoWorlds, mintToken, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { deriveTokenKey, hmacPads, tokenKeyId } from './keys.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

const asAdmin = (text: string, values: unknown[] = []): Promise<unknown> =>
  withClient(database().adminUrl, (admin) => admin.query(text, values))
const enter = (client: Client, token: string): Promise<string> =>
  sqlstateOf(client.query('select rowhouse.enter($1)', [token]))

const firstKey = (): Buffer => deriveTokenKey(database().signingKey, database().databaseId)
const secondKey = (): Buffer => deriveTokenKey('the key that the first one is rotated to', database().databaseId)
const tokenOf = (key: Buffer): string =>
  mintToken(database(), { org: worlds.a.organizationId, user: worlds.a.ownerId }, key)

async function addKey(key: Buffer): Promise<void> {
  const { inner, outer } = hmacPads(key)
  await asAdmin(
    'insert into rowhouse.keys (id, inner_pad, outer_pad) values ($1, $2, $3) on conflict (id) do nothing',
    [tokenKeyId(key), inner, outer],
  )
}
const retire = (key: Buffer): Promise<unknown> => asAdmin('delete from rowhouse.keys where id = $1', [tokenKeyId(key)])

beforeEach(async () => {
  await addKey(firstKey())
  await retire(secondKey())
})

describe('a session that folded the keys', () => {
  it('accepts a new key beside the old one, and refuses a retired one from its next transaction on', async () => {
    await withClient(database().appUrl, (one) =>
      withClient(database().appUrl, async (two) => {
        for (const session of [one, two]) expect(await enter(session, tokenOf(firstKey()))).toBe('done')
        await addKey(secondKey())
        for (const session of [one, two]) {
          expect(await enter(session, tokenOf(firstKey()))).toBe('done')
          expect(await enter(session, tokenOf(secondKey()))).toBe('done')
        }
        await retire(firstKey())
        for (const session of [one, two]) {
          expect(await enter(session, tokenOf(firstKey()))).toBe('RH003')
          expect(await enter(session, tokenOf(secondKey()))).toBe('done')
        }
      }),
    )
  })

  it('refuses a retired key even where nothing but the trigger tells it', async () => {
    await withClient(database().appUrl, async (session) => {
      expect(await enter(session, tokenOf(firstKey()))).toBe('done')
      await asAdmin('alter table rowhouse.keys disable trigger forget_key_constants')
      try {
        await retire(firstKey())
        // Without the trigger the constant lives on: this is what it prevents.
        expect(await enter(session, tokenOf(firstKey()))).toBe('done')
      } finally {
        await asAdmin('alter table rowhouse.keys enable trigger forget_key_constants')
      }
      await addKey(firstKey())
      await retire(firstKey())
      expect(await enter(session, tokenOf(firstKey()))).toBe('RH003')
    })
  })

  it('does not fold what an old snapshot shows it', async () => {
    await withClient(database().appUrl, async (session) => {
      await session.query('begin isolation level repeatable read')
      await session.query('select 1')
      await retire(firstKey())
      await addKey(secondKey())
      // Its snapshot is from before; what it reads ends with the transaction.
      expect(await enter(session, tokenOf(firstKey()))).toBe('done')
      expect((await session.query('select from notes')).rowCount).toBe(3)
      await session.query('commit')
      expect(await enter(session, tokenOf(firstKey()))).toBe('RH003')
      expect(await enter(session, tokenOf(secondKey()))).toBe('done')
    })
  })

  it('forgets the seal key with the identity of the database', async () => {
    const { inner, outer } = hmacPads(Buffer.alloc(32, 7))
    await withClient(database().appUrl, (observer) =>
      withClient(database().appUrl, async (session) => {
        await worlds.a.enter(observer)
        await session.query('begin')
        await worlds.a.enter(session)
        expect((await session.query('select from notes')).rowCount).toBe(3)
        await asAdmin('update rowhouse.database set seal_inner_pad = $1, seal_outer_pad = $2', [inner, outer])
        await session.query('commit')
        for (const client of [observer, session]) {
          await client.query('begin')
          await worlds.a.enter(client)
          expect((await client.query('select from notes')).rowCount).toBe(3)
          await client.query('commit')
        }
      }),
    )
  })
})

/** As a plan prints a constant: its bytes, as signed numbers. */
const printed = (pad: Buffer): string => Array.from(new Int8Array(pad)).join(' ')

/** What the server tells a client that has every plan printed to it. */
async function plansOf(use: (client: Client) => Promise<unknown>): Promise<string> {
  return withClient(database().appUrl, async (client) => {
    const notices: string[] = []
    client.on('notice', ({ message, detail }) => notices.push(`${message} ${detail ?? ''}`))
    await client.query(`set debug_print_plan = on`)
    await client.query(`set debug_pretty_print = off`)
    await client.query(`set client_min_messages = log`)
    await use(client)
    // Long lines are broken anywhere.
    return notices.join(' ').replaceAll(/\s+/g, ' ')
  })
}

const useSeal = async (client: Client): Promise<void> => {
  await client.query('begin')
  await worlds.a.enter(client)
  await client.query('select from notes')
  await client.query('commit')
}

describe('no plan shows a key', () => {
  it('while plans are printed, and it works all the same', async () => {
    const plans = await plansOf(useSeal)
    expect(plans).toContain('plan')
    expect(plans).not.toContain(printed(hmacPads(firstKey()).inner))
    expect(plans).not.toContain(printed(hmacPads(firstKey()).outer))
  })

  it('and without that guard it would', async () => {
    const { rows } = await withClient(database().adminUrl, (admin) =>
      admin.query<{ definition: string }>(
        `select pg_get_functiondef('rowhouse.key_constant(text)'::regprocedure) as definition`,
      ),
    )
    const definition = rows[0]?.definition ?? ''
    const unguarded = definition.replace(` and current_setting('debug_print_plan') = 'off'`, '')
    expect(unguarded).not.toBe(definition)
    await asAdmin(unguarded)
    try {
      expect(await plansOf(useSeal)).toContain(printed(hmacPads(firstKey()).inner))
    } finally {
      await asAdmin(definition)
    }
  })

  it.each([
    "key_part('seal_inner')",
    "key_constant('seal_inner')",
    'token_start()',
    "verify_token('')",
    'sealed()',
    'built_in_permissions()',
    'built_in_constant()',
    "is_permitted('data.write')",
  ])('rowhouse_app may not call %s', async (name) => {
    const call = `rowhouse.${name}`
    await withClient(database().appUrl, async (app) => {
      expect(await sqlstateOf(app.query(`select ${call}`))).toBe('42501')
    })
  })
})
