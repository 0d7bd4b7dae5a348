import { describe, expect, it } from 'vitest'
import { beginningOf, dayIn } from './zone.ts'

describe('a day in a zone', () => {
  it.each([
    // An hour is left out in spring and comes twice in autumn; in Cairo and Asuncion it is the first of the day.
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00.000Z'],
    ['Europe/Berlin', '2026-03-30', '2026-03-29T22:00:00.000Z'],
    ['Europe/Berlin', '2026-10-25', '2026-10-24T22:00:00.000Z'],
    ['Europe/Berlin', '2026-10-26', '2026-10-25T23:00:00.000Z'],
    ['US/Eastern', '2026-03-08', '2026-03-08T05:00:00.000Z'],
    ['US/Eastern', '2026-03-09', '2026-03-09T04:00:00.000Z'],
    ['Africa/Cairo', '2024-04-26', '2024-04-25T22:00:00.000Z'],
    ['Asia/Kolkata', '2026-01-01', '2025-12-31T18:30:00.000Z'],
    ['Pacific/Kiritimati', '2026-01-01', '2025-12-31T10:00:00.000Z'],
    ['Pacific/Pago_Pago', '2026-01-01', '2026-01-01T11:00:00.000Z'],
    ['Nowhere/Atall', '2026-01-01', '2026-01-01T00:00:00.000Z'],
  ])('%s: %s begins at %s, and the moment before is another day', (zone, day, instant) => {
    const ms = beginningOf(zone, day)
    expect(new Date(ms).toISOString()).toBe(instant)
    expect(dayIn(zone, ms)).toBe(day)
    expect(dayIn(zone, ms - 1)).not.toBe(day)
  })
})
