// The objects API as the official client sees it, unchanged, over real HTTP.
import { Client } from '@hubspot/api-client'
import { FilterOperatorEnum } from '@hubspot/api-client/lib/codegen/crm/contacts/models/Filter.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
let now = Date.parse('2026-03-01T12:00:00.000Z')
const tick = (durationMs: number): void => {
  now += durationMs
}
let portal: CreatedAccount
let other: CreatedAccount

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => now })
  portal = sandbox.createAccount({ connector: 'hubspot', name: 'Acme' })
  other = sandbox.createAccount({ connector: 'hubspot', name: 'Globex' })
})
afterAll(() => sandbox.close())

function clientOf(account: CreatedAccount): Client {
  tick(20_000)
  return new Client({ basePath: sandbox.hubspotUrl, accessToken: account.accessToken })
}

interface ApiError {
  readonly code: number
  readonly body: { readonly message: string; readonly category: string; readonly correlationId: string }
}

async function failure(work: Promise<unknown>): Promise<ApiError> {
  return work.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: unknown) => error as ApiError,
  )
}

describe('one record', () => {
  it('is created, read, changed and archived', async () => {
    const { contacts } = clientOf(portal).crm
    const created = await contacts.basicApi.create({
      properties: { email: '  Ada@Example.COM ', firstname: 'Ada' },
    })
    expect(created.properties['email']).toBe('ada@example.com')
    expect(created.createdAt).toEqual(new Date(now))

    tick(5)
    const updated = await contacts.basicApi.update(created.id, { properties: { firstname: 'Augusta', phone: '1' } })
    expect(updated.properties['lastmodifieddate']).toBe(new Date(now).toISOString())

    const cleared = await contacts.basicApi.update(created.id, { properties: { phone: '' } })
    expect(cleared.properties['phone']).toBeUndefined()

    const read = await contacts.basicApi.getById(
      'ADA@example.com',
      ['firstname', 'phone'],
      ['firstname'],
      [],
      false,
      'email',
    )
    expect(read.properties).toMatchObject({ firstname: 'Augusta', phone: null, hs_object_id: created.id })
    expect(read.propertiesWithHistory?.['firstname']?.map((version) => version.value)).toEqual(['Augusta', 'Ada'])

    await contacts.basicApi.archive(created.id)
    const gone = await failure(contacts.basicApi.getById(created.id))
    expect(gone).toMatchObject({ code: 404, body: { category: 'OBJECT_NOT_FOUND' } })
    const archived = await contacts.basicApi.getById(created.id, undefined, undefined, undefined, true)
    expect(archived.archived).toBe(true)
    expect(archived.archivedAt).toEqual(new Date(now))
  })

  it('is refused when its e-mail is taken, naming the holder in the message only', async () => {
    const { contacts } = clientOf(portal).crm
    const holder = await contacts.basicApi.create({ properties: { email: 'taken@example.com' } })
    const error = await failure(contacts.basicApi.create({ properties: { email: 'TAKEN@example.com' } }))
    expect(error.code).toBe(409)
    expect(error.body).toMatchObject({
      category: 'CONFLICT',
      message: `Contact already exists. Existing ID: ${holder.id}`,
    })
    expect(error.body.correlationId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('is refused with every fault when properties are not valid', async () => {
    const { contacts, companies } = clientOf(portal).crm
    const error = await failure(
      contacts.basicApi.create({ properties: { email: 'nobody', nonsense: '1', createdate: '2020-01-01' } }),
    )
    expect(error).toMatchObject({ code: 400, body: { category: 'VALIDATION_ERROR' } })
    for (const code of ['INVALID_EMAIL', 'PROPERTY_DOESNT_EXIST', 'READ_ONLY_VALUE'])
      expect(error.body.message).toContain(code)
    const option = await failure(companies.basicApi.create({ properties: { name: 'A', industry: 'Software' } }))
    expect(option.body.message).toContain('INVALID_OPTION')
  })

  it('cannot be seen or changed with the token of another account', async () => {
    const created = await clientOf(portal).crm.contacts.basicApi.create({ properties: { firstname: 'Private' } })
    const { contacts } = clientOf(other).crm
    expect(await failure(contacts.basicApi.getById(created.id))).toMatchObject({ code: 404 })
    expect(await failure(contacts.basicApi.update(created.id, { properties: { firstname: 'X' } }))).toMatchObject({
      code: 404,
    })
    expect((await contacts.basicApi.getPage()).results).toEqual([])
  })
})

describe('many records', () => {
  it('are created in one call, all or nothing without trace ids', async () => {
    const { contacts } = clientOf(portal).crm
    const before = await contacts.searchApi.doSearch({ limit: 1 })
    const error = await failure(
      contacts.batchApi.create({
        inputs: [{ properties: { email: 'one@batch.example' } }, { properties: { email: 'one@batch.example' } }],
      }),
    )
    expect(error.code).toBe(409)
    tick(2000)
    expect((await contacts.searchApi.doSearch({ limit: 1 })).total).toBe(before.total)
  })

  it('are created one by one with trace ids: 207 says which failed', async () => {
    const { contacts } = clientOf(portal).crm
    const answer = await contacts.batchApi.create({
      inputs: [
        { properties: { email: 'two@batch.example' }, objectWriteTraceId: 'a' },
        { properties: { email: 'two@batch.example' }, objectWriteTraceId: 'b' },
      ],
    })
    expect(answer.results).toHaveLength(1)
    expect(answer).toMatchObject({
      numErrors: 1,
      errors: [{ category: 'CONFLICT', context: { objectWriteTraceId: ['b'] } }],
    })
  })

  it('are read, updated, upserted and archived in batches', async () => {
    const { contacts } = clientOf(portal).crm
    const upserted = await contacts.batchApi.upsert({
      inputs: [
        { id: 'up@batch.example', idProperty: 'email', properties: { firstname: 'Up' } },
        { id: 'two@batch.example', idProperty: 'email', properties: { firstname: 'Two' } },
      ],
    })
    expect(upserted.results.map((result) => result['_new'])).toEqual([true, false])
    const ids = upserted.results.map((result) => result.id)

    const updated = await contacts.batchApi.update({
      inputs: [
        { id: ids[0]!, properties: { lastname: 'Per' } },
        { id: '404', properties: { lastname: 'Nobody' } },
      ],
    })
    expect(updated.results).toHaveLength(1)
    expect(updated).toMatchObject({
      numErrors: 1,
      errors: [{ category: 'OBJECT_NOT_FOUND', context: { ids: ['404'] } }],
    })

    const read = await contacts.batchApi.read({
      inputs: [{ id: 'up@batch.example' }, { id: 'nobody@batch.example' }],
      idProperty: 'email',
      properties: ['lastname'],
      propertiesWithHistory: [],
    })
    expect(read.results.map((result) => result.properties['lastname'])).toEqual(['Per'])
    expect(read).toMatchObject({ numErrors: 1 })

    await contacts.batchApi.archive({ inputs: ids.map((id) => ({ id })) })
    expect(await failure(contacts.basicApi.getById(ids[0]!))).toMatchObject({ code: 404 })
  })

  it('are refused above 100, and when an id comes twice', async () => {
    const { contacts } = clientOf(portal).crm
    const inputs = Array.from({ length: 101 }, () => ({ properties: { firstname: 'X' } }))
    expect(await failure(contacts.batchApi.create({ inputs }))).toMatchObject({ code: 400 })
    const twice = [1, 2].map(() => ({ id: '1', properties: {} }))
    expect((await failure(contacts.batchApi.update({ inputs: twice }))).body.message).toContain('Duplicate IDs')
  })

  it('are listed in pages, each record once', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    const { companies } = clientOf(account).crm
    for (let batch = 0; batch < 3; batch++) {
      const inputs = Array.from({ length: 70 }, (_, index) => ({ properties: { name: `${batch}.${index}` } }))
      await companies.batchApi.create({ inputs })
    }
    const all = await companies.getAll(100, undefined, ['name'])
    expect(new Set(all.map((company) => company.id)).size).toBe(210)
    const page = await companies.basicApi.getPage(2, undefined, ['name'])
    expect(page.results.map((company) => company.properties['name'])).toEqual(['0.0', '0.1'])
    expect(page.paging?.next?.after).toBe(page.results[1]!.id)
    await companies.basicApi.archive(page.results[0]!.id)
    const archived = await companies.basicApi.getPage(10, undefined, ['name'], undefined, undefined, true)
    expect(archived.results.map((company) => company.id)).toEqual([page.results[0]!.id])
    tick(90 * 86_400_000)
    expect((await companies.basicApi.getPage(10, undefined, undefined, undefined, undefined, true)).results).toEqual([])
  })
})

describe('merging', () => {
  it('gives a new record; the old ids lead to it and disappear from lists', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    const { contacts } = clientOf(account).crm
    const primary = await contacts.basicApi.create({ properties: { email: 'p@merge.example', firstname: 'P' } })
    const merged = await contacts.basicApi.create({ properties: { email: 'm@merge.example', lastname: 'M' } })
    const result = await contacts.basicApi.merge({ primaryObjectId: primary.id, objectIdToMerge: merged.id })
    expect([primary.id, merged.id]).not.toContain(result.id)
    expect(result.properties).toMatchObject({
      email: 'p@merge.example',
      firstname: 'P',
      lastname: 'M',
      hs_merged_object_ids: `${primary.id};${merged.id}`,
    })
    expect((await contacts.basicApi.getById(merged.id)).id).toBe(result.id)
    expect((await contacts.getAll()).map((contact) => contact.id)).toEqual([result.id])
    await contacts.basicApi.create({ properties: { email: 'm@merge.example' } })
  })
})

describe('search', () => {
  it('filters, sorts and pages', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    const client = clientOf(account)
    const { contacts } = client.crm
    const start = now
    for (const [index, firstname] of ['Ada', 'Bob', 'Cyd', 'Dan'].entries()) {
      tick(1000)
      await contacts.basicApi.create({
        properties: { firstname, email: `${firstname}@search.example`, ...(index > 1 ? { phone: '1' } : {}) },
      })
    }
    const names = async (
      propertyName: string,
      operator: FilterOperatorEnum,
      extra: object,
      sort = 'firstname',
    ): Promise<unknown[]> => {
      tick(1000)
      const filters = [{ propertyName, operator, ...extra }]
      const page = await contacts.searchApi.doSearch({
        filterGroups: [{ filters }],
        sorts: [sort],
        properties: ['firstname'],
      })
      return page.results.map((result) => result.properties['firstname'])
    }
    const { Eq, Neq, Gt, Gte, Lt, Between, In, NotIn, HasProperty, NotHasProperty, ContainsToken } = FilterOperatorEnum
    expect(await names('firstname', Eq, { value: 'ADA' })).toEqual(['Ada'])
    expect(await names('firstname', Neq, { value: 'Ada' }, '-firstname')).toEqual(['Dan', 'Cyd', 'Bob'])
    expect(await names('lastmodifieddate', Gt, { value: String(start + 2000) })).toEqual(['Cyd', 'Dan'])
    expect(await names('lastmodifieddate', Gte, { value: new Date(start + 2000).toISOString() })).toEqual([
      'Bob',
      'Cyd',
      'Dan',
    ])
    expect(await names('createdate', Lt, { value: String(start + 2000) })).toEqual(['Ada'])
    expect(
      await names('createdate', Between, { value: String(start + 1000), highValue: String(start + 3000) }),
    ).toHaveLength(3)
    expect(await names('firstname', In, { values: ['bob', 'dan'] })).toEqual(['Bob', 'Dan'])
    expect(await names('firstname', NotIn, { values: ['bob', 'dan'] })).toEqual(['Ada', 'Cyd'])
    expect(await names('phone', HasProperty, {})).toEqual(['Cyd', 'Dan'])
    expect(await names('phone', NotHasProperty, {})).toEqual(['Ada', 'Bob'])
    expect(await names('email', ContainsToken, { value: 'b*' })).toEqual(['Bob'])

    tick(1000)
    const first = await contacts.searchApi.doSearch({ limit: 3 })
    expect(first).toMatchObject({ total: 4, paging: { next: { after: '3' } } })
    const last = await contacts.searchApi.doSearch({ limit: 3, after: '3' })
    expect(last.results.map((result) => result.properties['firstname'])).toEqual(['Dan'])
    expect(last.paging).toBeUndefined()
  })

  it('refuses to go beyond 10,000 results and 200 a page', async () => {
    const { contacts } = clientOf(portal).crm
    expect(await failure(contacts.searchApi.doSearch({ limit: 100, after: '9950' }))).toMatchObject({ code: 400 })
    expect(await failure(contacts.searchApi.doSearch({ limit: 201 }))).toMatchObject({ code: 400 })
  })

  it('shows what was true before the lag', async () => {
    const account = sandbox.createAccount({ connector: 'hubspot', limits: { searchLagMs: 30_000 } })
    const { contacts } = clientOf(account).crm
    const { id } = await contacts.basicApi.create({ properties: { firstname: 'Old' } })
    const seen = async (): Promise<unknown[]> =>
      (await contacts.searchApi.doSearch({ properties: ['firstname'] })).results.map(
        (result) => result.properties['firstname'],
      )
    expect(await seen()).toEqual([])
    tick(30_000)
    expect(await seen()).toEqual(['Old'])
    await contacts.basicApi.update(id, { properties: { firstname: 'New' } })
    expect(await seen()).toEqual(['Old'])
    tick(30_000)
    expect(await seen()).toEqual(['New'])
    await contacts.basicApi.archive(id)
    expect(await seen()).toEqual(['New'])
    tick(30_000)
    expect(await seen()).toEqual([])
  })
})
