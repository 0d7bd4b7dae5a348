// A page's live stream. Events are gathered for a moment and handed on together, so that a burst
// renders once; organizations and connections patch the cache in place.
import { useEffect, useRef } from 'react'
import type { Alert, ConnectionDetail, Organization, ServerEvent } from '@rowhouse/contracts'
import { patchAlerts } from '../alerts/alerts.ts'
import { client, connectionQuery, isSignedOut, organizationQuery, queries } from '../app/api.ts'
import { patchList } from '../organizations/list.ts'
import { setLiveStatus } from './status.ts'

const GATHER_MS = 100

/**
 * @param organizationId narrows the stream, and adds the organization's activity
 * @param onEvents told after the cache was patched
 */
export function useEvents(
  organizationId: string | undefined,
  onEvents?: (events: readonly ServerEvent[]) => void,
): void {
  const latest = useRef(onEvents)
  useEffect(() => {
    latest.current = onEvents
  })
  useEffect(() => {
    const controller = new AbortController()
    let gathered: ServerEvent[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    let opened = false
    const flush = (): void => {
      timer = undefined
      const events = gathered
      gathered = []
      patch(events)
      latest.current?.(events)
    }
    const onEvent = (event: ServerEvent): void => {
      gathered.push(event)
      timer ??= setTimeout(flush, GATHER_MS)
    }
    const onStatus = (status: Parameters<typeof setLiveStatus>[0]): void => {
      setLiveStatus(status)
      if (status !== 'open') return
      // What happened while the stream was down is nowhere in it.
      if (opened) void queries.invalidateQueries()
      opened = true
    }
    client.events({ organizationId, signal: controller.signal }, onEvent, { onStatus }).catch((error: unknown) => {
      if (controller.signal.aborted) return
      setLiveStatus('waiting')
      // The page's own queries say why; a lost session is found out at once.
      if (isSignedOut(error)) void queries.invalidateQueries()
    })
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [organizationId])
}

function patch(events: readonly ServerEvent[]): void {
  const organizations = new Map<string, Organization>()
  const connections = new Map<string, ConnectionDetail>()
  const alerts = new Map<string, Alert>()
  for (const event of events) {
    if (event.type === 'organization') organizations.set(event.organization.id, event.organization)
    if (event.type === 'connection') connections.set(event.connection.organizationId, event.connection)
    if (event.type === 'alert') alerts.set(event.alert.id, event.alert)
  }
  patchAlerts([...alerts.values()])
  if (organizations.size + connections.size === 0) return
  for (const [id, organization] of organizations) queries.setQueryData(organizationQuery(id).queryKey, organization)
  for (const [id, connection] of connections) {
    queries.setQueryData(connectionQuery(id, connection.id).queryKey, connection)
    queries.setQueryData(organizationQuery(id).queryKey, (old) => (old === undefined ? old : { ...old, connection }))
  }
  patchList(organizations, connections)
}
