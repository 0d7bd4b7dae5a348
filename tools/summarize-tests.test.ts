// The line that .ci/run ends with, from what the runner really writes: of a file that does not load, of a hook that fails, of
// a worker that dies, and of a runner that is killed itself.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { summarizeTests } from './summarize-tests.ts'

const root = join(import.meta.dirname, '..')
const passing = `import { it } from 'vitest'; it('is right', () => {})`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rowhouse-summary-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** The line after a run of these test files, as .ci/run makes it. */
function lineAfter(files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const report = join(folder, 'report.json')
  const words = ['run', '--root', folder, '--reporter=json', `--outputFile=${report}`]
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...words])
  return execFileSync(process.execPath, [join(root, 'tools/summarize-tests.ts'), report, String(status ?? 1)], {
    encoding: 'utf8',
  })
}

it('counts what passed', () => {
  expect(lineAfter({ 'a.test.ts': passing })).toBe('tests: 1 passed, 0 failed, 0 skipped\n')
})

it('counts a test that failed, a file that does not load and a hook that fails as one each', () => {
  const line = lineAfter({
    'a.test.ts': passing,
    'b.test.ts': `import { it } from 'vitest'; it('is wrong', () => { throw new Error('no') })`,
    'c.test.ts': `import 'nowhere'; ${passing}`,
    'd.test.ts': `import { beforeAll } from 'vitest'; ${passing}; beforeAll(() => { throw new Error('no') })`,
  })
  expect(line).toMatch(/^tests: 1 passed, 3 failed, [01] skipped\n$/)
})

it.each([
  ['a worker dies', { 'a.test.ts': passing, 'b.test.ts': `process.kill(process.pid, 'SIGKILL')` }],
  ['something fails after its test', { 'a.test.ts': `${passing}; setTimeout(() => { throw new Error('late') }, 0)` }],
  ['the runner breaks', { 'vitest.config.ts': `throw new Error('no')` }],
  ['there is no test', {}],
])('has failures where %s', (_, files) => {
  expect(lineAfter(files)).toMatch(/^tests: \d+ passed, [1-9]\d* failed, 0 skipped\n$/)
})

it('has a failure without a report, with half of one, and where the runner ended with another code than its report', () => {
  const whole = JSON.stringify({ numPassedTests: 3, numPendingTests: 1, numTodoTests: 1, testResults: [] })
  expect(summarizeTests(whole, 0)).toBe('tests: 3 passed, 0 failed, 2 skipped')
  expect(summarizeTests(whole, 1)).toBe('tests: 3 passed, 1 failed, 2 skipped')
  expect(summarizeTests(whole.slice(0, 20), 0)).toBe('tests: 0 passed, 1 failed, 0 skipped')
  expect(summarizeTests('', 0)).toBe('tests: 0 passed, 1 failed, 0 skipped')
})

it('is the last line of .ci/run, also where nothing could be installed', () => {
  const script = join(folder, '.ci/run')
  execFileSync('mkdir', ['-p', join(folder, '.ci'), join(folder, 'bin')])
  writeFileSync(script, readFileSync(join(root, '.ci/run')), { mode: 0o755 })
  writeFileSync(join(folder, 'bin/npm'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  const { stdout, status } = spawnSync(script, {
    encoding: 'utf8',
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` },
  })
  expect([stdout, status]).toEqual(['tests: 0 passed, 1 failed, 0 skipped\n', 1])
})
