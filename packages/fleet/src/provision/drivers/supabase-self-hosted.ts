// A self-hosted Supabase for each home, by its compose files, on this machine. The cluster is added with
// `compose://local/<absolute folder for projects>?template=<absolute folder: supabase/docker>&ports=20000-20999`. Tested against a
// simulation of `docker compose`.
import { execFile } from 'node:child_process'
import { access as accessFile, cp, mkdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'

import { RowhouseError } from '@rowhouse/contracts'

import { environmentOf, overrideOf, portsFrom, PORTS_PER_PROJECT } from './compose-files.ts'
import type { MadeServer, ServerDriver, ServerOrder } from './driver.ts'

const NAME = /^h-[0-9a-f]{16}$/
const OVERRIDE = 'docker-compose.rowhouse.yml'
const UP_TIMEOUT_SECONDS = 600
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024

export interface Ran {
  readonly code: number
  readonly output: string
}

export interface SelfHostedOptions {
  /** Runs `docker` with these words in this folder. @default the docker of this machine */
  readonly docker?: (words: readonly string[], cwd: string) => Promise<Ran>
  /** Epoch milliseconds. @default Date.now */
  readonly now?: () => number
}

interface Place {
  readonly folder: string
  readonly template: string
  readonly firstPort: number
  readonly lastPort: number
}

const runDocker = (words: readonly string[], cwd: string): Promise<Ran> =>
  new Promise((resolve) => {
    execFile('docker', [...words], { cwd, maxBuffer: OUTPUT_BYTES_MAX }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127
      resolve({ code, output: `${stdout}${stderr}${code === 127 ? String(error?.message) : ''}` })
    })
  })

export function selfHostedSupabaseDriver({ docker = runDocker, now = Date.now }: SelfHostedOptions = {}): ServerDriver {
  const compose = async (dir: string, name: string, words: readonly string[]): Promise<void> => {
    const files = ['--file', 'docker-compose.yml', '--file', OVERRIDE]
    const { code, output } = await docker(['compose', '--project-name', name, ...files, ...words], dir)
    if (code === 0) return
    throw new RowhouseError('compose_failed', `docker compose ${words[0] ?? ''} of ${name} ended with ${code}.`, {
      details: { folder: dir, output: output.slice(-2000) },
    })
  }

  return {
    name: 'supabase-self-hosted',
    async create({ name, access, password }: ServerOrder): Promise<MadeServer> {
      const place = placeOf(access, name)
      const dir = join(place.folder, name)
      if (!(await exists(dir))) await makeProject(place, name, password, now())
      await compose(dir, name, ['up', '--detach', '--wait', '--wait-timeout', String(UP_TIMEOUT_SECONDS)])
      const base = Number(await readFile(join(dir, '.rowhouse-port'), 'utf8'))
      const url = new URL('postgres://postgres@127.0.0.1/postgres')
      url.password = password
      url.port = String(portsFrom(base).database)
      return { adminUrl: url.href, tls: 'off', tlsCa: null }
    },
    async remove({ name, access }: ServerOrder): Promise<void> {
      const { folder } = placeOf(access, name)
      const dir = join(folder, name)
      if (!(await exists(dir))) return
      await compose(dir, name, ['down', '--volumes', '--remove-orphans'])
      const base = (await readFile(join(dir, '.rowhouse-port'), 'utf8')).trim()
      await rm(dir, { recursive: true, force: true })
      await rmdir(join(folder, '.ports', base)).catch(() => undefined)
    },
    async check(access: string): Promise<void> {
      const { folder, template } = placeOf(access, 'h-0000000000000000')
      for (const file of ['docker-compose.yml', '.env.example']) {
        await accessFile(join(template, file)).catch((cause: unknown) => {
          throw new RowhouseError('invalid_option', `${join(template, file)} is not there.`, { cause })
        })
      }
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const { code, output } = await docker(['compose', 'version'], folder)
      if (code !== 0) throw new RowhouseError('compose_failed', `docker compose is not there: ${output.slice(-300)}`)
    },
  }
}

/** Made aside and renamed when whole: what is in the folder of projects is a whole one. */
async function makeProject(place: Place, name: string, password: string, nowMs: number): Promise<void> {
  const { folder, template } = place
  const dir = join(folder, name)
  const partial = `${dir}.partial`
  const base = await claimPorts(place, partial)
  const ports = portsFrom(base)
  await cp(template, partial, { recursive: true })
  const environment = await readFile(join(template, '.env.example'), 'utf8')
  await writeFile(join(partial, '.env'), environmentOf(environment, { name, password, ports, nowMs }), { mode: 0o600 })
  await writeFile(
    join(partial, OVERRIDE),
    overrideOf(await readFile(join(template, 'docker-compose.yml'), 'utf8'), name, ports),
  )
  await writeFile(join(partial, '.rowhouse-port'), String(base))
  await rename(partial, dir)
}

/** A folder for each base that is taken: making one either succeeds or says that somebody else has it. */
async function claimPorts({ folder, firstPort, lastPort }: Place, partial: string): Promise<number> {
  const before = await readFile(join(partial, '.rowhouse-port'), 'utf8').catch(() => null)
  await rm(partial, { recursive: true, force: true })
  if (before !== null) return Number(before)
  await mkdir(partial, { recursive: true, mode: 0o700 })
  await mkdir(join(folder, '.ports'), { recursive: true, mode: 0o700 })
  for (let base = firstPort; base + PORTS_PER_PROJECT - 1 <= lastPort; base += PORTS_PER_PROJECT) {
    const taken = await mkdir(join(folder, '.ports', String(base))).then(
      () => false,
      () => true,
    )
    if (taken) continue
    await writeFile(join(partial, '.rowhouse-port'), String(base))
    return base
  }
  throw new RowhouseError('compose_failed', `All ports from ${firstPort} to ${lastPort} are taken.`, {
    hint: 'Add the cluster with a wider range: &ports=20000-29999',
  })
}

/** @throws RowhouseError invalid_option */
function placeOf(access: string, name: string): Place {
  const url = URL.canParse(access) ? new URL(access) : null
  const folder = url?.protocol === 'compose:' ? decodeURIComponent(url.pathname) : ''
  const template = url?.searchParams.get('template') ?? ''
  const range = /^(\d{4,5})-(\d{4,5})$/.exec(url?.searchParams.get('ports') ?? '20000-20999')
  const [firstPort, lastPort] = [Number(range?.[1]), Number(range?.[2])]
  if (!isAbsolute(folder) || folder === '/' || !isAbsolute(template) || !(firstPort < lastPort && lastPort < 65_536)) {
    throw new RowhouseError(
      'invalid_option',
      'url is not compose://local/<absolute folder>?template=<absolute folder>&ports=<first>-<last>',
      { details: { option: 'url' } },
    )
  }
  if (!NAME.test(name)) throw new RowhouseError('invalid_option', `${name} is no name of a server.`)
  return { folder, template, firstPort, lastPort }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
