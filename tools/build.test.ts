// What `npm run build` makes is what people install: it runs from plain JavaScript, outside of this workspace.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
let folder: string

/** Installs as npm would: our packages copied from their `dist`, everybody else's linked. */
beforeAll(() => {
  execFileSync(process.execPath, [join(root, 'tools/build.ts')], { cwd: root, stdio: 'pipe' })
  folder = mkdtempSync(join(tmpdir(), 'rowhouse-built-'))
  const installed = join(folder, 'node_modules')
  const place = (name: string, put: (to: string) => void): void => {
    mkdirSync(dirname(join(installed, name)), { recursive: true })
    put(join(installed, name))
  }
  for (const entry of readdirSync(join(root, 'node_modules'))) {
    const names = entry.startsWith('@')
      ? readdirSync(join(root, 'node_modules', entry)).map((name) => `${entry}/${name}`)
      : [entry]
    for (const name of names) {
      if (name.startsWith('.') || name === 'rowhouse' || name.startsWith('@rowhouse/')) continue
      place(name, (to) => symlinkSync(join(root, 'node_modules', name), to))
    }
  }
  for (const name of readdirSync(join(root, 'packages'))) {
    const dist = join(root, 'packages', name, 'dist')
    if (!existsSync(join(dist, 'package.json'))) continue
    const manifest = JSON.parse(readFileSync(join(dist, 'package.json'), 'utf8')) as { name: string }
    place(manifest.name, (to) => cpSync(dist, to, { recursive: true }))
  }
}, 120_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const runNode = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })

describe('the built packages', { timeout: 60_000 }, () => {
  it('are imported outside of the workspace', () => {
    const text = runNode(
      '--input-type=module',
      '-e',
      `import { createRowhouse } from 'rowhouse'; console.log(typeof createRowhouse, import.meta.resolve('rowhouse'))`,
    )
    expect(text).toContain('function')
    expect(text).toContain('rowhouse-built-')
    expect(text).toContain('.js')
  })

  it('run the command', () => {
    expect(runNode('node_modules/@rowhouse/cli/bin/rowhouse.js', '--help')).toContain('rowhouse dev')
    expect(
      runNode(
        '--input-type=module',
        '-e',
        `await import('@rowhouse/embedded'); await import('@rowhouse/server'); console.log('loaded')`,
      ),
    ).toContain('loaded')
    // Two processes that load the whole product: seconds on a quiet machine, many on a busy one.
  }, 60_000)

  it('carry types, the console and the demo’s SQL, and no tests', () => {
    const files = readdirSync(join(folder, 'node_modules'), { recursive: true }) as string[]
    expect(files).toContain('rowhouse/index.d.ts')
    expect(files).toContain('@rowhouse/console/site/index.html')
    expect(files).toContain('@rowhouse/embedded/demo/schema/0001_crm.sql')
    expect(files.filter((file) => /^(@rowhouse\/\w+|rowhouse)\/(?!site).*\.test\./.test(file))).toEqual([])
  })
})
