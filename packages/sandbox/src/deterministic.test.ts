// The same seed, the same answers: ids, tokens, stamps and chances, from one start to the next and with every CRM.
import { describe, expect, it } from 'vitest'
import { startSandbox } from './sandbox.ts'
import { hubspotRequests, netsuiteRequests, salesforceRequests } from './test-plain-requests.ts'
import type { Answered } from './test-plain-requests.ts'

const AT_MS = Date.parse('2026-03-01T12:00:00Z')

/** What was answered, whole, but for the port that the machine gave, and for what signs an address that has it. */
async function answersOf(seed: string, ask: (typeof crms)[number]['ask']): Promise<string[]> {
  let ticks = 0
  const sandbox = await startSandbox({ seed, now: () => AT_MS + ticks++ * 1000 })
  try {
    const answers: readonly Answered[] = await ask(sandbox)
    return answers.map(({ method, path, status, body, headers }) =>
      [method, path, status, JSON.stringify(body, unsigned), headers.get('location')]
        .join(' ')
        .replaceAll(sandbox.url, ''),
    )
  } finally {
    await sandbox.close()
  }
}

const unsigned = (name: string, value: unknown): unknown => (name === 'signature' ? '' : value)

const crms = [
  { name: 'HubSpot', ask: hubspotRequests },
  { name: 'Salesforce', ask: salesforceRequests },
  { name: 'NetSuite', ask: netsuiteRequests },
] as const

describe.each(crms)('$name', ({ ask }) => {
  it('answers the same to the same seed, and otherwise to another', async () => {
    const first = await answersOf('one', ask)
    expect(first.length).toBeGreaterThan(10)
    expect(await answersOf('one', ask)).toEqual(first)
    expect(await answersOf('two', ask)).not.toEqual(first)
  })
})
