// The process: arguments in, exit code out. 0 done, 1 found problems, 2 usage, 3 unavailable.
import { CommanderError } from 'commander'
import { makeProgram } from './program.ts'
import { reportError } from './output/error.ts'

const json = process.argv.includes('--json')

try {
  await makeProgram().parseAsync(process.argv)
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong with the words; help and version are no failures.
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else {
    process.exitCode = reportError(error, { json, write: (text) => process.stderr.write(text) })
  }
}
