// What loads before a command runs. Half a second of a short command was packages that it never called, so what may be imported
// statically is a table: where a command needs more, it imports that when it is run.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { commandNames } from './program.ts'

/** The packages that are loaded with a module, by imports that are not of types alone. */
function packagesOf(file: string, read: (file: string) => string = (path) => readFileSync(path, 'utf8')): string[] {
  const packages = new Set<string>()
  const seen = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const [, specifier = ''] of read(path).matchAll(
      /^(?:import|export)\s+(?!type\b)(?:[^'"()]*?\sfrom\s+)?['"]([^'"]+)['"]/gm,
    )) {
      if (specifier.startsWith('.')) visit(join(path, '..', specifier))
      else if (!specifier.startsWith('node:')) packages.add(specifier)
    }
  }
  visit(file)
  return [...packages].toSorted()
}

const src = import.meta.dirname
const ofCommand = (name: string): string[] => packagesOf(join(src, 'commands', name))

it('loads nothing but its own words for help', () => {
  expect(packagesOf(join(src, 'main.ts'))).toEqual(['commander'])
})

it('loads the client alone for commands that ask the API', () => {
  const asking = ['organization', 'member', 'role', 'plan', 'cluster', 'connector', 'connection', 'sync']
  const light = new Set(['@rowhouse/client', '@rowhouse/contracts', 'commander'])
  for (const name of asking)
    expect([name, ...ofCommand(`${name}.ts`).filter((found) => !light.has(found))]).toEqual([name])
})

it('loads servers, rules and stacks when they run, not before', () => {
  const heavy = new Set(['server', 'embedded', 'verify', 'sync', 'console'].map((name) => `@rowhouse/${name}`))
  const files = [
    'dev',
    'serve',
    'verify',
    'doctor',
    'key',
    'audit',
    'report',
    'install',
    'adopt/adopt',
    'migrate/migrate',
  ]
  for (const name of files)
    expect([name, ...ofCommand(`${name}.ts`).filter((found) => heavy.has(found))]).toEqual([name])
})

it('reads what a server is told without loading the server: a wrong configuration that is started again and again costs little', () => {
  expect(packagesOf(join(src, '../../server/src/config/config.ts'))).toEqual(['@rowhouse/contracts'])
  const serve = readFileSync(join(src, 'commands/serve.ts'), 'utf8')
  const loaded = [...serve.matchAll(/await import\('([^']+)'\)/g)].map(([, name]) => name)
  expect(loaded.slice(0, 2)).toEqual(['@rowhouse/server/config', '@rowhouse/server'])
})

it('sees what is imported, through other modules too, and passes over types', () => {
  const planted: Record<string, string> = {
    [join(src, 'planted.ts')]:
      `import {\n  one,\n  two,\n} from './other.ts'\nimport type { A } from '@rowhouse/sync'\n`,
    [join(src, 'other.ts')]:
      `import '@rowhouse/server'\nexport { b } from '@rowhouse/fleet'\nconst c = await import('pg')\n`,
  }
  expect(packagesOf(join(src, 'planted.ts'), (file) => planted[file] ?? '')).toEqual([
    '@rowhouse/fleet',
    '@rowhouse/server',
  ])
})

it('knows every command', () => {
  const program = readFileSync(join(src, 'program.ts'), 'utf8')
  const modules = [...program.matchAll(/import\('(\.\/commands\/[^']+)'\)/g)].map(([, path = '']) => path)
  expect(modules).toHaveLength(commandNames.length)
  expect(modules.filter((path) => !existsSync(join(src, path)))).toEqual([])
})
