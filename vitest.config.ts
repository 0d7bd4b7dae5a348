// Three kinds of test, told apart by name, and two files by themselves: `x.test.ts` needs nothing, `x.db.test.ts` needs the one
// Postgres that global setup starts, `e2e/x.test.ts` starts whole processes and a browser.
//
// Files of the first two share their worker's modules (`isolate: false`): loading them anew for each of 200 files was half
// of what the first kind cost. So a test leaves nothing behind in a module: no mocked one, no setting of the process.
import { join } from 'node:path'

import { defineConfig } from 'vitest/config'

/** Programs that tests start read the sources compiled: half their starting time. */
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') }

/** One opens databases to every login of the server, the other counts scratch databases: both are felt by, or feel, others. */
const alone = [
  'packages/verify/src/attacks/homes/homes-of-rowhouse.db.test.ts',
  'packages/cli/src/commands/verify-attack.db.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.{ts,tsx}', 'tools/**/*.test.ts'],
          exclude: ['**/*.db.test.ts', '**/node_modules/**', '**/dist/**'],
          testTimeout: 30_000,
          maxWorkers: '100%',
          isolate: false,
          sequence: { groupOrder: 0 },
          env,
        },
      },
      {
        test: {
          name: 'database',
          include: ['packages/*/src/**/*.db.test.ts'],
          exclude: [...alone, '**/node_modules/**', '**/dist/**'],
          globalSetup: ['packages/testkit/src/global-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          isolate: false,
          sequence: { groupOrder: 1 },
          env,
        },
      },
      {
        test: {
          name: 'alone',
          include: alone,
          globalSetup: ['packages/testkit/src/global-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
          env,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          env,
        },
      },
    ],
  },
})
