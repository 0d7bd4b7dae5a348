// A simulated `docker compose` for self-hosted Supabase: it reads the files that it is given as Docker does, refuses what Docker
// refuses (a variable that nothing sets, a container's name or a port that another project has), and where the database
// would be it forwards to a Postgres that the test says. Facts: supabase/supabase, folder docker (docker-compose.yml,
// .env.example) and https://docs.docker.com/reference/cli/docker/compose/.
import { createConnection, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface SimulatedStack {
  readonly project: string
  readonly environment: Readonly<Record<string, string>>
  readonly containers: readonly string[]
  /** Host port of each published one. */
  readonly ports: readonly number[]
}

export interface SimulatedCompose {
  /** `docker` with these words in this folder. */
  readonly docker: (
    words: readonly string[],
    cwd: string,
  ) => Promise<{ readonly code: number; readonly output: string }>
  readonly stacks: readonly SimulatedStack[]
  /** The next `up` fails. */
  failNextUp(): void
  close(): Promise<void>
}

export interface SimulatedComposeOptions {
  /** Where the Postgres of a project is, once `postgres` has the password of its `.env`. */
  readonly database: (
    environment: Readonly<Record<string, string>>,
  ) => Promise<{ readonly host: string; readonly port: number }>
}

interface Running extends SimulatedStack {
  readonly forward: Server
  readonly sockets: Set<Socket>
}

export function simulateCompose({ database }: SimulatedComposeOptions): SimulatedCompose {
  const running = new Map<string, Running>()
  let failing = false
  const refuse = (output: string) => ({ code: 1, output: `${output}\n` })

  async function up(project: string, files: readonly string[], cwd: string) {
    if (failing) {
      failing = false
      return refuse('dependency failed to start: container is unhealthy')
    }
    if (running.has(project)) return { code: 0, output: '' }
    const environment = parseEnvironment(await readFile(join(cwd, '.env'), 'utf8'))
    const texts = await Promise.all(files.map((file) => readFile(join(cwd, file), 'utf8')))
    const unset = texts
      .flatMap((text) => [...text.matchAll(/(?<!\$)\$\{([A-Z0-9_]+)\}/g)].map((match) => match[1] as string))
      .filter((name) => environment[name] === undefined)
    if (unset.length > 0) return refuse(`The "${unset[0]}" variable is not set.`)
    const filled = texts.map((text) =>
      text.replaceAll(/\$\{([A-Z0-9_]+)\}/g, (_, name: string) => environment[name] ?? ''),
    )
    // The later file has the last word on a service.
    const containers = new Map<string, string>()
    for (const text of filled) for (const [service, name] of containerNames(text)) containers.set(service, name)
    const ports = filled.flatMap((text) =>
      [...text.matchAll(/^ +- "?(?:127\.0\.0\.1:)?(\d+):\d+/gm)].map((match) => Number(match[1])),
    )
    for (const other of running.values()) {
      const name = [...containers.values()].find((each) => other.containers.includes(each))
      if (name !== undefined) return refuse(`Conflict. The container name "/${name}" is already in use`)
      const port = ports.find((each) => other.ports.includes(each))
      if (port !== undefined) return refuse(`Bind for 0.0.0.0:${port} failed: port is already allocated`)
    }
    const published = /^ +- "127\.0\.0\.1:(\d+):(\d+)"/m.exec(filled.at(-1) ?? '')
    if (published === null || published[2] !== environment['POSTGRES_PORT']) {
      return refuse('nothing publishes the port that the database listens on')
    }
    const target = await database(environment)
    const sockets = new Set<Socket>()
    const forward = createServer((socket) => {
      const upstream = createConnection(target)
      for (const side of [socket, upstream]) {
        sockets.add(side)
        side.on('error', () => side.destroy())
        side.on('close', () => sockets.delete(side))
      }
      socket.pipe(upstream).pipe(socket)
    })
    await new Promise<void>((resolve, reject) => {
      forward.once('error', reject)
      forward.listen(Number(published[1]), '127.0.0.1', resolve)
    })
    running.set(project, { project, environment, containers: [...containers.values()], ports, forward, sockets })
    return { code: 0, output: '' }
  }

  async function down(project: string) {
    const stack = running.get(project)
    running.delete(project)
    for (const socket of stack?.sockets ?? []) socket.destroy()
    await new Promise<void>((resolve) => {
      if (stack === undefined) resolve()
      else stack.forward.close(() => resolve())
    })
    return { code: 0, output: '' }
  }

  return {
    async docker(words, cwd) {
      if (words[0] !== 'compose') return refuse(`docker: '${words[0] ?? ''}' is not a docker command.`)
      if (words[1] === 'version') return { code: 0, output: 'Docker Compose version v2.40.0\n' }
      const project = words[words.indexOf('--project-name') + 1] ?? ''
      const files = words.flatMap((word, position) => (word === '--file' ? [words[position + 1] ?? ''] : []))
      if (words.includes('up')) return up(project, files, cwd)
      if (words.includes('down')) return down(project)
      return refuse(`unknown docker command: "compose ${words.slice(1).join(' ')}"`)
    },
    get stacks() {
      return [...running.values()]
    },
    failNextUp: () => {
      failing = true
    },
    async close() {
      for (const project of running.keys()) await down(project)
    },
  }
}

function parseEnvironment(text: string): Record<string, string> {
  const lines = text.split('\n').flatMap((line) => {
    const match = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line)
    return match === null ? [] : [[match[1] as string, match[2] as string] as const]
  })
  return Object.fromEntries(lines)
}

function* containerNames(text: string): Generator<readonly [service: string, name: string]> {
  let service = ''
  for (const line of text.split('\n')) {
    service = /^ {2}([a-z0-9_-]+):\s*$/.exec(line)?.[1] ?? service
    const name = /^ {4}container_name:\s*(\S+)\s*$/.exec(line)?.[1]
    if (name !== undefined) yield [service, name]
  }
}
