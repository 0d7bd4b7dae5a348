// Ports of the parts beside the API. They are kept across starts, because addresses with them in are
// stored: in connections, in webhooks' targets, in tokens.
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'

/**
 * Below what Linux, macOS and Windows give out by themselves: who is given any port gets none of these between our look and
 * our listening, which is seconds later.
 */
const PORT_MIN = 20_000
const PORT_END = 32_768
const ATTEMPTS_MAX = 100

export interface StackPorts {
  readonly sandbox: number
  readonly issuer: number
}

/** The ports of the last start where they are free, else free ones, remembered in the folder. */
export async function openPorts(folder: string): Promise<StackPorts> {
  const file = join(folder, 'ports.json')
  let kept: Partial<StackPorts> = {}
  try {
    kept = JSON.parse(await readFile(file, 'utf8')) as Partial<StackPorts>
  } catch {
    // The first start, or a file that says nothing: ports are no secret and nothing is lost with them.
  }
  const sandbox = await freePort(kept.sandbox)
  const issuer = await freePort(kept.issuer, sandbox)
  await writeFile(file, `${JSON.stringify({ sandbox, issuer })}\n`)
  return { sandbox, issuer }
}

/** A port that nobody has, the preferred one if it is free. @throws RowhouseError port_in_use */
export async function freePort(preferred?: number, except?: number): Promise<number> {
  if (preferred !== undefined && preferred !== except && (await listenOnce(preferred)) !== null) return preferred
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const port = randomInt(PORT_MIN, PORT_END)
    if (port !== except && (await listenOnce(port)) !== null) return port
  }
  throw new RowhouseError('port_in_use', `This machine has no free port from ${PORT_MIN} to ${PORT_END - 1}.`)
}

/** Listens for a moment: the port that was had, or null when it is taken. */
export function listenOnce(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const had = typeof address === 'object' && address !== null ? address.port : null
      server.close(() => resolve(had))
    })
  })
}
