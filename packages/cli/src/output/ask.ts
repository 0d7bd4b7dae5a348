// A question to a person at a terminal.
import { createInterface } from 'node:readline'

/** Whether there is somebody to ask: both what they type and what they read is a terminal. */
export const canAsk = (): boolean => process.stdin.isTTY && process.stdout.isTTY

/** True for `yes` in full. Ctrl-C, Ctrl-D and a terminal that is gone are a no: none of them answers a question. */
export async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await new Promise<string | null>((resolve) => {
    terminal.once('close', () => resolve(null))
    terminal.question(`${question} (yes/no) `, resolve)
  })
  terminal.close()
  if (answer === null) process.stdout.write('\n')
  return answer?.trim().toLowerCase() === 'yes'
}
