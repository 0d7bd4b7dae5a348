// The habits that a machine can check: a file over 400 lines says why, tests neither sleep nor are
// skipped, nothing is left unfinished in the sources.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const LINES_MAX = 400

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', '*.ts', '*.tsx', '*.sql'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && !/generated|snapshot/.test(file) && !file.startsWith('tools/house-rules'))
  .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))

const offenders = (pattern: RegExp, only: RegExp = /./): string[] =>
  files
    .filter(({ file }) => only.test(file))
    .flatMap(({ file, text }) =>
      text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [])),
    )

/** A call from its name to its last parenthesis. */
function callAt(text: string, from: number): string {
  let depth = 0
  for (let at = text.indexOf('(', from); at < text.length; at += 1) {
    if (text[at] === '(') depth += 1
    if (text[at] === ')') depth -= 1
    if (depth === 0) return text.slice(from, at + 1)
  }
  return text.slice(from)
}

describe('house rules', () => {
  it('a file over 400 lines says why in its header', () => {
    const silent = files.filter(
      ({ text }) =>
        text.split('\n').length > LINES_MAX && !/long because/i.test(text.split('\n').slice(0, 12).join('\n')),
    )
    expect(silent.map(({ file }) => file)).toEqual([])
  })

  it('no test is skipped, focused or expected to fail', () => {
    expect(offenders(/\b(it|test|describe)\.(skip|only|todo|fails|skipIf)\b/, /\.test\.tsx?$/)).toEqual([])
  })

  it('no test sleeps for a fixed time', () => {
    expect(offenders(/waitForTimeout|\bsleep\(|setTimeout\([^,)]+,\s*\d{3,}\)/, /\.test\.tsx?$/)).toEqual([])
  })

  it('no test gives up within a minute what it waits for', () => {
    expect(offenders(/\btimeout: (\d{1,4}|[1-5]\d_?\d{3})\b/, /\.test\.tsx?$/)).toEqual([])
    const waits = files
      .filter(({ file }) => /\.test\.tsx?$/.test(file))
      .flatMap(({ file, text }) =>
        [...text.matchAll(/\bvi\.wait(For|Until)\(/g)].map(({ index }) => ({ file, text: callAt(text, index) })),
      )
    expect(waits.length).toBeGreaterThan(10)
    expect(waits.filter(({ text }) => !/\bsoon\b|timeout: /.test(text))).toEqual([])
  })

  it('nothing is left for later', () => {
    expect(offenders(/\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([])
  })
})
