import { expect, it } from 'vitest'
import { alertOf } from '../../dev/measures.ts'
import { withAlert } from './alerts.ts'
import { formatFactor, formatMs, headlineOf } from './words.ts'

it('a changed alert takes its place, a new one comes first, a closed one leaves the open', () => {
  const [one, two] = [alertOf(0), alertOf(1)]
  const isOpen = ({ closedAt }: { closedAt: string | null }): boolean => closedAt === null
  const list = { items: [one] }
  expect(withAlert(list, two, isOpen)?.items).toEqual([two, one])
  const worse = { ...one, factor: 9 }
  expect(withAlert({ items: [two, one] }, worse, isOpen)?.items).toEqual([two, worse])
  expect(withAlert(list, { ...one, closedAt: one.openedAt, closedBecause: 'recovered' }, isOpen)?.items).toEqual([])
  expect(withAlert(undefined, one, isOpen)).toBeUndefined()
})

it('says how much slower, in digits that matter', () => {
  expect([4.23, 12.7].map(formatFactor)).toEqual(['4.2 ×', '13 ×'])
  expect(headlineOf([alertOf(0), alertOf(1)], false)).toMatch(/^More than 2 organizations are slower/)
  expect([0.84, 12.4, 380, 1430].map(formatMs)).toEqual(['0.8 ms', '12 ms', '380 ms', '1.4 s'])
  expect([0, 1, 2].map((count) => headlineOf(Array.from({ length: count }, (_, index) => alertOf(index))))).toEqual([
    'No organization is slower than it usually is.',
    '1 organization is slower than it usually is.',
    '2 organizations are slower than they usually are.',
  ])
})
