// Imports point one way. The table below is the architecture: who may import whom. A package that is
// missing here, or an import that is not in its row, fails.
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')

const mayImport: Record<string, readonly string[]> = {
  contracts: [],
  database: ['contracts'],
  runtime: ['contracts', 'database'],
  connectors: ['contracts'],
  sync: ['contracts', 'database', 'runtime', 'connectors'],
  verify: ['contracts', 'database', 'runtime'],
  fleet: ['contracts', 'database', 'runtime'],
  server: ['contracts', 'database', 'runtime', 'connectors', 'sync', 'verify', 'fleet'],
  client: ['contracts'],
  console: ['contracts', 'client'],
  sandbox: ['contracts'],
  embedded: [
    'contracts',
    'client',
    'database',
    'runtime',
    'connectors',
    'sync',
    'fleet',
    'server',
    'console',
    'sandbox',
  ],
  cli: [
    'contracts',
    'database',
    'runtime',
    'connectors',
    'sync',
    'verify',
    'fleet',
    'server',
    'client',
    'embedded',
    'console',
  ],
  testkit: ['contracts', 'database', 'runtime', 'fleet', 'embedded'],
}

/** Beyond the row above, tests may import these. */
const testsMayImport = [
  'testkit',
  'sandbox',
  'embedded',
  'fleet',
  'database',
  'runtime',
  'contracts',
  'connectors',
  'client',
]

const packageOfName = (name: string): string | undefined => {
  if (name === 'rowhouse' || name.startsWith('rowhouse/')) return 'runtime'
  return /^@rowhouse\/([a-z]+)/.exec(name)?.[1]
}

const sourceFiles = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/[/\\](node_modules|dist|generated)[/\\]/.test(file))

export const isTestFile = (file: string): boolean =>
  /\.test\.tsx?$|[/\\]test[/\\]|[/\\]dev[/\\]|conformance|[/\\]simulation[/\\]|[/\\]fixtures?[/\\.]|test-/.test(file)

const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:from\s+|import\s*\(?\s*)['"]([^'"]+)['"]/g)].map((match) => match[1] as string)

function violations(files: readonly { packageName: string; file: string; text: string }[]): string[] {
  const found: string[] = []
  for (const { packageName, file, text } of files) {
    const allowed = new Set([
      packageName,
      ...(mayImport[packageName] ?? []),
      ...(isTestFile(file) ? testsMayImport : []),
    ])
    for (const specifier of importsOf(text)) {
      const target = packageOfName(specifier)
      if (target !== undefined && !allowed.has(target)) found.push(`${file} imports ${specifier}`)
      if (specifier.startsWith('.')) {
        const resolved = relative(join(root, 'packages', packageName), join(file, '..', specifier))
        if (resolved.startsWith(`..${sep}`)) found.push(`${file} reaches out of its package: ${specifier}`)
      }
    }
  }
  return found
}

const packageNames = readdirSync(join(root, 'packages'))
const allFiles = packageNames.flatMap((packageName) =>
  sourceFiles(join(root, 'packages', packageName)).map((file) => ({
    packageName,
    file,
    text: readFileSync(file, 'utf8'),
  })),
)

describe('imports', () => {
  it('know every package', () => {
    expect(packageNames.toSorted()).toEqual(Object.keys(mayImport).toSorted())
  })

  it('point one way', () => {
    expect(violations(allFiles)).toEqual([])
  })

  it('are refused when they point the other way', () => {
    const file = join(root, 'packages/contracts/src/planted.ts')
    const planted = {
      packageName: 'contracts',
      file,
      text: `import { serve } from '@rowhouse/server'\nimport '../../sync/src/index.ts'`,
    }
    expect(violations([planted])).toHaveLength(2)
  })

  it('name no folder shared, common or utils', () => {
    const vague = allFiles.filter(({ file }) => /[/\\](shared|common|utils|helpers)[/\\.]/.test(relative(root, file)))
    expect(vague.map(({ file }) => file)).toEqual([])
  })

  it('declare what they use', () => {
    const undeclared = allFiles.flatMap(({ packageName, file, text }) => {
      const manifest = JSON.parse(readFileSync(join(root, 'packages', packageName, 'package.json'), 'utf8')) as Record<
        string,
        Record<string, string> | undefined
      >
      const declared = { ...manifest['dependencies'], ...manifest['peerDependencies'], ...manifest['devDependencies'] }
      if (isTestFile(file)) return []
      return importsOf(text)
        .map((specifier) => packageOfName(specifier))
        .filter((target) => target !== undefined && target !== packageName)
        .filter((target) => declared[target === 'runtime' ? 'rowhouse' : `@rowhouse/${target}`] === undefined)
        .map((target) => `${file} uses ${target}`)
    })
    expect(undeclared).toEqual([])
  })
})
