import { describe, expect, it } from 'vitest'

import { orderParts } from './order.ts'
import type { Part } from './read-catalogue.ts'

const part = (id: string, rank: number, stub: string | null = null): Part => ({
  id, kind: 'thing', name: id, rank, sql: `make ${id}`, stub, aliases: [`alias of ${id}`], language: null, trusted: null, source: null,
}) // prettier-ignore

describe('the order of parts', () => {
  it('puts what is needed first, whatever its rank, and names aliases for what they stand for', () => {
    const { planned } = orderParts(
      [part('view', 35), part('function', 10)],
      [
        { needing: 'function', needed: 'alias of view' },
        { needing: 'view', needed: 'built in' },
      ],
    )
    expect(planned.map(({ sql }) => sql)).toEqual(['make view', 'make function'])
  })

  it('breaks a circle by a stub, and replaces it', () => {
    const { planned } = orderParts(
      [part('view', 35, 'stub of view'), part('function', 10, 'stub of function')],
      [
        { needing: 'function', needed: 'view' },
        { needing: 'view', needed: 'function' },
      ],
    )
    expect(planned.map(({ sql }) => sql)).toEqual(['stub of view', 'make function', 'make view'])
  })

  it('ends with every part once where a circle cannot be broken', () => {
    const { planned } = orderParts(
      [part('a', 2), part('b', 1)],
      [
        { needing: 'a', needed: 'b' },
        { needing: 'b', needed: 'a' },
      ],
    )
    expect(planned.map(({ sql }) => sql)).toEqual(['make b', 'make a'])
  })
})
