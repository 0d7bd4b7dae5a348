// What a connection's state, isolation model and connector are called and how they are marked. The
// one place where contract words become words on the page.
import type { Connection, ConnectionState, IsolationModel } from '@rowhouse/contracts'
import { formatInterval } from './duration.ts'
import { percentOf } from './numbers.ts'

export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'off'

export const stateWords: Record<
  ConnectionState,
  { readonly word: string; readonly tone: Tone; readonly meaning: string }
> = {
  disconnected: {
    word: 'Disconnected',
    tone: 'bad',
    meaning: 'The CRM refuses the credentials. Connect the account again.',
  },
  authorizing: { word: 'Authorizing', tone: 'busy', meaning: 'Waiting for the CRM to grant access.' },
  matching: { word: 'Matching', tone: 'busy', meaning: 'Finding which rows and records are the same.' },
  backfilling: { word: 'Backfilling', tone: 'busy', meaning: 'Reading what the CRM has; live changes follow.' },
  live: { word: 'Live', tone: 'ok', meaning: 'Changes flow both ways.' },
  degraded: { word: 'Degraded', tone: 'warn', meaning: 'Changes flow, but slower or not all of them.' },
  resyncing: { word: 'Resyncing', tone: 'busy', meaning: 'Comparing both sides again.' },
  paused: { word: 'Paused', tone: 'off', meaning: 'Nothing flows. Changes wait here and in the CRM.' },
}

export const isolationWords: Record<IsolationModel, { readonly word: string; readonly meaning: string }> = {
  shared: { word: 'Shared', meaning: 'Rows in shared tables' },
  schema: { word: 'Schema', meaning: 'A schema of its own' },
  database: { word: 'Database', meaning: 'A database of its own' },
}

const connectors: Record<string, { readonly mark: string; readonly name: string }> = {
  hubspot: { mark: 'HS', name: 'HubSpot' },
  salesforce: { mark: 'SF', name: 'Salesforce' },
  netsuite: { mark: 'NS', name: 'NetSuite' },
}

/** A connector this console has not heard of is called by its id. */
export function connectorWords(id: string | null): { readonly mark: string; readonly name: string } {
  if (id === null) return { mark: '··', name: 'CRM' }
  const name = id.replaceAll(/(?:^|[-_])(\w)/g, (_, first: string) => ` ${first.toUpperCase()}`).trim()
  return connectors[id] ?? { mark: id.slice(0, 2).toUpperCase(), name }
}

/** Dead letters and conflicts: what a person has to look at. */
export const errorCount = (connection: Pick<Connection, 'deadLetters' | 'conflicts'>): number =>
  connection.deadLetters + connection.conflicts

/** Percent over all objects; null when the CRM does not say how many there are. */
export function backfillPercent(connection: Pick<Connection, 'objects'>): number | null {
  let done = 0
  let all = 0
  for (const { backfilled, expected, backfillDone } of connection.objects) {
    if (expected === null && !backfillDone) return null
    done += backfilled
    all += Math.max(expected ?? backfilled, backfilled)
  }
  return connection.objects.length === 0 ? null : percentOf(done, all)
}

/** How changes in the CRM are noticed, as a sentence. */
export function arrivalWords(
  connection: Pick<Connection, 'webhooks' | 'events' | 'pollIntervalMs' | 'connector'>,
): string {
  const { events } = connection
  const { name } = connectorWords(connection.connector)
  const interval = formatInterval(connection.pollIntervalMs)
  if (events?.state === 'connected' && events.reason === null)
    return `${name} tells us of changes as they happen; every ${interval} we ask as well, in case one was lost.`
  if (events !== null && events.reason !== null)
    return `${name} does not tell us of all changes, so we ask every ${interval}. ${events.reason}`
  return connection.webhooks
    ? `${name} tells us of changes by webhook; every ${interval} we ask as well, in case one was lost.`
    : `We ask ${name} for changes every ${interval}.`
}
