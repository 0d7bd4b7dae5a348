// Ports of the parts beside the API. They are kept across starts, because addresses with them in are
// stored: in connections, in webhooks' targets, in tokens.
import { createServer } from 'node:net'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

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

async function freePort(preferred: number | undefined, except?: number): Promise<number> {
  if (preferred !== undefined && preferred !== except && (await listenOnce(preferred)) !== null) return preferred
  const port = await listenOnce(0)
  if (port === null || port === except) return freePort(undefined, except)
  return port
}

/** Listens for a moment: the port that was had, or null when it is taken. Port 0 takes a free one. */
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
