// One command from its words to the exit code: 0 done, 1 found problems, 2 usage, 3 unavailable. The process is main.ts, which
// does nothing else; tests that need no process of its own run the same here.
import { CommanderError } from 'commander'
import { makeProgram } from './program.ts'

/**
 * Runs it. What it prints goes to standard output, how it failed to standard error, and the code to `process.exitCode`.
 *
 * @param words what was typed after `rowhouse`
 */
export async function runProgram(words: readonly string[]): Promise<void> {
  const json = words.includes('--json')
  const write = (text: string): void => void process.stderr.write(text)
  try {
    const program = await makeProgram(words, json ? { writeErr: () => undefined } : {})
    await program.parseAsync([...words], { from: 'user' })
  } catch (error) {
    // Help and version are no failures.
    if (error instanceof CommanderError && error.exitCode === 0) process.exitCode = 0
    // Commander has said to people what is wrong with the words.
    else if (error instanceof CommanderError && !json) process.exitCode = 2
    else {
      // Imported for a failure only: it brings every schema of the API.
      const { reportError, usageError } = await import('./output/error.ts')
      process.exitCode = reportError(error instanceof CommanderError ? usageError(error) : error, { json, write })
    }
  }
}
