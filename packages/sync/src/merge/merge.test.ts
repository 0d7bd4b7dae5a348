import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { merge } from './merge.ts'
import type { FieldValues } from '@rowhouse/connectors'
import type { Policy } from './merge.ts'

const value = fc.constantFrom(null, '1', '2', '3')
const fields = fc.record({ a: value, b: value, c: value })
const base = fc.record({ a: value, b: value, c: value }, { requiredKeys: [] })
const decisive = fc.constantFrom<Policy>('database', 'crm', 'newest')
const times = fc.record({
  localMs: fc.option(fc.integer({ min: 0, max: 9 })),
  remoteMs: fc.option(fc.integer({ min: 0, max: 9 })),
  uncertaintyMs: fc.constantFrom(0, 3),
  fixedSide: fc.constantFrom('local' as const, 'remote' as const),
})

describe('merge', () => {
  it('converges: after both patches the sides are equal, and base follows once what was sent has arrived', () => {
    fc.assert(
      fc.property(base, fields, fields, decisive, times, (base, local, remote, policy, times) => {
        const first = merge(base, local, remote, { policy, times })
        const here = { ...local, ...first.local }
        const there = { ...remote, ...first.remote }
        expect(here).toEqual(there)
        const second = merge(first.base, here, there, { policy, times })
        expect(second.local).toEqual({})
        expect(second.remote).toEqual({})
        expect(second.conflicts).toEqual([])
        expect(second.base).toEqual(here)
      }),
    )
  })

  it('is idempotent: before the patch has arrived, merging again asks for the same and disputes nothing', () => {
    fc.assert(
      fc.property(base, fields, fields, decisive, (base, local, remote, policy) => {
        const first = merge(base, local, remote, { policy })
        const again = merge(first.base, { ...local, ...first.local }, remote, { policy })
        expect(again.remote).toEqual(first.remote)
        expect(again.local).toEqual({})
        expect(again.conflicts).toEqual([])
      }),
    )
  })

  it('loses nothing in silence: an overwritten value was the base, was empty at a first meeting, or is in a conflict', () => {
    fc.assert(
      fc.property(base, fields, fields, decisive, (base, local, remote, policy) => {
        const merged = merge(base, local, remote, { policy })
        const said = (field: string, lost: FieldValues) =>
          (base as FieldValues)[field] === lost[field] ||
          ((base as FieldValues)[field] === undefined && lost[field] === null) ||
          merged.conflicts.some((conflict) => conflict.field === field)
        for (const field of Object.keys(merged.local)) expect(said(field, local)).toBe(true)
        for (const field of Object.keys(merged.remote)) expect(said(field, remote)).toBe(true)
      }),
    )
  })

  it('leaves a manual conflict alone, base and all', () => {
    const merged = merge({ a: '1' }, { a: '2' }, { a: '3' }, { policy: 'manual' })
    expect(merged).toEqual({
      local: {},
      remote: {},
      base: { a: '1' },
      conflicts: [{ field: 'a', base: '1', local: '2', remote: '3', winner: null }],
    })
  })

  it('lets the newer side win, and the fixed side inside the uncertainty', () => {
    const at = (localMs: number, remoteMs: number) =>
      merge(
        { a: '1' },
        { a: '2' },
        { a: '3' },
        {
          policy: 'newest',
          times: { localMs, remoteMs, uncertaintyMs: 10, fixedSide: 'local' },
        },
      ).conflicts[0]?.winner
    expect(at(100, 50)).toBe('local')
    expect(at(50, 100)).toBe('remote')
    expect(at(100, 105)).toBe('local')
  })

  it('leaves a field alone that one side could not tell', () => {
    expect(merge({ a: '1' }, {}, { a: '3' }, { policy: 'crm' })).toEqual({
      local: {},
      remote: {},
      base: { a: '1' },
      conflicts: [],
    })
  })
})
