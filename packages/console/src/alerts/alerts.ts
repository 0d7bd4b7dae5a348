// Alerts in the cache: what is open for the pages of all, what was for the page of one. Live events patch both in place.
import { queryOptions } from '@tanstack/react-query'
import type { Alert } from '@rowhouse/contracts'
import { client, queries } from '../app/api.ts'

const SHOWN_MAX = 100

interface List {
  readonly items: readonly Alert[]
  /** Null where these are all. */
  readonly next?: string | null
}

export const openAlertsQuery = queryOptions({
  queryKey: ['alerts', 'open'],
  queryFn: ({ signal }): Promise<List> => client.listAlerts({ query: { state: 'open', limit: SHOWN_MAX }, signal }),
})

export const closedAlertsQuery = queryOptions({
  queryKey: ['alerts', 'closed'],
  queryFn: ({ signal }): Promise<List> => client.listAlerts({ query: { state: 'closed', limit: SHOWN_MAX }, signal }),
})

export const organizationAlertsQuery = (organizationId: string) =>
  queryOptions({
    queryKey: ['organization', organizationId, 'alerts'],
    queryFn: ({ signal }): Promise<List> =>
      client.listOrganizationAlerts({ params: { organizationId }, query: { limit: SHOWN_MAX }, signal }),
  })

/** A changed alert takes its place, a new one comes first, and one that does not belong any more goes. */
export function withAlert<Old extends List>(
  old: Old | undefined,
  alert: Alert,
  belongs: (alert: Alert) => boolean,
): Old | undefined {
  if (old === undefined) return undefined
  const isKnown = old.items.some(({ id }) => id === alert.id)
  const items = old.items.flatMap((item) => (item.id === alert.id ? (belongs(alert) ? [alert] : []) : [item]))
  return { ...old, items: !isKnown && belongs(alert) ? [alert, ...items] : items }
}

export function patchAlerts(alerts: readonly Alert[]): void {
  for (const alert of alerts) {
    const isOpen = alert.closedAt === null
    queries.setQueryData(openAlertsQuery.queryKey, (old) => withAlert(old, alert, () => isOpen))
    queries.setQueryData(closedAlertsQuery.queryKey, (old) => withAlert(old, alert, () => !isOpen))
    queries.setQueryData(organizationAlertsQuery(alert.organizationId).queryKey, (old) =>
      withAlert(old, alert, () => true),
    )
  }
}
