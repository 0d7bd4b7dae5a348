// Why a query got no connection: because of what its own organization has under way, or because of the server.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'

import type { Bounds, Counts } from './door.ts'

interface Refused {
  readonly organization: string | null
  readonly bounds: Bounds
  /** Connections that the organization holds. */
  readonly held: number
  /** Of the server. */
  readonly max: number
  readonly counts: Counts
  /** Queries of the organization that wait, where they are too many. */
  readonly crowd?: Crowd
}

export interface Crowd {
  readonly count: number
  /** How long the one that came first has waited: whoever comes now would wait about as long. */
  readonly waitedMs: number
}

const RETRY_AFTER_S_MAX = 60

/** What is said at once, before the query waits for anything. */
export function tooManyWaiting(
  organization: string,
  { share }: Bounds,
  counts: Counts,
  { count, waitedMs }: Crowd,
): RowhouseError {
  const message = `${count} queries of the organization wait already, and it holds at most ${share} connections.`
  const retryAfterS = Math.min(RETRY_AFTER_S_MAX, Math.max(1, Math.ceil(waitedMs / 1000)))
  return new RowhouseError('too_many_waiting', message, {
    details: { ...counts, organizationId: organization, share, retryAfterS },
  })
}

/**
 * Where the organization stands in its own way, too_many_waiting or organization_busy, by whether it was refused before it
 * waited or after; else pool_exhausted.
 */
export function refusalOf({ organization, bounds, held, max, counts, crowd }: Refused): RowhouseError {
  const { share, acquireTimeoutMs } = bounds
  const details = { max, acquireTimeoutMs, ...counts }
  // Where it may hold all that there are, it waits for the server and for nothing of its own.
  const isOwn = organization !== null && share < max && (crowd !== undefined || held >= share)
  if (!isOwn) {
    const message =
      crowd === undefined
        ? `None of ${max} connections became free within ${acquireTimeoutMs} ms.`
        : `${counts.waiting} queries wait for one of ${max} connections already.`
    return new RowhouseError('pool_exhausted', message, { details })
  }
  if (crowd !== undefined) return tooManyWaiting(organization, bounds, counts, crowd)
  const message = `The organization holds its share of ${share} connections, and none became free within ${acquireTimeoutMs} ms.`
  return new RowhouseError('organization_busy', message, {
    details: { ...details, organizationId: organization, share },
    hint: 'Send fewer at a time, or raise what its plan allows.',
  })
}

/** Of Postgres, where login, database or server have as many connections as they may. */
const TOO_MANY_CONNECTIONS = '53300'

export const isServerFull = (error: unknown): boolean =>
  isRowhouseError(error) && error.details?.['sqlState'] === TOO_MANY_CONNECTIONS
