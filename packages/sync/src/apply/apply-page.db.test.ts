// What a page of records does to links and rows that changed since it was asked for: another mapping, another read.
import { connectors } from '@rowhouse/connectors'
import type { Connector, RemoteRecord } from '@rowhouse/connectors'
import { Pool } from 'pg'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConnection } from '../connections/store.ts'
import { useHouse } from '../fixtures/house.ts'
import type { Household } from '../fixtures/house.ts'
import { raiseFence } from '../home/fence.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import type { Lane } from '../state/connection-state.ts'
import { applyPage } from './apply-page.ts'
import type { ConnectionScope } from './scope.ts'

const house = useHouse()
const hubspot = connectors.get('hubspot') as Connector
let alder: Household
let objects: readonly MappedObject[]
let contact: MappedObject

beforeAll(async () => {
  alder = await house().connect(0, house().createAccount({ connector: 'hubspot', name: 'Alder' }))
  const pool = new Pool({ connectionString: house().database.controlUrl, max: 1 })
  objects = (await readConnection(pool, alder.connection.id)).mapping
  await pool.end()
  contact = objects.find(({ object }) => object === 'contact') as MappedObject
  for (const lane of ['inbound', 'backfill'] as const) await raiseFence(scopeOf().organization, scopeOf(lane).hold)
})
afterAll(async () => {
  await house().sync.worker.stop()
})

function scopeOf(lane: Lane = 'inbound', mappingVersion = 1): ConnectionScope {
  const { organizationId, connection } = alder
  const connectionId = connection.id
  return {
    organization: house().rowhouse.as({ organizationId, connectionId }),
    organizationId,
    connectionId,
    mappingVersion,
    objects,
    canonical: (object, field, value) => hubspot.canonical(object, field, value),
    hold: { connectionId, lane, epoch: '1' },
    options: { policy: 'database', deletePolicy: 'propagate' },
    looksBack: false,
    clockOffsetMs: () => 0,
    due: new Set(),
    providerNow: () => new Date().toISOString(),
  }
}

function contactOf(id: string, second: number, fields: Readonly<Record<string, string | null>>): RemoteRecord {
  const modifiedAt = new Date(Date.parse('2026-01-01T00:00:00Z') + second * 1000).toISOString()
  const empty = Object.fromEntries(contact.fields.map(({ field }) => [field, null]))
  return {
    id,
    fields: { ...empty, email: `${id}@x.example`, ...fields },
    references: { company: null },
    modifiedAt,
    createdAt: modifiedAt,
    deleted: false,
  }
}

describe('another mapping version', () => {
  it('is no base: an empty side does not win, and what differs is a conflict', async () => {
    await applyPage(scopeOf(), contact, [contactOf('1', 1, { firstname: 'Ada', phone: '1' })])
    await alder.person.query(`update contacts set first_name = null, title = 'Mine', phone = '2'`)
    const row = async (): Promise<unknown[]> =>
      (await alder.person.query('select first_name, title, phone from contacts')).rows
    const seen = contactOf('1', 2, { firstname: 'Ada', phone: '1' })

    // With the base that was agreed on, all three are unsent edits of this side.
    await applyPage(scopeOf(), contact, [seen])
    expect(await row()).toEqual([{ first_name: null, title: 'Mine', phone: '2' }])
    expect(await house().sync.conflicts.list(alder.organizationId, alder.acting)).toEqual([])

    await applyPage(scopeOf('inbound', 2), contact, [{ ...seen, modifiedAt: '2026-01-01T00:00:03.000Z' }])
    expect(await row()).toEqual([{ first_name: 'Ada', title: 'Mine', phone: '2' }])
    expect(await house().sync.conflicts.list(alder.organizationId, alder.acting)).toMatchObject([
      { field: 'phone', base: null, local: '2', remote: '1', winner: 'local' },
    ])
    const { rows } = await alder.person.query('select mapping_version from rowhouse_home.sync_links')
    expect(rows).toEqual([{ mapping_version: 2 }])
  })
})

describe('two reads of one record at one moment', () => {
  it('end with the newer one, whichever is applied first', async () => {
    for (let round = 0; round < 20; round++) {
      const id = String(100 + round)
      await applyPage(scopeOf(), contact, [contactOf(id, 1, { jobtitle: 'first' })])
      const older = (): Promise<unknown> =>
        applyPage(scopeOf('inbound'), contact, [contactOf(id, 2, { jobtitle: 'older' })])
      const newer = (): Promise<unknown> =>
        applyPage(scopeOf('backfill'), contact, [contactOf(id, 3, { jobtitle: 'newer' })])
      await Promise.all(round % 2 === 0 ? [older(), newer()] : [newer(), older()])
      const { rows } = await alder.person.query<{ title: string; seen: string }>(
        `select c.title, l.seen from contacts c join rowhouse_home.sync_links l on l.local_id = c.id::text
         where l.remote_id = $1`,
        [id],
      )
      expect(rows).toEqual([{ title: 'newer', seen: '2026-01-01T00:00:03.000Z' }])
    }
  })

  it('that nobody had met makes one row and one link', async () => {
    for (let round = 0; round < 20; round++) {
      const id = String(200 + round)
      const met = (lane: Lane): Promise<unknown> => applyPage(scopeOf(lane), contact, [contactOf(id, 1, {})])
      await Promise.all([met('inbound'), met('backfill')])
      const { rows } = await alder.person.query(
        `select (select count(*)::int from contacts where email = $1) as rows,
           (select count(*)::int from rowhouse_home.sync_links where remote_id = $2) as links`,
        [`${id}@x.example`, id],
      )
      expect(rows).toEqual([{ rows: 1, links: 1 }])
    }
    expect(await house().sync.deadLetters.list(alder.organizationId, alder.acting)).toEqual([])
  })

  it('of a megabyte is kept whole; one that an index cannot hold is parked alone', async () => {
    // Of bytes that no compression makes fit.
    const long = randomBytes(750_000).toString('base64')
    await applyPage(scopeOf(), contact, [
      contactOf('300', 1, { jobtitle: long }),
      contactOf('301', 1, { email: `${long}@x.example` }),
      contactOf('302', 1, {}),
    ])
    const { rows } = await alder.person.query<{ remote_id: string; length: number }>(
      `select l.remote_id, coalesce(length(c.title), 0) as length
       from contacts c join rowhouse_home.sync_links l on l.local_id = c.id::text
       where l.remote_id in ('300', '301', '302') order by 1`,
    )
    expect(rows).toEqual([
      { remote_id: '300', length: long.length },
      { remote_id: '302', length: 0 },
    ])
    const letters = await house().sync.deadLetters.list(alder.organizationId, alder.acting)
    expect(letters.filter(({ remoteId }) => remoteId === '301')).toMatchObject([{ direction: 'inbound' }])
    await applyPage(scopeOf(), contact, [contactOf('301', 2, {})])
    expect(await house().sync.deadLetters.list(alder.organizationId, alder.acting)).toEqual([])
  })

  it('beside one that does not fit, too: only that one is parked', async () => {
    const company = objects.find(({ object }) => object === 'company') as MappedObject
    const companyOf = (id: string, name: string | null): RemoteRecord => ({
      ...contactOf(id, 1, {}),
      fields: {
        ...Object.fromEntries(company.fields.map(({ field }) => [field, null])),
        name,
        domain: `${id}.example`,
      },
      references: {},
    })
    for (let round = 0; round < 20; round++) {
      const page = [0, 1, 2, 3].map((at) =>
        companyOf(String(9000 + round * 10 + at), at === 1 ? null : `of ${round}, ${at}`),
      )
      await Promise.all([applyPage(scopeOf('inbound'), company, page), applyPage(scopeOf('backfill'), company, page)])
    }
    const letters = await house().sync.deadLetters.list(alder.organizationId, alder.acting)
    expect(letters.map(({ code }) => code)).toEqual(Array.from({ length: 20 }, () => 'check_violation'))
    const { rows } = await alder.person.query('select count(*)::int as companies from companies')
    expect(rows).toEqual([{ companies: 60 }])
  })
})
