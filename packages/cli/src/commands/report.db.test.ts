// `rowhouse report`, on a real database.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTwoWorlds, useTestDatabase } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { runHere } from './test-command.ts'
import type { Ended } from './test-command.ts'

const database = useTestDatabase()
const folder = mkdtempSync(join(tmpdir(), 'rowhouse-report-'))
let worlds: TwoWorlds

const rowhouse = (...words: string[]): Promise<Ended> => {
  const { adminUrl, signingKey } = database()
  return runHere(['report', ...words], { env: { ROWHOUSE_URL: adminUrl, ROWHOUSE_SIGNING_KEY: signingKey } })
}

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

it('defines, shows, approves, runs, revokes', async () => {
  const statement = file('statement.sql', "select count(*) as notes from notes where body like $1 ->> 'like'\n")
  const combine = file('combine.sql', 'select sum(notes) as notes from results')
  const defined = await rowhouse(
    'define',
    'notes',
    '--statement',
    statement,
    '--columns',
    'notes bigint',
    '--combine',
    combine,
  )
  expect(defined).toMatchObject({ code: 0, stdout: expect.stringContaining('rowhouse report approve notes') as string })
  const early = await rowhouse('run', 'notes', '--reason', 'too early', '--json')
  expect([early.code, early.stdout + early.stderr]).toEqual([1, expect.stringContaining('report_not_approved')])
  expect((await rowhouse('show', 'notes')).stdout).toMatch(/not approved[\s\S]*count\(\*\)[\s\S]*sum\(notes\)/)
  expect(await rowhouse('approve', 'notes', '--reason', 'asked for by finance')).toMatchObject({ code: 0 })
  expect(JSON.parse((await rowhouse('list', '--json')).stdout)).toContainEqual(
    expect.objectContaining({ name: 'notes', approvedBy: 'rowhouse_migrator' }),
  )
  const run = await rowhouse('run', 'notes', '--reason', 'October', '--arguments', '{"like":"%"}', '--json')
  expect(run.code).toBe(0)
  expect(JSON.parse(run.stdout)).toMatchObject({ rows: [{ notes: 6 }], organizations: 2, refused: [] })
  const one = await rowhouse(
    'run',
    'notes',
    '--reason',
    'one',
    '--arguments',
    '{"like":"%"}',
    '--organization',
    worlds.a.organizationId,
  )
  expect(one.stdout).toMatch(/NOTES\n3\n\n1 organizations in \d+ ms/)
  expect(await rowhouse('revoke', 'notes')).toMatchObject({ code: 0 })
  expect(await rowhouse('run', 'notes', '--reason', 'late')).toMatchObject({ code: 1 })
})

it.each([
  ['a file that is not there', ['define', 'x', '--statement', '/nowhere.sql', '--columns', 'n int'], 'cannot be read'],
  ['arguments that are no object', ['run', 'usage', '--reason', 'r', '--arguments', '[1]'], 'takes a JSON object'],
  ['no reason', ['run', 'usage'], '--reason'],
])('refuses %s as a mistake of usage', async (_, words, says) => {
  const { code, stderr } = await rowhouse(...words)
  expect([code, stderr]).toEqual([2, expect.stringContaining(says)])
})
