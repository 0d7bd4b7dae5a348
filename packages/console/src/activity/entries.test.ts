import type { ActivityItem } from '@rowhouse/contracts'
import { describe, expect, it } from 'vitest'
import { activityOf } from '../../dev/fixtures.ts'
import { BULK_MIN, entriesOf, singles } from './entries.ts'

const START_MS = Date.parse('2026-03-01T12:00:00.000Z')

/** Newest first: the first of the list has the highest position. */
const item = (seq: number, change: Partial<ActivityItem> = {}): ActivityItem => ({
  ...activityOf(0, seq, 1000),
  seq: String(seq),
  at: new Date(START_MS + seq * 10).toISOString(),
  direction: 'inbound',
  action: 'insert',
  table: 'contacts',
  connectionId: '0c000000-0000-4000-8000-000000000001',
  ...change,
})
const read = (from: number, count: number, change: Partial<ActivityItem> = {}): ActivityItem[] =>
  Array.from({ length: count }, (_, index) => item(from - index, change))

describe('entries of the feed', () => {
  it('keeps every item once and in order', () => {
    const items = [item(300, { action: 'update' }), ...read(200, 40), ...read(150, 3), item(90, { direction: 'local' })]
    const shown = entriesOf(items).flatMap((entry) => (entry.kind === 'bulk' ? entry.items : [entry.item]))
    expect(shown).toEqual(items)
  })

  it('puts what was read at once in one line, and counts it apart', () => {
    const edit = item(300, { action: 'update' })
    const entries = entriesOf([edit, ...read(200, 40)])
    expect(entries.map(({ kind }) => kind)).toEqual(['change', 'bulk'])
    expect(singles(entries)).toEqual([edit])
  })

  it('shows a few new records one by one', () => {
    expect(entriesOf(read(200, BULK_MIN - 1)).every(({ kind }) => kind === 'change')).toBe(true)
  })

  it('does not join tables, directions, or what came a while later', () => {
    const later = read(200, 5).map((one) => ({ ...one, at: new Date(START_MS + 60_000).toISOString() }))
    const entries = entriesOf([...later, ...read(150, 5), ...read(140, 5, { table: 'companies' })])
    expect(entries.map((entry) => (entry.kind === 'bulk' ? entry.items.length : 1))).toEqual([5, 5, 5])
    expect(entriesOf(read(200, 9, { direction: 'outbound' })).every(({ kind }) => kind === 'change')).toBe(true)
  })

  it('shows an opened reading item by item, also what is read of it later', () => {
    const items = read(200, 20)
    const opened = new Set(items.slice(0, 10).map(({ seq }) => seq))
    expect(singles(entriesOf(items, opened))).toEqual(items)
  })

  it('keeps the key of a reading while older records join it', () => {
    const [before] = entriesOf(read(200, 20))
    const [after] = entriesOf(read(200, 60))
    expect(after?.key).toBe(before?.key)
  })
})
