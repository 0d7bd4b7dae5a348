// `rowhouse migrate up` as a person sees it, on a pseudo-terminal.
import { makeHomes, useTestDatabase } from '@rowhouse/testkit'
import type { TestHome } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterEach, describe, expect, it } from 'vitest'

import { openTerminal } from '../test-terminal.ts'
import type { Terminal } from '../test-terminal.ts'
import { useMigrations } from './test-migrate.ts'

const database = useTestDatabase()
const { folder, write, rowhouse, admin, untilWaiting } = useMigrations(database)
const opened: Terminal[] = []
let homes: TestHome[]

const CONTACTS = `create table contacts (id uuid primary key default gen_random_uuid(), email text);
select rowhouse.protect('contacts');`
const PHONES = 'alter table contacts add column phone text'
const DROP = '-- rowhouse: allow drop_column because nobody names it\nalter table contacts drop column email'
const CTRL_C = '\u0003'
const CTRL_D = '\u0004'

const begin = async (organizations: number): Promise<void> => {
  homes = await makeHomes(database(), organizations, 0)
  write('20260101000000_create_contacts.sql', CONTACTS)
}
const up = (columns: number, words: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Terminal => {
  const terminal = openTerminal(['migrate', 'up', '--dir', '.', ...words], {
    columns,
    cwd: folder(),
    env: { ROWHOUSE_URL: database().adminUrl, ROWHOUSE_SIGNING_KEY: database().signingKey, ...env },
  })
  opened.push(terminal)
  return terminal
}
/** A home whose table a rollout waits for, until it is let go. */
async function hold(): Promise<() => Promise<void>> {
  const holder = new Client(database().adminUrl)
  await holder.connect()
  await holder.query(`begin; lock table ${homes[3]?.schemaName}.contacts in access share mode`)
  return () => holder.end()
}

afterEach(() => {
  for (const terminal of opened.splice(0)) terminal.kill()
})

const bars = (lines: readonly string[]): string[] => lines.filter((line) => / % {2}\d+\/\d+ homes/.test(line))

describe('the bar', () => {
  it.each([
    [80, {}],
    [40, {}],
    [40, { NO_COLOR: '1' }],
  ])('in %i columns with %o is one line that is written over, and ends on a line of its own', async (columns, env) => {
    await begin(12)
    const terminal = up(columns, ['--connections', '1'], env)
    expect(await terminal.ended).toBe(0)
    const lines = terminal.screen()
    expect(bars(lines)).toEqual([expect.stringMatching(/^ {2}(\[#+\] )?100 % {2}13\/13 homes/)])
    expect(terminal.bytes().match(/ % {2}\d+\/13 homes/g)?.length).toBeGreaterThan(2)
    expect(terminal.bytes()).toMatch(/\r\nDone: 13 homes have 20260101000000, after .+\.\r\n$/)
    expect(lines.filter((line) => line.startsWith('Wave'))).toHaveLength(5)
  })

  it('is none where a terminal cannot write over a line: lines, as in a file', async () => {
    await begin(2)
    const terminal = up(80, [], { TERM: 'dumb' })
    expect(await terminal.ended).toBe(0)
    expect(terminal.bytes()).not.toContain('\u001B')
    expect(bars(terminal.bytes().split('\r\n')).length).toBeGreaterThan(1)
  })
})

describe('Ctrl-C', () => {
  it('stops between homes, once however often it arrives, and what is said of it has lines of its own', async () => {
    await begin(6)
    expect((await rowhouse('up', '--dir', '.')).code).toBe(0)
    write('20260102000000_phones.sql', PHONES)
    const release = await hold()
    const terminal = up(80, ['--lock-timeout', '60000', '--connections', '1'])
    await untilWaiting()
    // npm sends it once more than the terminal has.
    terminal.type(`${CTRL_C}${CTRL_C}`)
    await terminal.until('Stopping after')
    await release()
    expect(await terminal.ended).toBe(3)
    const lines = terminal.screen()
    expect(lines).toContainEqual(expect.stringMatching(/^(\^C)*Stopping after these homes; once more stops at once/))
    expect(lines).toContainEqual(expect.stringMatching(/^error\[rollout_interrupted\]: /))
    expect(lines.join('\n').match(/Stopping/g)).toHaveLength(1)
    expect((await rowhouse('up', '--dir', '.')).code).toBe(0)
  })
})

describe('before something goes for good a person is asked', () => {
  it.each([
    ['no', 'no\r'],
    ['y, which is not yes', 'y\r'],
    ['Ctrl-C', CTRL_C],
    ['Ctrl-D', CTRL_D],
  ])('and after %s nothing was done', async (_, keys) => {
    await begin(1)
    expect((await rowhouse('up', '--dir', '.')).code).toBe(0)
    write('20260102000000_drop.sql', DROP)
    const terminal = up(80)
    await terminal.until('It cannot be undone. Go on? (yes/no)')
    expect(terminal.bytes()).toContain('In 2 homes, for good:')
    terminal.type(keys)
    expect(await terminal.ended).toBe(2)
    expect(terminal.bytes()).toMatch(/[\r\n]error\[rollout_unconfirmed\]: /)
    expect(await admin(`select distinct version::text from rowhouse.homes`)).toEqual([{ version: '20260101000000' }])
  })

  it('and after yes it is done', async () => {
    await begin(1)
    expect((await rowhouse('up', '--dir', '.')).code).toBe(0)
    write('20260102000000_drop.sql', DROP)
    const terminal = up(80)
    await terminal.until('Go on? (yes/no)')
    terminal.type('yes\r')
    expect(await terminal.ended).toBe(0)
    expect(await admin(`select distinct version::text from rowhouse.homes`)).toEqual([{ version: '20260102000000' }])
  })
})
