// `npm run new:connector` in a copy of the sources: what it makes, that it compiles, passes the linter and is listed, and
// that its test fails with the list of what is missing until that is written.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const made = 'packages/connectors/src/zoho-crm'
let copy: string

const git = (...args: string[]): string => execFileSync('git', args, { cwd: copy, encoding: 'utf8' })

function run(command: string, ...args: string[]): { readonly status: number | null; readonly text: string } {
  const local = command === 'node' ? process.execPath : join(copy, 'node_modules/.bin', command)
  // What the outer test runner sets would have the inner one take part in its run.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^VITEST|^TEST$|^NODE_ENV$/.test(name)),
  )
  const { status, stdout, stderr } = spawnSync(local, args, {
    cwd: copy,
    encoding: 'utf8',
    env: { ...env, NO_COLOR: '1' },
  })
  return { status, text: stdout + stderr }
}

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'rowhouse-new-connector-'))
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' })
  for (const file of files.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(join(root, file), join(copy, file))
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  execFileSync('git', ['init', '-q'], { cwd: copy })
  git('add', '-A')
  git('-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '-q', '-m', 'before')
})

afterAll(() => rmSync(copy, { recursive: true, force: true }), 120_000)

describe('a connector that is begun', { timeout: 300_000 }, () => {
  it.each([['Zoho'], ['zoho/crm'], ['kit'], ['hubspot'], ['zoho crm'], []])('is not named %s', (...name) => {
    const { status, text } = run('node', 'tools/new-connector.ts', ...name)
    expect(status).toBe(2)
    expect(text).toMatch(/named like a folder|folder of the kit|already/)
    expect(git('status', '--porcelain')).toBe('')
  })

  it('is one folder, and the list that is generated', () => {
    const { status, text } = run('node', 'tools/new-connector.ts', 'zoho-crm')
    expect(text).toContain(`npx vitest run ${made}`)
    expect(status).toBe(0)
    const touched = git('status', '--porcelain', '-uall')
      .split('\n')
      .filter((line) => line !== '')
    expect(touched.map((line) => line.slice(3)).toSorted()).toEqual(
      [
        ...['account', 'description', 'failures', 'index', 'oauth', 'read', 'test-provider', 'write'].map(
          (name) => `${made}/${name}.ts`,
        ),
        ...['unfilled.ts', 'unfilled.test.ts', 'zoho-crm.test.ts'].map((name) => `${made}/${name}`),
        'packages/connectors/src/generated/folders.ts',
      ].toSorted(),
    )
    expect(run('node', 'tools/new-connector.ts', 'zoho-crm').text).toContain('already')
  })

  it('names nothing of what it was made from', () => {
    const text = git('ls-files', '-o', '--', made)
      .trim()
      .split('\n')
      .map((file) => readFileSync(join(copy, file), 'utf8'))
      .join('\n')
    expect(text).not.toMatch(/template/i)
    expect(text).toContain('export const zohoCrm: Connector')
    expect(text).toContain("name: 'Zoho Crm'")
  })

  it('compiles, passes the linter, is formatted, and is listed', () => {
    // The workspaces of the copy are linked to the sources it was made from, so only this package is compiled there.
    const project = { extends: './tsconfig.base.json', compilerOptions: { noEmit: true }, include: [made] }
    writeFileSync(join(copy, 'tsconfig.one.json'), JSON.stringify(project))
    expect(run('tsc', '-p', 'tsconfig.one.json')).toEqual({ status: 0, text: '' })
    expect(run('oxlint', '--type-aware', '--deny-warnings', made)).toMatchObject({ status: 0 })
    expect(run('oxfmt', '--check', made)).toMatchObject({ status: 0 })
    expect(run('node', 'tools/generate.ts', '--check')).toMatchObject({ status: 0 })
    const registry = run('vitest', 'run', '--project', 'unit', 'packages/connectors/src/registry.test.ts')
    expect([registry.status, registry.text]).toEqual([0, expect.stringContaining('passed')])
    const listed = run(
      'node',
      '-e',
      `import('./packages/connectors/src/index.ts').then(({ connectors }) => console.log([...connectors.keys()].join()))`,
    )
    expect(listed.text.trim()).toBe('hubspot,netsuite,salesforce,zoho-crm')
  })

  it('fails its suite with what is to be filled in, each in its file, until it is', () => {
    const first = run('vitest', 'run', '--project', 'unit', made)
    expect(first.status).toBe(1)
    for (const file of [
      'account.ts, identify',
      'oauth.ts, refresh',
      'read.ts, poll',
      'write.ts, write',
      'test-provider.ts, open',
    ])
      expect(first.text).toContain(file)
    // What was filled in is asked for no more, and says no more what it has to do.
    const account = join(copy, made, 'account.ts')
    const text = readFileSync(account, 'utf8')
    const identify = /unfilled\('account\.ts, identify'[^)]*\)/
    expect(text).toMatch(identify)
    writeFileSync(account, text.replace(identify, `Promise.resolve({ ok: true, value: { account: '1', name: null } })`))
    const second = run('vitest', 'run', '--project', 'unit', `${made}/unfilled.test.ts`)
    expect(second.status).toBe(1)
    expect(second.text).not.toContain('account.ts, identify')
    expect(second.text).toContain('account.ts, objects')
  })

  it('pauses a connection with what is missing, in its own words', () => {
    const asked = run(
      'node',
      '-e',
      `import('./${made}/index.ts').then(async ({ zohoCrm }) => console.log(JSON.stringify(await zohoCrm.objects())))`,
    )
    expect(JSON.parse(asked.text)).toMatchObject({
      ok: false,
      failure: { action: 'pause', advice: expect.stringContaining('account.ts, objects') },
    })
  })
})
