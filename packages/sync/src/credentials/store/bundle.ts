// Reads a bundle from what a store holds. Anything else there is unreadable, and no crash.
import { RowhouseError } from '@rowhouse/contracts'
import type { SealedBundle } from './store.ts'

/** @throws RowhouseError credentials_unreadable */
export function readBundle(connectionId: string, value: unknown): SealedBundle {
  const { version, accessToken, refreshToken, clientId, clientSecret, expiresAtMs } = (
    typeof value === 'object' && value !== null ? value : {}
  ) as Record<string, unknown>
  const whole =
    Number.isSafeInteger(version) &&
    typeof accessToken === 'string' &&
    (expiresAtMs === null || typeof expiresAtMs === 'number') &&
    [refreshToken, clientId, clientSecret].every((text) => text === null || typeof text === 'string')
  if (!whole)
    throw new RowhouseError('credentials_unreadable', 'What is stored of the connection are no sealed credentials.', {
      details: { connectionId },
    })
  return { version, accessToken, refreshToken, clientId, clientSecret, expiresAtMs } as SealedBundle
}
