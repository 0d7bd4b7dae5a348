// Postgres's own log: one file beside the data, written by the server itself so that it goes on when this
// process dies, renamed at a start once it has grown, and read again only to say why a start failed.
import { open, rename, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

const rotateBytes = 8 * 1024 * 1024
const tailBytes = 16 * 1024
const tailLines = 12

/** Opens the log for appending; a large one becomes `postgres.log.1`, replacing the one before. */
export async function openLog(file: string): Promise<FileHandle> {
  const size = await sizeOf(file)
  if (size > rotateBytes) await rename(file, `${file}.1`)
  return await open(file, 'a', 0o600)
}

export async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    () => 0,
  )
}

/** The last lines written after `offset`. */
export async function readTail(file: string, offset: number): Promise<string[]> {
  const size = await sizeOf(file)
  const start = Math.max(offset, size - tailBytes)
  if (size <= start) return []
  const handle = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start)
    return buffer.subarray(0, bytesRead).toString().trim().split('\n').slice(-tailLines)
  } finally {
    await handle.close()
  }
}
