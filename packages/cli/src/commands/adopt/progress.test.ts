import { describe, expect, it } from 'vitest'
import { makeProgress } from './progress.ts'

const rows = (pagesDone: number) =>
  ({
    type: 'rows',
    table: 'public.contacts',
    rowsDone: pagesDone * 100,
    pagesDone,
    pagesTotal: 200,
    pass: 1,
    rowsPerSecond: 50_000,
    leftMs: 61_000,
  }) as const
const step = (state: 'started' | 'done') =>
  ({ type: 'step', position: 3, of: 14, table: 'public.contacts', name: 'backfill', state, tookMs: 1200 }) as const

describe('progress', () => {
  it('is a bar that is written over itself on a terminal, with rows a second and what is left', () => {
    let text = ''
    let now = 0
    const { report } = makeProgress({
      json: false,
      output: { isTTY: true, columns: 100, write: (part) => (text += part) },
      environment: {},
      now: () => now,
    })
    report(step('started'))
    report(rows(50))
    now += 50
    report(rows(60))
    report(rows(200))
    report(step('done'))
    expect(text.split('\r\u001B[K')).toEqual([
      ' 3/14 public.contacts: backfill …',
      `  [${'#'.repeat(8)}${'.'.repeat(22)}] 25 %  public.contacts: 5000 rows, 50000/s, 1 min left`,
      `  [${'#'.repeat(30)}] 100 %  public.contacts: 20000 rows, 50000/s, 1 min left`,
      ' 3/14 public.contacts: backfill: done, 1 s\n',
    ])
  })

  it('is a line a step elsewhere, and JSON lines for programs', () => {
    for (const json of [false, true]) {
      let text = ''
      const { report } = makeProgress({ json, output: { write: (part) => (text += part) }, environment: {} })
      report({ type: 'waiting', table: 'public.contacts', for: 'a lock; psql 7' })
      report(step('done'))
      expect(text).toBe(
        json
          ? `${JSON.stringify({ type: 'waiting', table: 'public.contacts', for: 'a lock; psql 7' })}\n${JSON.stringify(step('done'))}\n`
          : '  waiting for a lock; psql 7\n 3/14 public.contacts: backfill: done, 1 s\n',
      )
    }
  })
})
