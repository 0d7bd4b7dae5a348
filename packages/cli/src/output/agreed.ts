// Asking a person before something ends. A program has said what it wants by calling, and is not held up.
import { createInterface } from 'node:readline/promises'

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
  if (yes === true || json === true || !process.stdin.isTTY || !process.stdout.isTTY) return true
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question(
    `${question}\n${effects.map((effect) => `  ${effect}\n`).join('')}Go on? (yes/no) `,
  )
  terminal.close()
  if (answer.trim().toLowerCase() === 'yes') return true
  process.stdout.write('Nothing was changed.\n')
  process.exitCode = 1
  return false
}
