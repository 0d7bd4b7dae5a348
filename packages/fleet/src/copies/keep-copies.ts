// Carries the copies that are due, in every process of the control plane at once: rowhouse.take_copies_due() gives each to
// one of them, and what a process that died had taken is due again after 30 s.
import { carryCopy } from './carry-copy.ts'
import type { CopyOptions } from './carry-copy.ts'

const EVERY_MS = 1_000
/** Taken up at once; where there were as many, more are taken when these are done. */
const BATCH_MAX = 16

export interface CopyKeeper {
  stop(): Promise<void>
}

/**
 * Looks at once and then again and again, until it is stopped.
 *
 * @param onError of what could not be carried; it is tried again after 1 s, then 2, 4 … 256
 */
export function keepCopies(
  options: CopyOptions,
  onError: (error: unknown) => void,
  everyMs: number = EVERY_MS,
): CopyKeeper {
  let timer: NodeJS.Timeout | null = null
  let stopped = false
  const take = async (): Promise<readonly string[]> => {
    const { rows } = await options.catalogue.query('select id from rowhouse.take_copies_due($1) as id', [BATCH_MAX])
    return (rows as { readonly id: string }[]).map(({ id }) => id)
  }
  const look = async (): Promise<void> => {
    let isMore = false
    try {
      const taken = await take()
      isMore = taken.length === BATCH_MAX
      await Promise.all(taken.map((id) => carryCopy(options, id).catch(onError)))
    } catch (error) {
      onError(error)
    }
    if (stopped) return
    timer = setTimeout(
      () => {
        running = look()
      },
      isMore ? 0 : everyMs,
    )
    timer.unref()
  }
  let running = look()
  return {
    stop: () => {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      return running
    },
  }
}
