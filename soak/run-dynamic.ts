// npm run soak -- dynamic [--write]
// Every rule switched off in turn, of which `npm test` switches off some: attack alone finds what the rule's schema opens.
import { runWhole } from './run-whole.ts'
import type { Tried } from './run-whole.ts'

/** Rules are titles of one word. */
const rulesOf = (tried: readonly Tried[], wanted: string): string[] =>
  tried.filter(({ status, title }) => status === wanted && /^\w+$/.test(title)).map(({ title }) => title)

export const runDynamic = (args: readonly string[]): Promise<number> =>
  runWhole(
    {
      name: 'dynamic',
      folder: 'packages/verify/src/attacks/dynamic',
      setting: 'ROWHOUSE_DYNAMIC',
      resultsOf: (tried) => ({ found: rulesOf(tried, 'passed'), missed: rulesOf(tried, 'failed') }),
    },
    args,
  )
