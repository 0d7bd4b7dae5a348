import { describe, expect, it } from 'vitest'
import { fieldChanges, labelOf } from './field-changes.ts'

describe('fieldChanges', () => {
  it('names the fields that differ, as text, without the bookkeeping', () => {
    const before = { id: 'x', organization_id: 'o', updated_at: '1', name: 'A', employees: 3, tags: ['a'], note: null }
    const after = { id: 'x', organization_id: 'o', updated_at: '2', name: 'B', employees: 4, tags: ['a'], note: null }
    expect(fieldChanges(before, after)).toEqual([
      { field: 'name', before: 'A', after: 'B' },
      { field: 'employees', before: '3', after: '4' },
    ])
    expect(fieldChanges(null, { name: 'A', note: null })).toEqual([{ field: 'name', before: null, after: 'A' }])
    expect(fieldChanges({ name: 'A' }, null)).toEqual([{ field: 'name', before: 'A', after: null }])
  })

  it('cuts a value without end', () => {
    expect(fieldChanges(null, { body: 'x'.repeat(9000) })[0]?.after).toHaveLength(2001)
  })
})

it.each([
  [{ name: 'Acme' }, 'Acme'],
  [{ first_name: 'Ada', last_name: 'Okafor', email: 'a@x' }, 'Ada Okafor'],
  [{ first_name: null, email: 'a@x' }, 'a@x'],
  [{ id: 1 }, null],
])('labelOf(%j) is %j', (row, label) => {
  expect(labelOf(row)).toBe(label)
})
