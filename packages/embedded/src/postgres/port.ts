// Which port on the loopback interface the server gets: the one asked for, else the one it had, else a free one.
import { createServer } from 'node:net'
import { RowhouseError } from '@rowhouse/contracts'

export const host = '127.0.0.1'

/** Throws `port_in_use` only for a port that was asked for; a remembered one that is taken is given up. */
export async function choosePort(requested: number | undefined, remembered: number | undefined): Promise<number> {
  if (requested !== undefined) {
    if ((await bind(requested)) !== undefined) return requested
    throw new RowhouseError('port_in_use', `Port ${requested} on ${host} is taken by another program.`, {
      details: { host, port: requested },
    })
  }
  const kept = remembered === undefined ? undefined : await bind(remembered)
  const port = kept ?? (await bind(0))
  if (port !== undefined) return port
  throw new RowhouseError('postgres_start_failed', `No port on ${host} is free.`)
}

async function bind(port: number): Promise<number | undefined> {
  const server = createServer()
  return await new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined))
    })
  })
}
