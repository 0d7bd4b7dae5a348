// `rowhouse verify`: exit codes, files, a baseline from its beginning to its end.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { VerifyReport } from '@rowhouse/verify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { runHere } from './test-command.ts'
import type { Ended } from './test-command.ts'

const database = useTestDatabase()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rowhouse-verify-'))
  await createTwoWorlds(database())
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const file = (name: string): string => join(folder, name)

const verify = (...args: string[]): Promise<Ended> => runHere(['verify', ...args])

const admin = (statements: string): Promise<unknown> =>
  withClient(database().adminUrl, (client) => client.query(statements))

describe('rowhouse verify', () => {
  it('ends with 0 on what protect made, 1 on a finding, and names it with its fix in every form', async () => {
    const url = database().adminUrl
    const sound = await verify('--url', url)
    expect(sound.stdout).toContain('No rule found a way between organizations.')
    expect(sound.code).toBe(0)

    await admin('alter table notes no force row level security')
    const broken = await verify(
      '--url',
      url,
      '--sarif',
      file('r.sarif'),
      '--junit',
      file('r.xml'),
      '--html',
      file('r.html'),
    )
    expect(broken.code).toBe(1)
    for (const text of [
      broken.stdout,
      ...(await Promise.all(['r.sarif', 'r.xml', 'r.html'].map((name) => readFile(file(name), 'utf8')))),
    ]) {
      expect(text).toContain('rls_not_forced')
      expect(text).toContain('alter table public.notes force row level security')
    }
    const json = await verify('--url', url, '--json')
    const report = JSON.parse(json.stdout) as VerifyReport
    expect([json.code, report.outcome, report.findings.map(({ code }) => code)]).toEqual([
      1,
      'findings',
      ['rls_not_forced'],
    ])
    await admin('alter table notes force row level security')
  })

  it('counts from --fail-on up', async () => {
    // A warning of this database alone: what a role may is the whole server's, which other tests look at.
    await admin('create publication told_in_realtime for table notes; alter table notes replica identity full')
    const url = database().adminUrl
    expect((await verify('--url', url, '--fail-on', 'error')).code).toBe(0)
    expect((await verify('--url', url)).code).toBe(1)
    await admin('drop publication told_in_realtime; alter table notes replica identity default')
  })

  it('accepts what a baseline gives a reason for, until its day, and warns of what is gone', async () => {
    // One rule: what another test does to a role for a moment would be an entry as well, without a reason.
    const one = ['--url', database().adminUrl, '--rules', 'rls_not_forced'] as const
    await admin('alter table notes no force row level security')
    await verify(...one, '--baseline', file('accepted.json'), '--baseline-write', file('accepted.json'))
    const begun = await readFile(file('accepted.json'), 'utf8')
    const unreasoned = await verify(...one, '--baseline', file('accepted.json'))
    expect([unreasoned.code, unreasoned.stderr]).toEqual([2, expect.stringContaining('waits for its reason')])

    const reasoned = begun.replace(/"reason": "[^"]*"/, '"reason": "The owner logs in nowhere."')
    await writeFile(file('accepted.json'), reasoned)
    const other = await verify(...one, '--baseline', file('none.json'), '--baseline-write', file('more.json'))
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('--baseline-write')])
    const overwritten = await verify(...one, '--baseline-write', file('accepted.json'))
    expect([overwritten.code, await readFile(file('accepted.json'), 'utf8')]).toEqual([2, reasoned])
    const kept = await verify(...one, '--baseline', file('accepted.json'), '--baseline-write', file('accepted.json'))
    expect([kept.code, await readFile(file('accepted.json'), 'utf8')]).toEqual([0, reasoned])
    const accepted = await verify(...one, '--baseline', file('accepted.json'))
    expect([accepted.code, accepted.stdout]).toEqual([0, expect.stringContaining('The owner logs in nowhere.')])

    await writeFile(file('expired.json'), reasoned.replace(/"expires": "[^"]*"/, '"expires": "2020-01-01"'))
    const expired = await verify(...one, '--baseline', file('expired.json'))
    expect([expired.code, expired.stdout]).toEqual([1, expect.stringContaining('Accepted until 2020-01-01')])

    await admin('alter table notes force row level security')
    const gone = await verify(...one, '--baseline', file('accepted.json'))
    expect([gone.code, gone.stdout]).toEqual([0, expect.stringContaining('is not found: remove it')])
  })

  it('takes its model from a file', async () => {
    await admin(`create table ward (clinic_key int, id int primary key); grant select on ward to rowhouse_app`)
    await writeFile(
      file('verify.json'),
      JSON.stringify({ tenantColumn: 'clinic_key', roles: ['rowhouse_app'], rules: ['V01'] }),
    )
    const { code, stdout } = await verify('--url', database().adminUrl, '--config', file('verify.json'))
    expect([code, stdout]).toEqual([1, expect.stringContaining('rls_disabled  table public.ward')])
    await admin('drop table ward')
  })

  it.each<[string, (url: string) => string[] | Promise<string[]>]>([
    ['a URL that is none', () => ['--url', 'example.com']],
    ['no URL', () => []],
    ['a severity that is none', (url) => ['--url', url, '--fail-on', 'fatal']],
    ['a role that is not there', (url) => ['--url', url, '--role', 'nobody_at_all']],
    ['a rule that is none', (url) => ['--url', url, '--rules', 'V7777']],
    ['a file that cannot be written', (url) => ['--url', url, '--html', '/nowhere/at/all.html']],
    ['a baseline that is not there', (url) => ['--url', url, '--baseline', '/nowhere/at/all.json']],
    [
      'a config with a word it does not know',
      async (url) => {
        await writeFile(file('bad.json'), '{"tenants": 1}')
        return ['--url', url, '--config', file('bad.json')]
      },
    ],
    [
      'a config with a number for a text',
      async (url) => {
        await writeFile(file('bad.json'), '{"tenantColumn": 1}')
        return ['--url', url, '--config', file('bad.json')]
      },
    ],
  ])('ends with 2 for %s', async (_, args) => {
    expect((await verify(...(await args(database().adminUrl)))).code).toBe(2)
  })

  it('ends with 2 before anything is verified where a report would have no place', async () => {
    for (const option of ['--html', '--sarif', '--junit', '--baseline-write']) {
      const { code, stderr } = await verify('--url', 'postgres://x@127.0.0.1:1/x', option, '/nowhere/at/all')
      expect([option, code, stderr]).toEqual([option, 2, expect.stringContaining('/nowhere/at/all cannot be written')])
    }
  })

  it('ends with 3 for a database that does not answer', async () => {
    const { code, stderr } = await verify('--url', 'postgres://x@127.0.0.1:1/x')
    expect([code, stderr]).toEqual([3, expect.stringContaining('error[database_unreachable]')])
  })
})
