// `rowhouse …` for tests: in a process of its own, as people and programs run it, or in this one by the same code. A process
// costs a second on a busy machine, nearly all of it for loading what the test has loaded: it is for what only a process shows,
// such as signals, kills, terminals and what is inherited. That a command ends when it is done, because nothing of it is left
// open, a file's database notices as well: it fails when it is dropped.
import { execFile } from 'node:child_process'
import { join } from 'node:path'

import { runProgram } from '../run-program.ts'

export const main = join(import.meta.dirname, '..', 'main.ts')

/** What a command needs that is to inherit nothing: where programs are, and the sources as they were compiled before. */
export const bareEnvironment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
})

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Surroundings {
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>
  /** @default where this process is */
  readonly cwd?: string
}

/** Runs one command in a process of its own. */
export const runCommand = (words: readonly string[], { env, cwd }: Surroundings = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const options = { cwd: cwd ?? process.cwd(), env: { ...process.env, ...env } }
    const child = execFile(process.execPath, [main, ...words], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })

/** Runs one command in this process, one at a time. */
export async function runHere(words: readonly string[], { env, cwd }: Surroundings = {}): Promise<Ended> {
  const before = { env: process.env, cwd: process.cwd(), code: process.exitCode }
  const [stdout, stderr] = [listenTo(process.stdout), listenTo(process.stderr)]
  process.env = { ...before.env, ...env }
  if (cwd !== undefined) process.chdir(cwd)
  process.exitCode = 0
  try {
    await runProgram(words)
    return { code: process.exitCode, stdout: stdout.heard(), stderr: stderr.heard() }
  } finally {
    for (const { stop } of [stdout, stderr]) stop()
    process.env = before.env
    process.chdir(before.cwd)
    process.exitCode = before.code
  }
}

/** Keeps what is written to it from being written. */
function listenTo(output: NodeJS.WriteStream): { readonly heard: () => string; readonly stop: () => void } {
  const written: string[] = []
  const write = output.write.bind(output)
  output.write = (text: string | Uint8Array) => written.push(String(text)) > 0
  return {
    heard: () => written.join(''),
    stop: () => {
      output.write = write
    },
  }
}
