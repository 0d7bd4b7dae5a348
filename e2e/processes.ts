// Starts the product as a person would, as processes, and leaves none behind.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ReadyLine } from '@rowhouse/embedded'
import { freePort } from '../packages/embedded/src/stack/ports.ts'

export { freePort }

export const root = join(import.meta.dirname, '..')

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
  stdout(): string
  stderr(): string
}

/** Runs the command line as `npx rowhouse` does, with the environment given and nothing of ROWHOUSE_ inherited. */
export function run(
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Running {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ROWHOUSE_')))
  const child = spawn(process.execPath, [join(root, 'packages/cli/bin/rowhouse.js'), ...args], {
    cwd: options.cwd ?? root,
    env: { ...inherited, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
  return { child, finished, stdout: () => stdout, stderr: () => stderr }
}

/** Waits until the condition holds; fails with what was seen last. */
export async function eventually<Value>(
  read: () => Promise<Value> | Value,
  holds: (value: Value) => boolean,
  options: { readonly timeoutMs?: number; readonly what: string },
): Promise<Value> {
  const until = Date.now() + (options.timeoutMs ?? 240_000)
  let last: unknown
  for (;;) {
    try {
      const value = await read()
      if (holds(value)) return value
      last = value
    } catch (error) {
      last = error
    }
    if (Date.now() > until)
      throw new Error(`${options.what}: did not come; seen last: ${JSON.stringify(last) ?? String(last)}`)
    await wait(25)
  }
}

export interface Stack {
  readonly ready: ReadyLine
  readonly running: Running
  readonly dataDir: string
  stop(): Promise<Finished>
}

export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'rowhouse-e2e-'))

/** Starts `rowhouse dev --json` on a free port and waits for its one line. */
export async function startStack(
  options: {
    readonly dataDir?: string
    readonly edits?: boolean
    readonly env?: Record<string, string>
    readonly cwd?: string
  } = {},
): Promise<Stack> {
  const dataDir = options.dataDir ?? (await temporaryFolder())
  const running = run(
    [
      'dev',
      '--json',
      '--data',
      dataDir,
      '--port',
      String(await freePort()),
      ...(options.edits === true ? [] : ['--no-edits']),
    ],
    {
      ...(options.env !== undefined && { env: options.env }),
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    },
  )
  const line = await Promise.race([
    eventually(
      () => running.stdout(),
      (text) => text.includes('\n'),
      { what: 'the ready line' },
    ),
    running.finished.then(({ code, stderr }) => {
      throw new Error(`rowhouse dev ended with ${code}:\n${stderr}`)
    }),
  ])
  return {
    ready: JSON.parse(line) as ReadyLine,
    running,
    dataDir,
    stop() {
      running.child.kill('SIGINT')
      return running.finished
    },
  }
}

/** Processes whose command line or working directory mentions the text; for 'nothing is left behind'. Linux only. */
export function processesMentioning(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        return command.includes(text) ? [`${pid} ${command}`] : []
      } catch {
        return []
      }
    })
}
