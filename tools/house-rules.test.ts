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

  it('nothing is left for later', () => {
    expect(offenders(/\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([])
  })
})
