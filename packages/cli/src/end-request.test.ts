import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { onEndRequest } from './end-request.ts'

function watch({ env = {}, hasTerminal = true }: { env?: NodeJS.ProcessEnv; hasTerminal?: boolean } = {}) {
  const of = Object.assign(new EventEmitter(), { ppid: 100, env })
  const asked: boolean[] = []
  let nowMs = 0
  const off = onEndRequest((isAgain) => asked.push(isAgain), {
    of,
    hasTerminal: () => hasTerminal,
    now: () => nowMs,
    parentEveryMs: 1,
  })
  return { of, asked, off, pass: (ms: number) => (nowMs += ms) }
}
const npm = { npm_lifecycle_event: 'start' }

describe('a request for the end', () => {
  it('that comes more than once at a time is one: npm passes on what the terminal has sent already', () => {
    const { of, asked, pass } = watch()
    of.emit('SIGINT', 'SIGINT')
    pass(20)
    of.emit('SIGINT', 'SIGINT')
    of.emit('SIGTERM', 'SIGTERM')
    expect(asked).toEqual([false])
    pass(600)
    of.emit('SIGINT', 'SIGINT')
    expect(asked).toEqual([false, true])
  })

  it('is the end of a terminal where there is one, and under nohup nothing', () => {
    const terminal = watch()
    terminal.of.emit('SIGHUP', 'SIGHUP')
    expect(terminal.asked).toEqual([false])
    const nohup = watch({ hasTerminal: false })
    nohup.of.emit('SIGHUP', 'SIGHUP')
    expect(nohup.asked).toEqual([])
    nohup.of.emit('SIGTERM', 'SIGTERM')
    expect(nohup.asked).toEqual([false])
  })

  it('is the end of the parent where npm started this, and nowhere else', async () => {
    const started = watch({ env: npm })
    const daemon = watch()
    started.of.ppid = daemon.of.ppid = 1
    await vi.waitFor(() => expect(started.asked).toEqual([false]), { timeout: 60_000 })
    expect(daemon.asked).toEqual([])
    started.off()
    daemon.off()
  })

  it('is heard of no more once it is over', () => {
    const { of, asked, off } = watch({ env: npm })
    off()
    of.ppid = 1
    for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) of.emit(event, event)
    expect([asked, of.eventNames()]).toEqual([[], []])
  })
})
