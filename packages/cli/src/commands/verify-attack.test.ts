import { expect, it } from 'vitest'

import { showSeldom } from './verify-attack.ts'

it('tells now and then how far it is, where nobody watches', () => {
  const lines: string[] = []
  let nowMs = 0
  const show = showSeldom((line) => lines.push(line), { everyMs: 30_000, now: () => nowMs })
  for (nowMs = 0; nowMs <= 70_000; nowMs += 10_000) show(`probe ${nowMs / 1000}`)
  show('')
  expect(lines).toEqual(['probe 30', 'probe 60'])
})
