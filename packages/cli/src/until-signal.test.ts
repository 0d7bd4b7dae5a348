// Real processes and signals, as npm and nohup have them arrive.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { bareEnvironment } from './commands/test-command.ts'

const program = join(import.meta.dirname, 'fixtures', 'runs-until-asked.ts')
const started: ChildProcess[] = []
/** Of programs that a shell started. */
const pids = new Set<number>()

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  pids.clear()
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function start(command: string, words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(command, [...words], { stdio: 'pipe', env: { ...bareEnvironment(), ...env } })
  started.push(child)
  let said = ''
  child.stdout.on('data', (text: Buffer) => (said += text.toString()))
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  )
  const spoken = (): string[] =>
    said
      .trim()
      .split('\n')
      .map((line) => line.replace(/ \d+$/, ''))
  return {
    child,
    ended,
    said: spoken,
    tell: (line: string) => child.stdin.write(`${line}\n`),
    until: async (word: string) => {
      await expect.poll(spoken).toContain(word)
      const pid = Number(/ (\d+)$/m.exec(said)?.[1])
      pids.add(pid)
      return pid
    },
  }
}
describe('a program that runs until it is asked to end', () => {
  it('goes on after SIGHUP where it has no terminal, as under nohup', async () => {
    const { child, ended, said, tell, until } = start(process.execPath, [program])
    await until('ready')
    child.kill('SIGHUP')
    tell('alive?')
    await until('alive')
    child.kill('SIGTERM')
    tell('stop')
    expect(await ended).toEqual({ code: 0, signal: null })
    expect(said()).toEqual(['ready', 'alive', 'asked', 'stopped'])
  })

  it('stops where its terminal is gone, which takes no more lines', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rowhouse-terminal-'))
    const file = join(folder, 'said')
    writeFileSync(file, '')
    const words = (): string[] =>
      readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.replace(/ \d+$/, ''))
    // What holds the terminal is a process of its own, and killed: the kernel does the rest.
    const holder = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { spawn } from '@lydell/node-pty'
         spawn(process.execPath, ${JSON.stringify([program, file])}, { env: process.env })
         setInterval(() => undefined, 60_000)`,
      ],
      { cwd: import.meta.dirname, env: bareEnvironment(), stdio: 'ignore' },
    )
    started.push(holder)
    try {
      await expect.poll(words).toEqual(['ready'])
      const pid = Number(/ (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1])
      pids.add(pid)
      holder.kill('SIGKILL')
      await expect.poll(words).toEqual(['ready', 'asked', 'stopped'])
      await expect.poll(() => isAlive(pid)).toBe(false)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('stops where npm’s shell ends without telling it', async () => {
    // As npm runs a script, with a shell that waits for its end.
    const { child, ended, said, until } = start('sh', ['-c', `"${process.execPath}" "${program}"; exit $?`], {
      npm_lifecycle_event: 'start',
    })
    const pid = await until('ready')
    child.kill('SIGTERM')
    await ended
    expect(said()).toEqual(['ready', 'asked', 'stopped'])
    await expect.poll(() => isAlive(pid)).toBe(false)
  })
})
