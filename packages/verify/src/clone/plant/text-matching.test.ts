import { describe, expect, it } from 'vitest'

import { textMatching } from './text-matching.ts'

const patterns = [
  '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
  '^[0-9a-f]{8}$',
  '^\\+[1-9]\\d{6,14}$',
  '^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$',
  '^(draft|sent|paid)$',
  '^v\\d+\\.\\d+(\\.\\d+)?$',
  '^(?:https?)://[a-z]+\\.example\\.com$',
  '^[A-Z]{2}-\\d{4}$',
]

describe('a text for a regular expression', () => {
  it.each(patterns)('matches %s', (pattern) => {
    const regex = new RegExp(pattern)
    const texts = Array.from({ length: 50 }, (_, ordinal) => textMatching(pattern, ordinal))
    expect(texts.filter((text) => !regex.test(text))).toEqual([])
  })

  it('is the same for the same number, and knows the classes of POSIX', () => {
    expect(textMatching('^[a-z]{12}$', 7)).toBe(textMatching('^[a-z]{12}$', 7))
    expect(textMatching('^[a-z]{12}$', 7)).not.toBe(textMatching('^[a-z]{12}$', 8))
    expect(textMatching('^[[:digit:]]{4}[[:upper:]]$', 3)).toMatch(/^\d{4}[A-Z]$/)
  })

  it('ends on a pattern that is none', () => {
    expect(typeof textMatching('([a-', 1)).toBe('string')
    expect(typeof textMatching('**', 1)).toBe('string')
  })
})
