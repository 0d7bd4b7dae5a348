// A Postgres of this machine's own, for the tests that need its client programs: the embedded one brings no pg_dump, and a
// pg_dump reads no server that is newer than itself.
import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const programs = ['initdb', 'pg_ctl', 'postgres', 'pg_dump', 'psql'] as const
const OLDEST_MAJOR = 15

/** The folder of an installed Postgres 15 or newer with all its programs, or null. */
export async function findInstalledPostgres(): Promise<string | null> {
  const candidates = ['15', '16', '17', '18'].map((version) => `/usr/lib/postgresql/${version}/bin`)
  try {
    candidates.unshift((await run('pg_config', ['--bindir'])).stdout.trim())
  } catch {
    // No pg_config: the usual folders are looked through all the same.
  }
  for (const folder of candidates) {
    if (!programs.every((program) => existsSync(join(folder, program)))) continue
    const { stdout } = await run(join(folder, 'pg_dump'), ['--version'])
    if (Number(/ (\d+)/.exec(stdout)?.[1]) >= OLDEST_MAJOR) return folder
  }
  return null
}

/** Its superuser is `postgres`, as the embedded one's. Postgres refuses to run as root, so root hands it to that user. */
export async function startInstalledPostgres(
  binaries: string,
  dataDir: string,
): Promise<{ readonly adminUrl: string; stop(): Promise<void> }> {
  const user = process.getuid?.() === 0 ? await idsOf('postgres') : {}
  const [data, passwordFile] = [join(dataDir, 'pgdata'), join(dataDir, 'password')]
  await mkdir(data)
  await writeFile(passwordFile, 'bootstrap\n')
  await chmod(dataDir, 0o755)
  if (user.uid !== undefined) {
    await chown(data, user.uid, user.gid ?? user.uid)
    await chown(passwordFile, user.uid, user.gid ?? user.uid)
  }
  const options = { ...user, cwd: dataDir }
  await run(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', passwordFile, '-N'],
    options,
  )
  const port = await freePort()
  const settings = `-c port=${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off`
  await run(join(binaries, 'pg_ctl'), ['-D', data, '-w', '-l', join(data, 'log'), '-o', settings, 'start'], options)
  return {
    adminUrl: `postgres://postgres:bootstrap@127.0.0.1:${port}/postgres`,
    stop: async () => void (await run(join(binaries, 'pg_ctl'), ['-D', data, '-m', 'fast', '-w', 'stop'], options)),
  }
}

async function idsOf(name: string): Promise<{ uid?: number; gid?: number }> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (flag) => Number((await run('id', [flag, name])).stdout)))
  return { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => {
        resolve(port)
      })
    })
  })
}
