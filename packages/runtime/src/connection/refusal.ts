// Why a query got no connection: because of what its own organization has under way, or because of the server.
import { RowhouseError } from '@rowhouse/contracts'

import type { Bounds, Counts } from './door.ts'

interface Refused {
  readonly organization: string | null
  readonly bounds: Bounds
  /** Connections that the organization holds. */
  readonly held: number
  /** Of the server. */
  readonly max: number
  readonly counts: Counts
  /** How many queries of the organization wait, where they are too many. */
  readonly crowd?: number
}

/** organization_busy where the organization stands in its own way, else pool_exhausted. */
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
  const message =
    crowd === undefined
      ? `The organization holds its share of ${share} connections, and none became free within ${acquireTimeoutMs} ms.`
      : `${crowd} queries of the organization wait already, and it holds at most ${share} connections.`
  return new RowhouseError('organization_busy', message, {
    details: { ...details, organizationId: organization, share },
    hint: 'Send fewer at a time, or raise what its plan allows.',
  })
}
