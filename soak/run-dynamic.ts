// npm run soak -- dynamic
// Every rule switched off in turn, of which `npm test` switches off some: attack alone finds what the rule's schema opens.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')

export async function runDynamic(args: readonly string[]): Promise<number> {
  parseArgs({ args: [...args], options: {} })
  const vitest = ['run', '--project', 'database', 'packages/verify/src/attacks/dynamic', '--reporter=verbose']
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...vitest], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ROWHOUSE_DYNAMIC: 'all', CI: '1' },
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0 ? 0 : 1
}
