// Compares operator keys without telling by its duration how much of one was right.
import { createHash, timingSafeEqual } from 'node:crypto'

export function isOperatorKey(given: string, expected: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/** Names a key without telling it; a session made with another key is not one. */
export function operatorKeyId(key: string): string {
  return createHash('sha256').update(`rowhouse operator key v1 ${key}`).digest('hex').slice(0, 16)
}
