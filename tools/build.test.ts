// What `npm run build` makes is what people install: it runs from plain JavaScript, outside of this workspace.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
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
    // A version of its own, beside another that the workspace has at its root.
    const nested = join(root, 'packages', name, 'node_modules')
    place(manifest.name, (to) => {
      cpSync(dist, to, { recursive: true })
      if (existsSync(nested)) symlinkSync(nested, join(to, 'node_modules'))
    })
  }
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A database of the project's own, apart at first; then a view opens it. */
const projectTest = `
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rejects } from 'node:assert/strict'
import { startPostgres } from '@rowhouse/embedded'
import { expectIsolated } from '@rowhouse/verify'
import pg from 'pg'

let server, dataDir
const run = async (sql) => {
  const client = new pg.Client(server.adminUrl)
  await client.connect()
  await client.query(sql)
  await client.end()
}
before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'project-'))
  server = await startPostgres({ dataDir, durable: false })
  await run(\`
    create role web login;
    create table tenants (id uuid primary key, name text);
    create table invoices (tenant_id uuid not null references tenants, id uuid not null, total int, primary key (tenant_id, id));
    alter table tenants enable row level security; alter table tenants force row level security;
    alter table invoices enable row level security; alter table invoices force row level security;
    create policy own on tenants using (id = nullif(current_setting('app.tenant', true), '')::uuid);
    create policy own on invoices using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
    grant select on tenants to web; grant select, insert, update, delete on invoices to web\`)
})
after(async () => {
  await server?.stop()
  await rm(dataDir, { recursive: true, force: true })
})

test('organizations are apart', { timeout: 180_000 }, () => expectIsolated(server.adminUrl))
test('and a hole fails the test', { timeout: 180_000 }, async () => {
  await run('create view totals as select tenant_id, total from invoices; grant select on totals to web')
  await rejects(expectIsolated(server.adminUrl), /rows_of_another_organization_seen: view public.totals/)
})
`

interface Manifest {
  readonly exports: Record<string, { readonly types: string }>
  readonly dependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
}

/** The packages that the declarations import which somebody who imports the package reads. */
function modulesOfTypes(directory: string, exports: Manifest['exports']): Set<string> {
  const files = new Set(Object.values(exports).map(({ types }) => join(directory, types)))
  const modules = new Set<string>()
  // A file that is added while they are gone through has its turn.
  for (const file of files) {
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) .*from '(.+)'/gm)) {
      if (specifier.startsWith('.')) files.add(join(dirname(file), specifier.replace(/\.ts$/, '.d.ts')))
      else modules.add(/^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier)
    }
  }
  return modules
}

const runNode = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })

describe('the built packages', () => {
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
  })

  // As docs/attacks.md says it: a project that knows nothing of this workspace, with the test runner it has.
  it.each([
    ['node:test', `import { test, before, after } from 'node:test'`, ['--test', 'isolation.test.mjs']],
    [
      'vitest',
      `import { test, beforeAll as before, afterAll as after } from 'vitest'`,
      ['node_modules/vitest/vitest.mjs', 'run', '--root', '.', 'isolation.test.mjs'],
    ],
  ])(
    'let a project prove isolation in its own tests: %s',
    (_, runner, command) => {
      writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}')
      writeFileSync(join(folder, 'isolation.test.mjs'), `${runner}\n${projectTest}`)
      const output = runNode(...command)
      expect(output).toMatch(/pass 2\b|2 passed/)
    },
    240_000,
  )

  // A project without the types of pg would have `any` in place of its clients, and errors where it checks its libraries.
  it('depend on what their types are made of', () => {
    const installed = join(folder, 'node_modules')
    const manifestOf = (name: string): Manifest =>
      JSON.parse(readFileSync(join(installed, name, 'package.json'), 'utf8')) as Manifest
    const missing: string[] = []
    for (const name of ['rowhouse', ...readdirSync(join(installed, '@rowhouse')).map((each) => `@rowhouse/${each}`)]) {
      const { dependencies, peerDependencies, exports } = manifestOf(name)
      const declared = { ...dependencies, ...peerDependencies }
      for (const used of modulesOfTypes(join(installed, name), exports)) {
        if (used.startsWith('node:')) continue
        if (!Object.hasOwn(declared, used)) missing.push(`${name}: ${used}`)
        const types = `@types/${used}`
        if (existsSync(join(installed, types)) && !Object.hasOwn(declared, types)) missing.push(`${name}: ${types}`)
      }
    }
    expect(missing).toEqual([])
  })

  it('carry types, the console and the demo’s SQL, and no tests', () => {
    const files = readdirSync(join(folder, 'node_modules'), { recursive: true }) as string[]
    expect(files).toContain('rowhouse/index.d.ts')
    expect(files).toContain('@rowhouse/console/site/index.html')
    expect(files).toContain('@rowhouse/embedded/demo/schema/10000101000000_demo_crm.sql')
    expect(files.filter((file) => /^(@rowhouse\/\w+|rowhouse)\/(?!site).*\.test\./.test(file))).toEqual([])
  })
})
