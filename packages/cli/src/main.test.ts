// The process as programs see it: what it prints where, and what it ends with.
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from './commands/test-command.ts'

/** Nobody answers there. */
const env = { ROWHOUSE_PUBLIC_URL: 'http://127.0.0.1:9', ROWHOUSE_OPERATOR_KEY: 'key' }

it('says what it cannot take as JSON where it was asked to, and ends with 2', async () => {
  const asked = await runCommand(['org', 'create', '--json'], { env })
  expect([asked.code, asked.stdout, JSON.parse(asked.stderr)]).toEqual([
    2,
    '',
    { code: 'invalid_option', message: "missing required argument 'slug'", details: {}, hint: expect.any(String) },
  ])
  const typed = await runCommand(['orgs'], { env })
  expect([typed.code, typed.stdout]).toEqual([2, ''])
  expect(typed.stderr).toMatch(/unknown command 'orgs'\n\(Did you mean org\?\)/)
})

it('ends with 3 where nothing answers, and says so', async () => {
  const { code, stderr } = await runCommand(['org', 'list'], { env })
  expect([code, stderr]).toEqual([3, expect.stringMatching(/^error\[\w+\]: .+\n {2}hint: .+\n$/)])
})

it('finds the database of the development stack that runs in the folder, and installs into none that is not named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rowhouse-cli-'))
  try {
    mkdirSync(join(folder, '.rowhouse'))
    const stack = { databaseUrl: 'postgres://rowhouse_app@127.0.0.1:9/app', signingKey: 'k'.repeat(40) }
    const run = (...words: string[]) => runCommand([...words, '--json'], { env, cwd: folder })
    const before = await run('migrate', 'status')
    expect([before.code, JSON.parse(before.stderr)]).toMatchObject([2, { code: 'url_missing' }])
    writeFileSync(join(folder, '.rowhouse', 'ready.json'), JSON.stringify(stack))
    const after = await run('migrate', 'status')
    expect([after.code, JSON.parse(after.stderr)]).toMatchObject([3, { code: 'database_unreachable' }])
    const install = await run('install')
    expect([install.code, JSON.parse(install.stderr)]).toMatchObject([2, { code: 'url_missing' }])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
