// npm run soak -- mutants [--write]
// The mutation proof with every mutant, of which `npm test` makes some.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')

export async function runMutants(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { write: { type: 'boolean', default: false } } })
  const vitest = ['run', '--project', 'database', 'packages/verify/src/attacks/mutants', '--reporter=verbose']
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), ...vitest, ...(values.write ? ['--update'] : [])],
    // Without CI a page that differs would be written by chance of its being new; with it, it fails.
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ROWHOUSE_MUTANTS: 'all', ...(values.write ? {} : { CI: '1' }) },
    },
  )
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0 ? 0 : 1
}
