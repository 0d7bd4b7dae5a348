// What one instant in two clocks says of all others, over a century of changes of the clocks.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Clocks, offsetAt } from './zones.ts'

const zones = ['America/Los_Angeles', 'Europe/Paris', 'Asia/Kolkata', 'Australia/Sydney', 'America/St_Johns', 'Etc/UTC']
const zone = fc.constantFrom(...zones)
const second = fc
  .integer({ min: Date.parse('2001-01-01') / 1000, max: Date.parse('2035-01-01') / 1000 })
  .map((seconds) => seconds * 1000)
const minutes = (count: number): number => count * 60_000

describe('the clocks of an account', () => {
  it('leave the true instant among those that are possible, whatever is known', () => {
    fc.assert(
      fc.property(zone, fc.array(second, { maxLength: 4 }), second, (name, known, instant) => {
        const clocks = new Clocks()
        for (const at of known) expect(clocks.learn(at, at + offsetAt(name, at))).toBe(true)
        expect(clocks.instants(instant + offsetAt(name, instant))).toContain(instant)
      }),
    )
  })

  it('show nothing before the lowest time within hours of an instant', () => {
    fc.assert(
      fc.property(zone, second, fc.integer({ min: 0, max: 180 }), (name, instant, later) => {
        const clocks = new Clocks()
        clocks.learn(instant, instant + offsetAt(name, instant))
        const at = instant + minutes(later)
        expect(at + offsetAt(name, at)).toBeGreaterThanOrEqual(clocks.lowest(instant))
        const blind = new Clocks()
        expect(at + offsetAt(name, at)).toBeGreaterThanOrEqual(blind.lowestAfter(instant + offsetAt(name, instant)))
      }),
    )
  })

  it('go back an hour in autumn: the lowest time is then the hour that comes again, else the time itself', () => {
    const clocks = new Clocks()
    const name = 'America/Los_Angeles'
    const autumn = Date.parse('2026-11-01T08:30:00Z')
    clocks.learn(autumn, autumn + offsetAt(name, autumn))
    const summer = Date.parse('2026-07-01T08:30:00Z')
    const winter = Date.parse('2026-01-01T08:30:00Z')
    for (const known of [summer, winter]) clocks.learn(known, known + offsetAt(name, known))
    expect(new Date(clocks.lowest(autumn)).toISOString()).toBe('2026-11-01T01:00:00.000Z')
    expect(clocks.lowest(summer)).toBe(summer + offsetAt(name, summer))
    expect(clocks.instants(Date.parse('2026-11-01T01:30:00Z'))).toEqual([autumn, autumn + minutes(60)])
    expect(clocks.instants(Date.parse('2026-12-01T01:30:00Z'))).toEqual([Date.parse('2026-12-01T09:30:00Z')])
  })

  it('teach nothing by what cannot be one moment', () => {
    const clocks = new Clocks()
    expect(clocks.learn(0, minutes(60) + 1000)).toBe(false)
    expect(clocks.learn(0, minutes(16 * 60))).toBe(false)
    expect(clocks.instants(0).length).toBeGreaterThan(10)
  })

  it('of a zone that nobody can choose are taken by their offset', () => {
    const clocks = new Clocks()
    expect(clocks.learn(0, minutes(8 * 60 + 45))).toBe(true)
    expect(clocks.instants(minutes(600))).toEqual([minutes(600) - minutes(8 * 60 + 45)])
    expect(clocks.lowest(0)).toBe(minutes(8 * 60 + 45))
  })
})
