// What holds for every command there is.
import type { Command } from 'commander'
import { expect, it } from 'vitest'
import { commandNames, makeProgram } from './program.ts'

function all(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...all(child)])
}

const program = await makeProgram(commandNames)

it('takes each argument by one word: one with a space in its name would be several that nobody can give', () => {
  const names = all(program).flatMap((command) =>
    command.registeredArguments.map((argument) => `${command.name()} ${argument.name()}`),
  )
  expect(names.length).toBeGreaterThan(20)
  expect(names.filter((name) => /[<>[\]]/.test(name))).toEqual([])
})

it('prints JSON where it is asked to', () => {
  const leaves = all(program).filter((command) => command.commands.length === 0)
  expect(
    leaves.filter(({ options }) => !options.some(({ long }) => long === '--json')).map((leaf) => leaf.name()),
  ).toEqual([])
})

it('shows every command in its help without loading one, and one that is named with its verbs', async () => {
  const light = await makeProgram(['--help'])
  expect(light.commands.map((command) => command.name())).toEqual(commandNames)
  expect(light.commands.flatMap(({ commands }) => commands)).toEqual([])
  expect(light.helpInformation()).toMatch(/adopt <tables\.\.\.> +protect tables/)
  const org = (await makeProgram(['org', 'list'])).commands.find((command) => command.name() === 'org')
  expect(org?.commands.map((command) => command.name())).toContain('list')
})
