// A bound for what is asked while many wait: their tables are locked until it is answered. A limit for each statement bounds
// nothing where there are a hundred of them, and transaction_timeout is there from Postgres 17 on and ends the connection.
import type { ClientBase } from 'pg'

const AGAIN_MS = 100

export class TookTooLong extends Error {}

/**
 * What `use` gives, unless it takes longer than `ms`: then the statement that is under way is cancelled, and the next one, until
 * it gives up. Afterwards nothing is cancelled any more.
 *
 * @param client in a transaction, which is to be rolled back when this throws
 * @param cancel cancels what another session of the same login has under way
 * @throws TookTooLong, also where the answer came late
 */
export async function withinTime<Result>(
  client: ClientBase,
  ms: number,
  cancel: (backend: number) => Promise<unknown>,
  use: () => Promise<Result>,
): Promise<Result> {
  const { rows } = await client.query<{ backend: number }>('select pg_backend_pid() as backend')
  const backend = rows[0]?.backend ?? 0
  let isOver = false
  let isCancelling = false
  let cancelled: Promise<unknown> = Promise.resolve()
  const stop = (): void => {
    isOver = true
    if (isCancelling) return
    isCancelling = true
    cancelled = cancel(backend)
      .catch(() => undefined)
      .finally(() => {
        isCancelling = false
      })
  }
  let again: NodeJS.Timeout | undefined
  const first = setTimeout(() => {
    stop()
    again = setInterval(stop, AGAIN_MS)
  }, ms)
  try {
    const result = await use()
    if (!isOver) return result
  } catch (error) {
    if (!isOver) throw error
  } finally {
    clearTimeout(first)
    clearInterval(again)
    await cancelled
  }
  throw new TookTooLong(`It took longer than ${ms} ms.`)
}
