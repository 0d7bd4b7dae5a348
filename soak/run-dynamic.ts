// npm run soak -- dynamic [--write]
// Every rule switched off in turn, of which `npm test` switches off some: attack alone finds what the rule's schema opens.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { describeMachine } from '../bench/machine.ts'

const root = join(import.meta.dirname, '..')

interface VitestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly title: string
      readonly status: string
      readonly ancestorTitles: readonly string[]
    }[]
  }[]
}

export async function runDynamic(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { write: { type: 'boolean', default: false } } })
  const folder = await mkdtemp(join(tmpdir(), 'rowhouse-dynamic-'))
  try {
    const report = join(folder, 'report.json')
    const vitest = ['run', '--project', 'database', 'packages/verify/src/attacks/dynamic', '--reporter=verbose']
    vitest.push('--reporter=json', `--outputFile.json=${report}`)
    const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...vitest], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ROWHOUSE_DYNAMIC: 'all', CI: '1' },
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as VitestReport
    const of = (status: string): string[] =>
      testResults
        .flatMap(({ assertionResults }) => assertionResults)
        .filter((one) => one.status === status && /^\w+$/.test(one.title))
        .map(({ title }) => title)
    const said = {
      soak: 'dynamic',
      machine: describeMachine('embedded'),
      results: { found: of('passed'), missed: of('failed') },
      clean: code === 0,
    }
    if (values.write)
      await writeFile(join(import.meta.dirname, 'results/dynamic.json'), `${JSON.stringify(said, null, 2)}\n`)
    return code === 0 ? 0 : 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
