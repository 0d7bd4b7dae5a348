// `rowhouse …` as people and programs run it, for tests: a process of its own, told where a server is.
import { execFile } from 'node:child_process'
import { join } from 'node:path'

import { makeProgram } from '../program.ts'

const main = join(import.meta.dirname, '..', 'main.ts')

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

/** Runs one command against the server of this address, as whoever holds the key, in this folder. */
export const runCommand = (
  url: string,
  operatorKey: string,
  words: readonly string[],
  cwd: string = process.cwd(),
): Promise<Ended> =>
  new Promise((resolve) => {
    const env = { ...process.env, ROWHOUSE_PUBLIC_URL: url, ROWHOUSE_OPERATOR_KEY: operatorKey }
    const child = execFile(process.execPath, [main, ...words], { cwd, env }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })

/** What a command printed in this process, and the code that it would end with: for many of them, where none is killed. */
export async function runHere(words: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }> {
  const written: string[] = []
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = (text: string | Uint8Array) => written.push(String(text)) > 0
  process.exitCode = 0
  try {
    await (await makeProgram(words)).parseAsync([...words], { from: 'user' })
    return { code: process.exitCode, stdout: written.join('') }
  } finally {
    process.stdout.write = write
    process.exitCode = 0
  }
}
