import { describe, expect, it } from 'vitest'
import { actorName, changesOf, notable, recordName } from './line-words.ts'

const ada = '0e0e0e0e-0000-4000-8000-000000000001'
const known = { people: new Map([[ada, 'Ada Lovelace']]), connections: new Map([['c1', 'hubspot']]) }

it.each([
  [{ kind: 'user', id: ada }, 'Ada Lovelace'],
  [{ kind: 'user', id: '0e0e0e0e-0000-4000-8000-000000000009' }, '0e0e0e0e…'],
  [{ kind: 'user', id: null }, 'a member'],
  [{ kind: 'sync', id: 'c1' }, 'HubSpot'],
  [{ kind: 'sync', id: 'gone' }, 'CRM'],
  [{ kind: 'service', id: 'billing' }, 'service billing'],
  [{ kind: 'operator', id: 'operator' }, 'operator'],
  [{ kind: 'migration', id: null }, 'migration'],
])('%j is called %s', (actor, name) => expect(actorName(actor, known)).toBe(name))

describe('what differs', () => {
  it('is each field with its value before and after, digit by digit, and never the tenant', () => {
    expect(
      changesOf({
        old: '{"organization_id":"o","id":"1","n":9007199254740993,"t":"a","same":[1]}',
        new: '{"organization_id":"o","id":"1","n":9007199254740995,"t":"","same":[1]}',
      }),
    ).toEqual([
      { field: 'n', before: '9007199254740993', after: '9007199254740995' },
      { field: 't', before: 'a', after: '' },
    ])
  })

  it('is all that had a value where the record came or went', () => {
    const row = '{"organization_id":"o","id":"1","t":"a","none":null}'
    expect(changesOf({ old: null, new: row })).toEqual([
      { field: 'id', before: null, after: '1' },
      { field: 't', before: null, after: 'a' },
    ])
    expect(notable(changesOf({ old: row, new: null }))).toEqual([{ field: 't', before: 'a', after: null }])
    expect(notable(changesOf({ old: null, new: '{"id":"1"}' }))).toHaveLength(1)
    expect(changesOf({ old: null, new: null })).toEqual([])
  })
})

it.each([
  ['{"name":"Acme"}', 'Acme'],
  ['{"first_name":"Ada","last_name":null,"email":"a@example.com"}', 'Ada'],
  ['{"email":"a@example.com"}', 'a@example.com'],
  ['{"serial":"x"}', '0e0e0e0e…'],
  [null, '0e0e0e0e…'],
])('the record of %s is called %s', (row, name) =>
  expect(recordName({ old: row, new: null, recordId: ada })).toBe(name),
)
