// What a change is called: who made it, which record it is of, how its delivery stands.
import type { ActivityItem } from '@rowhouse/contracts'
import { connectorWords } from '../words/connection.ts'
import type { Tone } from '../words/connection.ts'
import { formatDuration } from '../words/duration.ts'

export function actorWords({
  actor,
  direction,
  connector,
}: Pick<ActivityItem, 'actor' | 'direction' | 'connector'>): string {
  if (direction === 'inbound') return `in ${connectorWords(connector).name}`
  const name = actor.name ?? actor.id ?? ''
  return actor.kind === 'user' ? name || 'a member' : name === '' ? actor.kind : `${actor.kind} ${name}`
}

export const recordWords = ({ label, recordId }: Pick<ActivityItem, 'label' | 'recordId'>): string =>
  label ?? (recordId.length > 13 ? `${recordId.slice(0, 8)}…` : recordId)

export function statusWords(item: Pick<ActivityItem, 'status' | 'at' | 'deliveredAt'>): {
  readonly tone: Tone
  readonly word: string
} {
  switch (item.status) {
    case 'pending':
      return { tone: 'busy', word: 'Pending' }
    case 'delivered': {
      if (item.deliveredAt === null) return { tone: 'ok', word: 'Delivered' }
      return { tone: 'ok', word: `Delivered in ${formatDuration(Date.parse(item.deliveredAt) - Date.parse(item.at))}` }
    }
    case 'parked':
      return { tone: 'bad', word: 'Parked' }
    case 'applied':
      return { tone: 'ok', word: 'Applied' }
    case 'logged':
      return { tone: 'off', word: 'Stays here' }
  }
}

export const actionWords: Record<ActivityItem['action'], string> = {
  insert: 'created',
  update: 'changed',
  delete: 'deleted',
  truncate: 'removed',
  read: 'read',
}
