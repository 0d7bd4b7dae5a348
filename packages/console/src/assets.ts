// The built console, for those who serve it (Node only). It builds when a source changed since the
// last build and never otherwise; a published package carries the built files and builds nothing.
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const BUILD_TIMEOUT_MS = 120_000
const here = import.meta.dirname
const isSource = import.meta.filename.endsWith('.ts')
const root = join(here, '..')

/** Folder with index.html, its hashed files below `assets/`. Empty until `buildConsole` has run once. */
export const consoleDir: string = isSource ? join(root, 'dist/site') : join(here, 'site')

const stampFile = join(consoleDir, '../site.sha256')
const inputs = ['index.html', 'vite.config.ts', 'package.json', 'public', 'src', '../contracts/src', '../client/src']

export interface BuildOptions {
  /** Told once, when a build begins. @default silent */
  readonly log?: (line: string) => void
}

/**
 * Makes sure that `consoleDir` holds the console of these sources.
 * Safe to call from several processes: each builds beside and swaps the folder in at the end.
 *
 * @returns whether it had to build
 */
export async function buildConsole({ log = () => {} }: BuildOptions = {}): Promise<boolean> {
  if (!isSource) return false
  const stamp = await hashOfSources()
  const built = await readFile(stampFile, 'utf8').catch(() => null)
  if (built === stamp && existsSync(join(consoleDir, 'index.html'))) return false
  log('building the console')
  const suffix = randomUUID()
  const beside = join(root, `dist/site.${suffix}`)
  await mkdir(beside, { recursive: true })
  try {
    await runVite(['build', '--outDir', beside, '--emptyOutDir', '--logLevel', 'error'])
    await swapIn(beside, join(root, `dist/old.${suffix}`))
    await writeFile(stampFile, stamp)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  return true
}

/** A process of its own: the caller's NODE_ENV (a test's, say) would otherwise choose React's development build. */
async function runVite(args: readonly string[]): Promise<void> {
  const vite = join(dirname(fileURLToPath(import.meta.resolve('vite/package.json'))), 'bin/vite.js')
  await promisify(execFile)(process.execPath, [vite, ...args], {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production' },
    timeout: BUILD_TIMEOUT_MS,
  })
}

async function swapIn(beside: string, old: string): Promise<void> {
  await rename(consoleDir, old).catch(() => {})
  // Another process may have swapped in between; its build is of the same sources.
  await rename(beside, consoleDir).catch((error: unknown) => {
    if (!existsSync(join(consoleDir, 'index.html'))) throw error
  })
  await rm(old, { recursive: true, force: true })
}

async function hashOfSources(): Promise<string> {
  const hash = createHash('sha256')
  for (const input of inputs) {
    for (const file of await filesBelow(join(root, input))) {
      hash
        .update(`${file.slice(root.length)}\0`)
        .update(await readFile(file))
        .update('\0')
    }
  }
  return hash.digest('hex')
}

async function filesBelow(path: string): Promise<string[]> {
  if (extname(path) !== '') return [path]
  const entries = await readdir(path, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.includes('.test.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
