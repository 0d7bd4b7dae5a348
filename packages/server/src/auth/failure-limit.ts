// Slows down guessing: after a number of wrong operator keys from one address, that address waits. The
// table of addresses is bounded; when it is full the oldest is forgotten.
import { RowhouseError } from '@rowhouse/contracts'

const failuresMax = 10
const windowMs = 60_000
const addressesMax = 10_000

export interface FailureLimit {
  /** @throws RowhouseError rate_limited, details.retryAfterS */
  check(address: string): void
  fail(address: string): void
}

export function createFailureLimit(now: () => number): FailureLimit {
  const failures = new Map<string, { count: number; readonly endsAtMs: number }>()
  return {
    check(address) {
      const entry = failures.get(address)
      if (entry === undefined || entry.count < failuresMax) return
      const leftMs = entry.endsAtMs - now()
      if (leftMs <= 0) {
        failures.delete(address)
        return
      }
      const retryAfterS = Math.ceil(leftMs / 1000)
      throw new RowhouseError('rate_limited', `Too many wrong operator keys. Wait ${retryAfterS} s.`, {
        details: { retryAfterS },
      })
    },
    fail(address) {
      const entry = failures.get(address)
      if (entry !== undefined && entry.endsAtMs > now()) {
        entry.count += 1
        return
      }
      failures.delete(address)
      if (failures.size >= addressesMax) failures.delete(failures.keys().next().value ?? '')
      failures.set(address, { count: 1, endsAtMs: now() + windowMs })
    },
  }
}
