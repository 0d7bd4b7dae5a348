// Clients that others wrote, call by call: each call is made, and the list in docs/sandbox.md is the list of
// calls made here. Beside it: every row of the fidelity tables names its source and a test that is there.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox } from './sandbox.ts'
import type { Sandbox } from './sandbox.ts'
import { hubspotCalls, netsuiteCalls, salesforceCalls } from './test-client-calls.ts'

const docs = readFileSync(join(import.meta.dirname, '../../../docs/sandbox.md'), 'utf8')

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.close())

describe.each([
  ['@hubspot/api-client', hubspotCalls],
  ['jsforce', salesforceCalls],
  ['netsuite-rest', netsuiteCalls],
] as const)('%s', (name, callsOf) => {
  it('makes every call that the docs list, and the docs list every call', async () => {
    const calls = callsOf(sandbox)
    for (const [call, make] of calls) {
      try {
        await make()
      } catch (error) {
        throw new Error(`${call} failed: ${String(error)}`, { cause: error })
      }
    }
    expect(docs).toContain(`| \`${name}\` | ${calls.map(([call]) => call).join(' · ')} |`)
  })
})

describe('the fidelity tables', () => {
  const rows = docs
    .slice(docs.indexOf('## Fidelity'))
    .split('\n')
    .filter((line) => /^\| .+ \|$/.test(line) && line.split(' | ').length === 4)
    .map((line) => line.slice(2, -2).split(' | '))
    .filter(([endpoint]) => endpoint !== 'endpoint')

  it.each(rows)('%s: its source is named, its test is there', (_endpoint, _simulated, source, tests) => {
    expect(source).not.toBe('')
    for (const test of tests.trim().split(', ')) {
      const [folder = '', file = ''] = test.split('/')
      expect(globSync(`${folder}/**/${file}.test.ts`, { cwd: import.meta.dirname })).toHaveLength(1)
    }
  })

  it('are three', () => {
    expect(rows.length).toBeGreaterThan(40)
  })
})
