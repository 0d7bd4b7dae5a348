import { RowhouseError } from '@rowhouse/contracts'
import { describe, expect, it } from 'vitest'
import { reportError } from './error.ts'
import { renderAgo, renderDuration } from './moment.ts'
import { renderTable } from './table.ts'

describe('output', () => {
  it('aligns a table', () => {
    expect(
      renderTable(
        ['slug', 'plan'],
        [
          ['acme', 'team'],
          ['cedar-freight', 'business'],
        ],
      ),
    ).toBe('SLUG           PLAN\nacme           team\ncedar-freight  business\n')
    expect(renderTable(['slug'], [])).toBe('')
  })

  it('says durations and ages', () => {
    expect([12, 999, 1000, 61_000, 7_200_000, 172_800_000].map(renderDuration)).toEqual([
      '12 ms',
      '999 ms',
      '1 s',
      '1 min',
      '2 h',
      '2 d',
    ])
    expect(renderAgo(null, 0)).toBe('never')
    expect(renderAgo('1970-01-01T00:00:00.000Z', 65_000)).toBe('1 min ago')
  })

  it('reports an error as one coded line and a hint, and gives its exit code', () => {
    let text = ''
    const write = (part: string) => (text += part)
    const error = new RowhouseError('port_in_use', 'Port 4400 is taken.')
    expect(reportError(error, { json: false, write })).toBe(3)
    expect(text).toBe(`error[port_in_use]: Port 4400 is taken.\n  hint: ${error.hint}\n`)
    text = ''
    reportError(error, { json: true, write })
    expect(JSON.parse(text)).toMatchObject({ code: 'port_in_use', hint: error.hint })
  })

  it('reports a defect as internal, with exit code 3', () => {
    let text = ''
    expect(reportError(new TypeError('x is not a function'), { json: false, write: (part) => (text += part) })).toBe(3)
    expect(text).toContain('error[internal]')
  })
})
