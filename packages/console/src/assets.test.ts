import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, it } from 'vitest'
import { buildConsole, consoleDir } from './assets.ts'

const INITIAL_BYTES_MAX = 180_000
beforeAll(() => buildConsole(), 120_000)

it('builds nothing when nothing has changed', async () => {
  const before = await stat(join(consoleDir, 'index.html'))
  const lines: string[] = []
  expect(await buildConsole({ log: (line) => lines.push(line) })).toBe(false)
  expect([lines, (await stat(join(consoleDir, 'index.html'))).mtimeMs]).toEqual([[], before.mtimeMs])
})

it('sends little JavaScript before the first page, and nothing inline', async () => {
  const index = await readFile(join(consoleDir, 'index.html'), 'utf8')
  const scripts = [...index.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map((match) => match[1] as string)
  let bytes = 0
  for (const script of scripts) bytes += gzipSync(await readFile(join(consoleDir, script))).length
  expect(scripts.length).toBeGreaterThan(0)
  expect(bytes).toBeLessThan(INITIAL_BYTES_MAX)
  expect(index).not.toMatch(/<script(?![^>]*\bsrc=)|<style| style=/)
})
