// The process as programs see it: what it prints where, and what it ends with.
import { expect, it } from 'vitest'
import { runCommand } from './commands/test-command.ts'

const nowhere = 'http://127.0.0.1:9'

it('says what it cannot take as JSON where it was asked to, and ends with 2', async () => {
  const asked = await runCommand(nowhere, 'key', ['org', 'create', '--json'])
  expect([asked.code, asked.stdout, JSON.parse(asked.stderr)]).toEqual([
    2,
    '',
    { code: 'invalid_option', message: "missing required argument 'slug'", details: {}, hint: expect.any(String) },
  ])
  const typed = await runCommand(nowhere, 'key', ['orgs'])
  expect([typed.code, typed.stdout]).toEqual([2, ''])
  expect(typed.stderr).toMatch(/unknown command 'orgs'\n\(Did you mean org\?\)/)
})

it('ends with 3 where nothing answers, and says so', async () => {
  const { code, stderr } = await runCommand(nowhere, 'key', ['org', 'list'])
  expect([code, stderr]).toEqual([3, expect.stringMatching(/^error\[\w+\]: .+\n {2}hint: .+\n$/)])
})
