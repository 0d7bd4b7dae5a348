// Three kinds of test, told apart by name, and three files by themselves: `x.test.ts` needs nothing, `x.db.test.ts` needs the one
// Postgres that global setup starts, `e2e/x.test.ts` starts whole processes and a browser.
//
// Files of the first two share their worker's modules (`isolate: false`): loading them anew for each of 200 files was half
// of what the first kind cost. So a test leaves nothing behind in a module: no mocked one, no setting of the process.
//
// All kinds run side by side, the longest files first: kind after kind left one of two cores idle for four minutes.
import { join } from 'node:path'

import { defineConfig } from 'vitest/config'

import { LongestFirst } from './tools/longest-first.ts'

/** Programs that tests start read the sources compiled: half their starting time. */
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') }

/**
 * What is true soon is waited for as long as the slowest machine may take: a bound that holds costs nothing, and one that is
 * near fails on a busy day.
 */
const patience = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  expect: { poll: { timeout: 60_000, interval: 20 } },
}

/**
 * One opens databases to every login of the server, one counts scratch databases, one what a session reads of the catalogue,
 * which is more when others change much: each has a server of its own.
 */
const alone = [
  'packages/verify/src/attacks/homes/homes-of-rowhouse.db.test.ts',
  'packages/cli/src/commands/verify-attack.db.test.ts',
  'packages/database/src/catalogue-growth.db.test.ts',
]
/** Where one server is given for all of them they wait for the others. */
const isGiven = (process.env['ROWHOUSE_TEST_URL'] ?? '') !== ''

/** One more than the least cores there are: every file waits now and then, for a server, a lock, a poll. */
const WORKERS = 3

const shared = { ...patience, env, maxWorkers: WORKERS, sequence: { groupOrder: 0 } }
const onPostgres = { ...shared, globalSetup: ['packages/testkit/src/global-setup.ts'] }

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['packages/*/src/**/*.test.{ts,tsx}', 'tools/**/*.test.ts'],
          exclude: ['**/*.db.test.ts', '**/node_modules/**', '**/dist/**'],
          isolate: false,
        },
      },
      {
        test: {
          ...onPostgres,
          name: 'database',
          include: ['packages/*/src/**/*.db.test.ts'],
          exclude: [...alone, '**/node_modules/**', '**/dist/**'],
          isolate: false,
        },
      },
      ...alone.map((file, index) => ({
        test: {
          ...onPostgres,
          name: `alone-${index + 1}`,
          include: [file],
          ...(isGiven && { maxWorkers: 1, sequence: { groupOrder: 1 + index } }),
        },
      })),
      {
        test: { ...shared, name: 'e2e', include: ['e2e/**/*.test.ts'], testTimeout: 600_000 },
      },
    ],
  },
})
