// `rowhouse …` in a terminal, for tests: a process of its own on a pseudo-terminal of so many columns, typed into by the test.
import { join } from 'node:path'

import { spawn } from '@lydell/node-pty'
import { expect } from 'vitest'

import { seen } from '../output/test-screen.ts'
import { bareEnvironment } from './test-command.ts'

const main = join(import.meta.dirname, '..', 'main.ts')

export interface Terminal {
  /** As a person types it; '\u0003' is Ctrl-C, '\u0004' Ctrl-D. */
  readonly type: (keys: string) => void
  /** Until it has been shown. */
  readonly until: (text: string | RegExp) => Promise<void>
  /** All that the program wrote. */
  readonly bytes: () => string
  /** What a person sees, line by line. */
  readonly screen: () => string[]
  readonly ended: Promise<number>
  readonly kill: () => void
}

export interface TerminalOptions {
  readonly columns: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

export function openTerminal(words: readonly string[], { columns, cwd, env }: TerminalOptions): Terminal {
  const terminal = spawn(process.execPath, [main, ...words], {
    cols: columns,
    rows: 24,
    cwd: cwd ?? process.cwd(),
    env: { ...bareEnvironment(), TERM: 'xterm-256color', ...env },
  })
  let bytes = ''
  terminal.onData((text) => (bytes += text))
  const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)))
  return {
    type: (keys) => terminal.write(keys),
    until: async (text) => {
      await expect.poll(() => bytes).toMatch(text)
    },
    bytes: () => bytes,
    screen: () => seen(bytes, columns),
    ended,
    kill: () => terminal.kill('SIGKILL'),
  }
}
