// Whether live changes arrive. Pages' streams write it, the shell shows it.
import { useSyncExternalStore } from 'react'
import type { EventsStatus } from '@rowhouse/client'

let status: EventsStatus = 'connecting'
const listeners = new Set<() => void>()
const tell = (): void => listeners.forEach((listener) => listener())

export function setLiveStatus(next: EventsStatus): void {
  // A retry under way is still a lost connection to the reader.
  if (next === 'connecting' && status === 'waiting') return
  status = next
  tell()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  window.addEventListener('online', listener)
  window.addEventListener('offline', listener)
  return () => {
    listeners.delete(listener)
    window.removeEventListener('online', listener)
    window.removeEventListener('offline', listener)
  }
}

export type LiveStatus = EventsStatus | 'offline'
export const useLiveStatus = (): LiveStatus =>
  useSyncExternalStore(subscribe, () => (navigator.onLine ? status : 'offline'))
