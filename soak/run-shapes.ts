// npm run soak -- shapes [--write]
// Every shape of a public schema attacked, of which `npm test` attacks some: exactly what each attacked.txt explains is found.
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
      readonly duration?: number
    }[]
  }[]
}

export async function runShapes(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { write: { type: 'boolean', default: false } } })
  const folder = await mkdtemp(join(tmpdir(), 'rowhouse-shapes-'))
  try {
    const report = join(folder, 'report.json')
    const vitest = ['run', '--project', 'database', 'packages/verify/src/attacks/shapes', '--reporter=verbose']
    vitest.push('--reporter=json', `--outputFile.json=${report}`)
    const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...vitest], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ROWHOUSE_SHAPES: 'all', CI: '1' },
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as VitestReport
    const tried = testResults.flatMap(({ assertionResults }) => assertionResults)
    const of = (status: string): string[] =>
      tried.filter((one) => one.status === status).map(({ title }) => title.split(' ')[0] as string)
    const results = {
      as_explained: of('passed'),
      otherwise: of('failed'),
      seconds: Math.round(tried.reduce((sum, { duration = 0 }) => sum + duration, 0) / 1000),
    }
    const said = { soak: 'shapes', machine: describeMachine('embedded'), results, clean: code === 0 }
    if (values.write)
      await writeFile(join(import.meta.dirname, 'results/shapes.json'), `${JSON.stringify(said, null, 2)}\n`)
    return code === 0 ? 0 : 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
