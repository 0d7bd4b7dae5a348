import { describe, expect, it } from 'vitest'

import { flatten } from './flatten.ts'

describe('a condition', () => {
  it.each([
    ['WHEN ((((a) OR (b)) OR (c))) EXECUTE', 'WHEN (((a) OR (b) OR (c))) EXECUTE'],
    ['((x = 1) AND ((y = 2) AND (z = 3)))', '((x = 1) AND (y = 2) AND (z = 3))'],
  ])('loses parentheses around the same operator: %s', (text, flat) => {
    expect(flatten(text)).toBe(flat)
    expect(flatten(flat)).toBe(flat)
  })

  it.each([
    '((a OR b) AND c)',
    '(a OR (b AND c))',
    'f((a OR b))',
    "(a OR 'text (OR) more' OR (NOT b))",
    'numeric(10,2)',
  ])('keeps those that mean something: %s', (text) => {
    expect(flatten(text)).toBe(text)
  })
})
