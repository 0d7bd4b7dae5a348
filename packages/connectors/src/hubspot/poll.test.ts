// The order that HubSpot does not promise: records of one timestamp come in any order and are cut by pages.
import { expect, it } from 'vitest'
import { scripted } from '../kit/test-scripted.ts'
import { hubspot } from './index.ts'

const contacts = { object: 'contact', fields: ['email'], references: [] }
const [first, second] = ['2026-03-01T12:00:00.000Z', '2026-03-01T12:00:01.000Z']
const row = (id: string, at: string) => ({ id, createdAt: first, properties: { lastmodifieddate: at, email: null } })
const page = (rows: readonly unknown[], after?: string) => ({
  body: { results: rows, ...(after === undefined ? {} : { paging: { next: { after } } }) },
})
const position = { modifiedAt: '2026-03-01T00:00:00.000Z', id: '' }

it('leaves the last timestamp of a full page for the next one', async () => {
  const http = scripted(page([row('5', first), row('90', second), row('7', second)], '3'))
  expect(await hubspot.poll(http, contacts, position, 3)).toMatchObject({
    value: { records: [{ id: '5' }], position: { modifiedAt: first, id: '5' }, more: true },
  })
  expect(http.asked).toHaveLength(1)
})

it('takes all of the last page, ids in the order of numbers', async () => {
  const http = scripted(page([row('5', first), row('90', second), row('7', second)]))
  expect(await hubspot.poll(http, contacts, position, 3)).toMatchObject({
    value: { records: [{ id: '5' }, { id: '7' }, { id: '90' }], position: { id: '90' }, more: false },
  })
})

it('reads a page of one timestamp by id, after the id it had', async () => {
  const http = scripted(page([row('90', first), row('8', first)], '2'), page([row('6', first), row('7', first)], '2'))
  const after = { modifiedAt: first, id: '5' }
  expect(await hubspot.poll(http, contacts, after, 2)).toMatchObject({
    value: { records: [{ id: '6' }, { id: '7' }], position: { modifiedAt: first, id: '7' }, more: true },
  })
  expect(http.asked[1]!.json).toMatchObject({
    sorts: [{ propertyName: 'hs_object_id' }],
    filterGroups: [
      {
        filters: [
          { propertyName: 'lastmodifieddate', operator: 'EQ', value: String(Date.parse(first)) },
          { propertyName: 'hs_object_id', operator: 'GT', value: '5' },
        ],
      },
    ],
  })
})

it('begins a walk of deletions at the clock of HubSpot, less an overlap', async () => {
  const archived = ['2026-03-01T11:00:00.000Z', '2026-03-01T11:59:30.000Z'].map((archivedAt, id) => ({
    id,
    archivedAt,
  }))
  const http = scripted({ ...page(archived), headers: { date: 'Sun, 01 Mar 2026 12:00:00 GMT' } })
  expect(await hubspot.deleted(http, 'contact', null)).toMatchObject({
    value: { deleted: [{ id: '1', deletedAt: '2026-03-01T11:59:30.000Z' }], more: false },
  })
})
