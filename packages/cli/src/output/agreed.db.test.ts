// The question before something ends, on a pseudo-terminal: who may answer it, and what counts as a yes.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { useServed } from '../commands/test-served.ts'
import { openTerminal } from '../commands/test-terminal.ts'
import type { Terminal } from '../commands/test-terminal.ts'

const database = useTestDatabase()
const { rowhouse, asProcess, environment } = useServed(database)
const opened: Terminal[] = []
let id: string

beforeAll(async () => {
  id = (await createTwoWorlds(database())).a.organizationId
})
beforeEach(() =>
  withClient(database().controlUrl, (control) =>
    control.query(`select rowhouse.set_organization_status($1, 'active')`, [id]),
  ),
)
afterEach(() => {
  for (const terminal of opened.splice(0)) terminal.kill()
})

const suspend = (...words: string[]): Terminal => {
  const terminal = openTerminal(['org', 'suspend', id, ...words], {
    columns: 100,
    env: environment(),
  })
  opened.push(terminal)
  return terminal
}
const status = async (): Promise<string | undefined> =>
  withClient(database().controlUrl, async (control) => {
    const { rows } = await control.query<{ status: string }>(
      'select status from rowhouse.organizations where id = $1',
      [id],
    )
    return rows[0]?.status
  })

describe('a person who is asked', () => {
  it.each([
    ['no', 'no\r', 1, 'active'],
    ['an empty line', '\r', 1, 'active'],
    ['y, which is not yes', 'y\r', 1, 'active'],
    ['Ctrl-C', '\u0003', 1, 'active'],
    ['Ctrl-D', '\u0004', 1, 'active'],
    ['yes', 'yes\r', 0, 'suspended'],
  ])('and answers %s', async (_, keys, code, after) => {
    const terminal = suspend()
    await terminal.until('Go on? (yes/no)')
    expect(terminal.bytes()).toMatch(/Suspend \S+\?\r\n {2}Its 3 members, its services and its sync are refused/)
    expect(await status()).toBe('active')
    terminal.type(keys)
    expect(await terminal.ended).toBe(code)
    expect(await status()).toBe(after)
    expect(terminal.bytes().includes('Nothing was changed.')).toBe(code === 1)
  })
})

it('nobody is asked with --yes, and no program: with --json, or where input or output is no terminal', async () => {
  for (const word of ['--yes', '--json']) {
    const terminal = suspend(word)
    expect([word, await terminal.ended, await status()]).toEqual([word, 0, 'suspended'])
    expect(terminal.bytes()).not.toContain('Go on?')
    await rowhouse('org', 'resume', id)
  }
  expect(await asProcess('org', 'suspend', id)).toMatchObject({ code: 0 })
  expect(await status()).toBe('suspended')
})
