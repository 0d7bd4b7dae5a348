// The process: arguments in, exit code out.
import { runProgram } from './run-program.ts'

await runProgram(process.argv.slice(2))
