import { describe, expect, it } from 'vitest'

import { makeVerifyProgress } from './verify-progress.ts'
import type { VerifyEvent } from './verify-progress.ts'

const attacking = (done: number): VerifyEvent => ({
  type: 'attack',
  phase: 'attacking',
  done,
  total: 100,
  findings: 0,
})

function run(json: boolean, events: readonly (readonly [atMs: number, event: VerifyEvent])[]): string[] {
  const lines: string[] = []
  let nowMs = 0
  const output = { isTTY: false, write: (text: string) => lines.push(text.trimEnd()) }
  const progress = makeVerifyProgress({ json, output, environment: {}, now: () => nowMs })
  for (const [atMs, event] of events) {
    nowMs = atMs
    progress.report(event)
  }
  progress.end()
  return lines
}

describe('progress of a verification', () => {
  it('tells now and then how far it is, where nobody watches', () => {
    const events = Array.from({ length: 8 }, (_, ten) => [ten * 10_000, attacking(ten * 10)] as const)
    expect(run(false, events)).toEqual(['probe 30 of 100', 'probe 60 of 100'])
  })

  it('tells programs each phase that begins and, each second, how far it is, as JSON', () => {
    const done = { ...attacking(100), phase: 'done' } as VerifyEvent
    const lines = run(true, [
      [0, { type: 'rules', done: 1, total: 90 }],
      [500, attacking(0)],
      [900, attacking(5)],
      [1600, attacking(40)],
      [1700, { type: 'copying', step: 'copying' }],
      [1800, done],
    ])
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([attacking(0), attacking(40), done])
  })
})
