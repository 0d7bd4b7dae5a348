// npm run soak -- shapes
// The shapes of public applications, attacked, of which `npm test` attacks one: every finding is explained, none is missing.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')

export async function runShapes(args: readonly string[]): Promise<number> {
  parseArgs({ args: [...args], options: {} })
  const vitest = ['run', '--project', 'database', 'packages/verify/src/attacks/precision-attacks', '--reporter=verbose']
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...vitest], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ROWHOUSE_SHAPES: 'all', CI: '1' },
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0 ? 0 : 1
}
