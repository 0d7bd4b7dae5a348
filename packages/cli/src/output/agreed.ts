// Asking a person before something ends. A program has said what it wants by calling, and is not held up.
import { ask, canAsk } from './ask.ts'

/**
 * True without a question where nobody is at a terminal, or with `--yes`. A no is said, and ends with exit code 1, so that what
 * stands behind `&&` does not run.
 *
 * @param effects what will happen, one line each
 */
export async function agreed(
  question: string,
  effects: readonly string[],
  { yes, json }: { readonly yes?: boolean; readonly json?: boolean },
): Promise<boolean> {
  if (yes === true || json === true || !canAsk()) return true
  if (await ask(`${question}\n${effects.map((effect) => `  ${effect}\n`).join('')}Go on?`)) return true
  process.stdout.write('Nothing was changed.\n')
  process.exitCode = 1
  return false
}
