import type { ActivityItem } from '@rowhouse/contracts'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { activityOf } from '../../dev/fixtures.ts'
import { FEED_ITEMS_MAX, compareSeq, emptyFeed, passes, reduceFeed } from './feed.ts'
import type { Feed } from './feed.ts'

const item = (seq: number, change: Partial<ActivityItem> = {}): ActivityItem => ({
  ...activityOf(0, seq, 10_000),
  ...change,
})
const page = (from: number, to: number, next: string | null): Feed =>
  reduceFeed(emptyFeed, {
    type: 'page',
    items: Array.from({ length: from - to + 1 }, (_, index) => item(from - index)),
    next,
  })
const seqs = (items: readonly ActivityItem[]): number[] => items.map(({ seq }) => Number(seq))

describe('the feed', () => {
  it('orders positions as numbers, beyond what a double holds', () => {
    expect(['10', '9', '9007199254740993', '9007199254740992'].sort(compareSeq)).toEqual([
      '9',
      '10',
      '9007199254740992',
      '9007199254740993',
    ])
  })

  it('patches a change in its place and keeps the order', () => {
    const feed = reduceFeed(page(12, 10, '10'), {
      type: 'arrived',
      items: [item(11, { status: 'parked' })],
      hold: true,
    })
    expect(seqs(feed.items)).toEqual([12, 11, 10])
    expect([feed.items[1]?.status, feed.waiting]).toEqual(['parked', []])
  })

  it('holds new changes back, patches them there too, and lets them in', () => {
    let feed = reduceFeed(page(12, 10, '10'), {
      type: 'arrived',
      items: [item(13, { status: 'pending' }), item(14)],
      hold: true,
    })
    expect([seqs(feed.items), seqs(feed.waiting)]).toEqual([
      [12, 11, 10],
      [14, 13],
    ])
    feed = reduceFeed(feed, { type: 'arrived', items: [item(13, { status: 'delivered' })], hold: true })
    feed = reduceFeed(feed, { type: 'released' })
    expect([seqs(feed.items), feed.waiting, feed.items[1]?.status]).toEqual([[14, 13, 12, 11, 10], [], 'delivered'])
  })

  it('appends older pages, and a first page read again does not rewind the end', () => {
    let feed = reduceFeed(page(12, 10, '10'), { type: 'page', items: [item(9), item(8)], next: '8' })
    expect([seqs(feed.items), feed.next]).toEqual([[12, 11, 10, 9, 8], '8'])
    feed = reduceFeed(feed, { type: 'page', items: [item(13), item(12), item(11)], next: '11' })
    expect([seqs(feed.items), feed.next]).toEqual([[13, 12, 11, 10, 9, 8], '8'])
    expect(reduceFeed(feed, { type: 'page', items: [], next: null }).next).toBeNull()
  })

  it('starts anew when the newest page does not reach what is there', () => {
    const feed = reduceFeed(page(12, 10, '10'), { type: 'page', items: [item(90), item(89)], next: '89' })
    expect([seqs(feed.items), feed.next]).toEqual([[90, 89], '89'])
  })

  it('is bounded, and older ones can be read again', () => {
    const feed = page(FEED_ITEMS_MAX + 5, 1, null)
    expect([feed.items.length, feed.next]).toEqual([FEED_ITEMS_MAX, '6'])
  })

  it('shows each position once and newest first, whatever arrives in whatever order', () => {
    const event = fc.record({
      seqs: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 8 }),
      hold: fc.boolean(),
      release: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        let feed = emptyFeed
        const all = new Set<number>()
        for (const { seqs: arrived, hold, release } of events) {
          for (const seq of arrived) all.add(seq)
          feed = reduceFeed(feed, { type: 'arrived', items: arrived.map((seq) => item(seq)), hold })
          if (release) feed = reduceFeed(feed, { type: 'released' })
          expect(seqs(feed.items)).toEqual([...new Set(seqs(feed.items))].sort((a, b) => b - a))
        }
        feed = reduceFeed(feed, { type: 'released' })
        expect(seqs(feed.items)).toEqual([...all].sort((a, b) => b - a))
      }),
    )
  })

  it('filters by every part at once', () => {
    const none = { direction: null, table: null, recordId: null }
    const change = item(5, { direction: 'inbound', table: 'contacts', recordId: 'r' })
    expect(passes(change, none)).toBe(true)
    expect(passes(change, { direction: 'inbound', table: 'contacts', recordId: 'r' })).toBe(true)
    expect(passes(change, { ...none, direction: 'outbound' })).toBe(false)
    expect(passes(change, { ...none, table: 'companies' })).toBe(false)
    expect(passes(change, { ...none, recordId: 's' })).toBe(false)
  })
})
