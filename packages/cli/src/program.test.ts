// What holds for every command there is.
import type { Command } from 'commander'
import { expect, it } from 'vitest'
import { makeProgram } from './program.ts'

function all(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...all(child)])
}

it('takes each argument by one word: one with a space in its name would be several that nobody can give', () => {
  const names = all(makeProgram()).flatMap((command) =>
    command.registeredArguments.map((argument) => `${command.name()} ${argument.name()}`),
  )
  expect(names.length).toBeGreaterThan(20)
  expect(names.filter((name) => /[<>[\]]/.test(name))).toEqual([])
})

it('prints JSON where it is asked to', () => {
  const leaves = all(makeProgram()).filter((command) => command.commands.length === 0)
  expect(
    leaves.filter(({ options }) => !options.some(({ long }) => long === '--json')).map((leaf) => leaf.name()),
  ).toEqual([])
})
