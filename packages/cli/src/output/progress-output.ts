// Where the progress of a long command goes, and in which form.
import type { Terminal } from './live-line.ts'

export interface ProgressOutput {
  /** JSON lines, for programs. */
  readonly json: boolean
  readonly output: Terminal
  readonly environment: NodeJS.ProcessEnv
  /** @default performance.now */
  readonly now?: () => number
}
