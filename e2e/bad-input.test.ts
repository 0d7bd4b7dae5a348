// Each mistake a person can make at the start: one coded line that says what to do, an exit code, and
// nothing half made.
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort, run, temporaryFolder } from './processes.ts'

const servers: Server[] = []
const folders: string[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
})

const newFolder = async (): Promise<string> => {
  const folder = await temporaryFolder()
  folders.push(folder)
  return folder
}

async function listen(onConnection: (socket: Socket) => void = () => {}): Promise<number> {
  const server = createServer(onConnection)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const key = 'k'.repeat(32)
const complete = {
  ROWHOUSE_URL: 'postgres://rowhouse_app@127.0.0.1:1/rowhouse',
  ROWHOUSE_SIGNING_KEY: key,
  ROWHOUSE_ENCRYPTION_KEY: key,
  ROWHOUSE_OPERATOR_KEY: key,
}

/** Runs it both ways: for people one coded line and a hint, for programs JSON. */
async function refusal(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ code: number | null; error: string }> {
  const forPeople = await run(args, { env }).finished
  const lines = forPeople.stderr.trim().split('\n')
  const coded = lines.filter((line) => line.startsWith('error['))
  expect(coded).toHaveLength(1)
  expect(lines.at(-1)).toMatch(/^ {2}hint: \S/)
  const forPrograms = await run([...args, '--json'], { env }).finished
  expect(forPrograms.code).toBe(forPeople.code)
  expect(forPrograms.stdout).toBe('')
  const said = JSON.parse(forPrograms.stderr.trim().split('\n').at(-1) ?? '') as { code: string }
  expect(coded[0]).toContain(`error[${said.code}]`)
  return { code: forPeople.code, error: said.code }
}

describe('bad input of rowhouse dev', () => {
  const dev = async (env: Record<string, string>, port?: number) => {
    const folder = join(await newFolder(), 'data')
    const answer = await refusal(['dev', '--data', folder, '--port', String(port ?? (await freePort()))], env)
    return { ...answer, made: existsSync(folder) ? await readdir(folder) : [] }
  }

  it('a port in use', async () => {
    expect(await dev({}, await listen())).toEqual({ code: 3, error: 'port_in_use', made: [] })
  })

  it('a port that is no port', async () => {
    expect(await refusal(['dev', '--port', 'http'], {})).toEqual({ code: 2, error: 'invalid_option' })
  })

  it('a short key', async () => {
    expect(await dev({ ROWHOUSE_SIGNING_KEY: 'short' })).toEqual({ code: 2, error: 'signing_key_too_short', made: [] })
    expect(await dev({ ROWHOUSE_OPERATOR_KEY: 'short' })).toEqual({
      code: 2,
      error: 'operator_key_too_short',
      made: [],
    })
  })

  it('an unreachable ROWHOUSE_URL', async () => {
    const { code, error } = await dev({ ROWHOUSE_URL: `postgres://nobody@127.0.0.1:1/nothing` })
    expect({ code, error }).toEqual({ code: 3, error: 'database_unreachable' })
  })

  it('a data directory of another major version of Postgres', async () => {
    const folder = await newFolder()
    const data = join(folder, 'postgres/pgdata')
    await mkdir(data, { recursive: true })
    await writeFile(join(folder, 'postgres/postgres.json'), '{"format":1,"pgdata":"pgdata"}')
    await writeFile(join(data, 'PG_VERSION'), '14\n')
    for (const given of [folder, data]) {
      const answer = await refusal(['dev', '--data', given, '--port', String(await freePort())], {})
      expect(answer).toEqual({ code: 3, error: 'data_version_mismatch' })
    }
    expect(await readdir(data)).toEqual(['PG_VERSION'])
  })
})

describe('bad input of rowhouse serve, worker and install', () => {
  const without = (name: keyof typeof complete): Record<string, string> => {
    const { [name]: _left, ...rest } = complete
    return rest
  }

  it('a missing or short key, each by its own code', async () => {
    for (const command of ['serve', 'worker']) {
      expect(await refusal([command], without('ROWHOUSE_SIGNING_KEY'))).toEqual({
        code: 2,
        error: 'signing_key_missing',
      })
      expect(await refusal([command], { ...complete, ROWHOUSE_ENCRYPTION_KEY: 'short' })).toEqual({
        code: 2,
        error: 'encryption_key_too_short',
      })
    }
    expect(await refusal(['install'], without('ROWHOUSE_SIGNING_KEY'))).toEqual({
      code: 2,
      error: 'signing_key_missing',
    })
    expect(await refusal(['install'], { ...complete, ROWHOUSE_SIGNING_KEY: 'short' })).toEqual({
      code: 2,
      error: 'signing_key_too_short',
    })
  })

  it('no ROWHOUSE_URL, or one that nobody answers at', async () => {
    for (const command of ['serve', 'worker', 'install', 'doctor']) {
      expect(await refusal([command], without('ROWHOUSE_URL'))).toEqual({ code: 2, error: 'url_missing' })
      expect(await refusal([command], complete)).toEqual({ code: 3, error: 'database_unreachable' })
    }
  })

  it('a Postgres that is too old', async () => {
    const port = await listen(oldPostgres)
    const env = { ...complete, ROWHOUSE_URL: `postgres://postgres@127.0.0.1:${port}/postgres` }
    expect(await refusal(['install'], env)).toEqual({ code: 3, error: 'postgres_too_old' })
  })

  it('a command that does not exist', async () => {
    const { code, stderr } = await run(['instal']).finished
    expect(code).toBe(2)
    expect(stderr).toContain('install')
  })
})

/** Speaks just enough of the protocol to be asked for its version and to say 14.9. */
function oldPostgres(socket: Socket): void {
  const message = (type: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5)
    head.write(type, 0, 'latin1')
    head.writeInt32BE(body.length + 4, 1)
    return Buffer.concat([head, body])
  }
  const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255])
  const int32 = (value: number): Buffer => {
    const buffer = Buffer.alloc(4)
    buffer.writeInt32BE(value)
    return buffer
  }
  const idle = message('Z', Buffer.from('I'))
  let started = false
  socket.on('error', () => {})
  socket.on('data', (data) => {
    if (!started) {
      if (data.readInt32BE(4) === 80_877_103) {
        socket.write('N')
        return
      }
      started = true
      socket.write(
        Buffer.concat([
          message('R', int32(0)),
          message('S', Buffer.from('server_version\u000014.9\u0000')),
          message('K', Buffer.concat([int32(1), int32(1)])),
          idle,
        ]),
      )
      return
    }
    if (data.toString('latin1', 0, 1) === 'X') {
      socket.end()
      return
    }
    const columns = ['version', 'text', 'superuser']
    const values = ['140009', '14.9', 't']
    const types = [23, 25, 16]
    socket.write(
      Buffer.concat([
        ...(data.toString('latin1', 0, 1) === 'P'
          ? [message('1', Buffer.alloc(0)), message('2', Buffer.alloc(0))]
          : []),
        message(
          'T',
          Buffer.concat([
            int16(columns.length),
            ...columns.map((name, index) =>
              Buffer.concat([
                Buffer.from(`${name}\0`),
                int32(0),
                int16(0),
                int32(types[index] as number),
                int16(-1),
                int32(-1),
                int16(0),
              ]),
            ),
          ]),
        ),
        message(
          'D',
          Buffer.concat([
            int16(values.length),
            ...values.map((value) => Buffer.concat([int32(value.length), Buffer.from(value)])),
          ]),
        ),
        message('C', Buffer.from('SELECT 1\0')),
        idle,
      ]),
    )
  })
}
