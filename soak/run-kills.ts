// npm run soak -- kills
// A sync worker killed before and after each of its writes to Postgres and to the CRM; a few of them are in `npm test`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')

export async function runKills(args: readonly string[]): Promise<number> {
  parseArgs({ args: [...args], options: {} })
  const vitest = spawn(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--project',
      'database',
      'packages/sync/src/kills.db.test.ts',
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ROWHOUSE_KILLS: 'all' } },
  )
  const [code] = (await once(vitest, 'exit')) as [number | null]
  return code === 0 ? 0 : 1
}
