import type { ObjectMappingItem } from '@rowhouse/contracts'
import { describe, expect, it } from 'vitest'
import { differenceOf, isInboundOnly, isSame, mappingOf, problemsOf, rowsOf } from './draft.ts'
import type { Choices, Row } from './draft.ts'

const before: ObjectMappingItem = {
  object: 'contact',
  table: 'contacts',
  fields: [
    { column: 'email', field: 'email' },
    { column: 'title', field: 'jobtitle' },
  ],
  references: [{ column: 'company_id', reference: 'company' }],
  matchBy: ['email'],
}
const field = (name: string, kind: 'text' | 'number' | 'date', readOnly = false) => ({
  name,
  label: name.toUpperCase(),
  kind,
  custom: false,
  required: false,
  unique: false,
  readOnly,
  options: null,
})
const reference = (name: string) => ({ name, label: name, object: name, custom: false, required: false })
const choices: Choices = {
  table: 'contacts',
  columns: [
    { column: 'email', type: 'text', kinds: ['text', 'date', 'number'] },
    { column: 'title', type: 'text', kinds: ['text', 'date', 'number'] },
    { column: 'born', type: 'date', kinds: ['date'] },
    { column: 'shape', type: 'point', kinds: [] },
    { column: 'company_id', type: 'uuid', kinds: ['text'] },
  ],
  schema: {
    object: 'contact',
    remoteName: 'contacts',
    label: 'Contact',
    custom: false,
    fields: [field('email', 'text'), field('jobtitle', 'text'), field('score', 'number'), field('seen', 'date', true)],
    references: [reference('company'), reference('deal')],
  },
  objects: ['contact', 'company'],
  crm: 'HubSpot',
}
const rows = rowsOf(before)
const changed = (change: Partial<Row>, key = 1): Row[] =>
  rows.map((row) => (row.key === key ? { ...row, ...change } : row))

it('is the same mapping as long as nothing is chosen', () => {
  expect(mappingOf(before, rows)).toEqual(before)
  expect(problemsOf(rows, choices)).toEqual(new Map())
  expect(isSame(differenceOf(before, mappingOf(before, rows)))).toBe(true)
})

it.each([
  [{ column: '' }, 'Choose a column.'],
  [{ remote: '' }, 'Choose a field.'],
  [{ column: 'email' }, 'email is mapped twice.'],
  [{ remote: 'email' }, 'email is mapped twice.'],
  [{ column: 'gone' }, 'The table contacts has no column gone.'],
  [{ column: 'shape' }, 'shape is a point, which cannot be synced.'],
  [{ remote: 'gone' }, 'HubSpot has no field gone.'],
  [{ column: 'born', remote: 'score' }, 'SCORE holds values of the kind number, which born, a date, would change.'],
])('says at its row what is wrong with %j', (change, problem) =>
  expect(problemsOf(changed(change), choices).get(1)).toBe(problem),
)

it.each([
  [{ remote: 'deal' }, 'It leads to deal, which is not synced.'],
  [{ remote: 'owner' }, 'HubSpot has no reference owner.'],
  [{ remote: '' }, 'Choose a reference.'],
])('says at its row what is wrong with the reference %j', (change, problem) =>
  expect(problemsOf(changed(change, 2), choices).get(2)).toBe(problem),
)

it('knows which fields are never sent', () => {
  expect(changed({ remote: 'seen' }).map((row) => isInboundOnly(row, choices))).toEqual([false, true, false])
})

describe('what a change comes to', () => {
  it('is what is new, what is no longer synced, and by what records are matched', () => {
    const after = mappingOf(before, [
      ...changed({ remote: 'score', isMatched: true }).filter(({ kind }) => kind === 'field'),
      { key: 9, kind: 'reference', column: 'company_id', remote: 'company', isMatched: true },
    ])
    expect(after.matchBy).toEqual(['email', 'title'])
    expect(differenceOf(before, after)).toEqual({
      added: ['title ↔ score'],
      removed: ['title ↔ jobtitle'],
      matchedBy: ['email', 'title'],
    })
  })

  it('keeps the order in which records are matched', () => {
    const both = { ...before, matchBy: ['title', 'email'] }
    expect(mappingOf(both, rowsOf(both)).matchBy).toEqual(['title', 'email'])
  })
})
