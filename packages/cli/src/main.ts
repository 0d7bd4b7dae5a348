// The process: arguments in, exit code out. 0 done, 1 found problems, 2 usage, 3 unavailable.
import { CommanderError } from 'commander'
import { makeProgram } from './program.ts'

const json = process.argv.includes('--json')
const write = (text: string): void => void process.stderr.write(text)

try {
  const program = await makeProgram(process.argv.slice(2), json ? { writeErr: () => undefined } : {})
  await program.parseAsync(process.argv)
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
