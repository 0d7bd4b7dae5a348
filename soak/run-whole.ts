// Tests of which `npm test` runs some, run whole: a setting tells them to, and what came of each is kept.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { describeMachine } from '../bench/machine.ts'

const root = join(import.meta.dirname, '..')

export interface Tried {
  readonly title: string
  readonly status: string
  readonly duration?: number
}

interface VitestReport {
  readonly testResults: readonly { readonly assertionResults: readonly Tried[] }[]
}

interface Whole {
  /** Of the soak, and of its file in `results/`. */
  readonly name: string
  /** Where its tests are, from the root. */
  readonly folder: string
  /** Of the process; `all` tells the tests to run whole. */
  readonly setting: string
  readonly resultsOf: (tried: readonly Tried[]) => Readonly<Record<string, unknown>>
}

/** @param args `--write` keeps the result; the exit code is 0 where all passed */
export async function runWhole({ name, folder, setting, resultsOf }: Whole, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { write: { type: 'boolean', default: false } } })
  const own = await mkdtemp(join(tmpdir(), `rowhouse-${name}-`))
  try {
    const report = join(own, 'report.json')
    const vitest = ['run', '--project', 'database', folder, '--reporter=verbose', '--reporter=json']
    vitest.push(`--outputFile.json=${report}`)
    const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...vitest], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, [setting]: 'all', CI: '1' },
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as VitestReport
    const results = resultsOf(testResults.flatMap(({ assertionResults }) => assertionResults))
    const said = { soak: name, machine: describeMachine('embedded'), results, clean: code === 0 }
    if (values.write)
      await writeFile(join(import.meta.dirname, `results/${name}.json`), `${JSON.stringify(said, null, 2)}\n`)
    return code === 0 ? 0 : 1
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}
