// Documents name commands, options, endpoints and error codes. Each must exist: what a newcomer types by a page has to run.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { endpoints, errorCodes } from '@rowhouse/contracts'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { commandNames, makeProgram } from '../packages/cli/src/program.ts'

const root = join(import.meta.dirname, '..')
const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md']
  .concat(readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
const program = await makeProgram(commandNames)

/** What stands in code, of a line or a block. */
const codeOf = (text: string): string[] => [
  ...[...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) => block.split('\n')),
  ...[...text.replaceAll(/^```\w*\n[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code),
]

/** `rowhouse noun verb --option …`, each up to what ends a command of a shell. What npm installs is a package, no command. */
const commandsOf = (line: string): string[][] =>
  [...line.replace(/^\s*npm install\s.*/, '').matchAll(/(?:^|[\s;&|(])(?:npx )?rowhouse ((?![|=])[^#&;)]+)/g)].map(
    ([, rest = '']) => rest.split(/[\s|]+/).filter((word) => word !== ''),
  )

function problemOf(words: readonly string[]): string | null {
  let command: Command = program
  for (const word of words) {
    if (command.commands.length === 0) break
    const next = command.commands.find((child) => child.name() === word)
    if (next !== undefined) command = next
    else if (/^[a-z]/.test(word)) return `${words.join(' ')}: ${command.name()} has no ${word}`
  }
  const known = new Set([
    '--help',
    '--version',
    ...command.options.flatMap(({ long }) => [long ?? '']),
    // An option that is given to a noun as a whole, `sync … --json`, is one of its verbs.
    ...command.commands.flatMap((child) => child.options.map(({ long }) => long ?? '')),
  ])
  const unknown = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/[=,.:].*$/, ''))
  const missing = unknown.find((option) => !known.has(option))
  return missing === undefined ? null : `${words.join(' ')}: no ${missing}`
}

const pathsOf = (line: string): string[] =>
  [...line.matchAll(/\/v1(\/[\w:<>.{}*-]+)+/g)].map(([path]) => path.replace(/[.…]+$/, ''))

const shapes = Object.values(endpoints).map(({ path }) =>
  path.split('/').map((part) => (part.startsWith(':') ? '*' : part)),
)
const isKnownPath = (path: string): boolean => {
  const parts = path.split('/')
  const fits = (shape: readonly string[]): boolean =>
    parts.every((part, at) => part === shape[at] || (shape[at] === '*' && part !== ''))
  return ['/v1/events', '/v1/session/start', '/v1/session/callback'].includes(path) || shapes.some(fits)
}

describe('documents', () => {
  it('name commands and options that exist', () => {
    const found = pages.flatMap(({ path, text }) =>
      codeOf(text)
        .flatMap(commandsOf)
        .map(problemOf)
        .filter((problem) => problem !== null)
        .map((problem) => `${path}: ${problem}`),
    )
    expect(found).toEqual([])
  })

  it('name endpoints that exist', () => {
    // The simulated CRMs have paths of their own.
    const ours = pages.filter(({ path }) => path !== 'docs/sandbox.md')
    const found = ours.flatMap(({ path, text }) =>
      codeOf(text)
        .flatMap(pathsOf)
        .filter((one) => !isKnownPath(one))
        .map((one) => `${path}: ${one}`),
    )
    expect(found).toEqual([])
  })

  it('and hints of refusals name commands that exist', () => {
    const found = Object.entries(errorCodes).flatMap(([code, { hint }]) =>
      // Sentences go on behind a command: its noun and verb are enough.
      [...hint.matchAll(/rowhouse ([a-z]+)(?: ([a-z-]+))?/g)]
        .map(([, noun = '', verb = '']) => (commandNames.includes(noun) ? problemOf([noun, verb]) : null))
        .filter((problem) => problem !== null)
        .map((problem) => `${code}: ${problem}`),
    )
    expect(found).toEqual([])
  })

  it('and the help of serve names every variable that a server reads', () => {
    const folder = join(root, 'packages/server/src/config')
    const read = readdirSync(folder)
      .filter((name) => !name.includes('.test.'))
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').match(/'ROWHOUSE_[A-Z_]+'/g) ?? [])
    let help = ''
    const serve = program.commands.find((command) => command.name() === 'serve')
    serve?.configureOutput({ writeOut: (text) => void (help += text) }).outputHelp()
    const missing = [...new Set(read)].map((name) => name.slice(1, -1)).filter((name) => !help.includes(name))
    expect(read.length).toBeGreaterThan(5)
    expect(missing).toEqual([])
  })

  it('are caught when they do not', () => {
    expect(
      codeOf('see `rowhouse org rename`\n```sh\nnpx rowhouse key rotate --all\n```\n')
        .flatMap(commandsOf)
        .map(problemOf),
    ).toEqual(['key rotate --all: no --all', 'org rename: org has no rename'])
    expect(pathsOf('GET /v1/organisations/:id').filter((one) => !isKnownPath(one))).toHaveLength(1)
  })
})
