// npm run soak -- shapes [--write]
// Every shape of a public schema attacked, of which `npm test` attacks some: exactly what each attacked.txt explains is found.
import { runWhole } from './run-whole.ts'
import type { Tried } from './run-whole.ts'

const shapesOf = (tried: readonly Tried[], wanted: string): string[] =>
  tried.filter(({ status }) => status === wanted).map(({ title }) => title.split(' ')[0] as string)

export const runShapes = (args: readonly string[]): Promise<number> =>
  runWhole(
    {
      name: 'shapes',
      folder: 'packages/verify/src/attacks/shapes',
      setting: 'ROWHOUSE_SHAPES',
      resultsOf: (tried) => ({
        as_explained: shapesOf(tried, 'passed'),
        otherwise: shapesOf(tried, 'failed'),
        seconds: Math.round(tried.reduce((sum, { duration = 0 }) => sum + duration, 0) / 1000),
      }),
    },
    args,
  )
