// What the list of organizations says and shows: filtering, order and the one sentence that answers
// "Is everything all right?". Pure; the page and the palette both use it.
import type { ConnectionState, IsolationModel, Organization } from '@rowhouse/contracts'
import { errorCount, stateWords } from '../words/connection.ts'
import { formatDuration } from '../words/duration.ts'
import { formatCount, plural } from '../words/numbers.ts'

/** A change that is older than this and has not arrived counts as late. */
export const LATE_MS = 60_000

export const groups = ['attention', 'live', 'busy', 'paused', 'none'] as const
export type Group = (typeof groups)[number]

export const groupWords: Record<Group, string> = {
  attention: 'Needs attention',
  live: 'Live',
  busy: 'Catching up',
  paused: 'Paused',
  none: 'Not connected',
}

export const sortKeys = ['name', 'plan', 'state', 'records', 'lag', 'errors', 'synced'] as const
export type SortKey = (typeof sortKeys)[number]
/** A minus before the key turns the order round. */
export type Sort = SortKey | `-${SortKey}`

export interface Filter {
  readonly text: string
  readonly group: Group | null
  readonly isolation: IsolationModel | null
  /** Its id. */
  readonly plan: string | null
}

const busy: ReadonlySet<ConnectionState> = new Set(['authorizing', 'matching', 'backfilling', 'resyncing'])

/** Groups overlap: a live connection with dead letters is live and needs attention. */
export function isInGroup(organization: Organization, group: Group): boolean {
  const { connection } = organization
  if (group === 'attention') return needsAttention(organization)
  if (connection === null) return group === 'none'
  if (group === 'busy') return busy.has(connection.state)
  return connection.state === group
}

export function needsAttention({ connection, status }: Organization): boolean {
  if (status === 'suspended') return true
  if (connection === null) return false
  const { tone } = stateWords[connection.state]
  return (
    tone === 'bad' ||
    tone === 'warn' ||
    errorCount(connection) > 0 ||
    (connection.state === 'live' && connection.lagMs > LATE_MS)
  )
}

export function matches(organization: Organization, { text, group, isolation, plan }: Filter): boolean {
  if (group !== null && !isInGroup(organization, group)) return false
  if (isolation !== null && organization.isolation !== isolation) return false
  if (plan !== null && organization.plan !== plan) return false
  const wanted = text.trim().toLowerCase()
  return wanted === '' || organization.name.toLowerCase().includes(wanted) || organization.slug.includes(wanted)
}

const stateOrder: readonly ConnectionState[] = [
  'disconnected',
  'degraded',
  'paused',
  'authorizing',
  'matching',
  'backfilling',
  'resyncing',
  'live',
]
/** As people count: 2 before 10. One collator, because making one for each pair took most of the time of thousands. */
const { compare: compareNames } = new Intl.Collator('en', { numeric: true })
const byName = (a: Organization, b: Organization): number => compareNames(a.name, b.name) || (a.id < b.id ? -1 : 1)

const valueOf: Record<Exclude<SortKey, 'name' | 'plan'>, (organization: Organization) => number> = {
  state: ({ connection }) => (connection === null ? stateOrder.length : stateOrder.indexOf(connection.state)),
  records: ({ connection }) => connection?.records ?? -1,
  lag: ({ connection }) => connection?.lagMs ?? -1,
  errors: ({ connection }) => (connection === null ? -1 : errorCount(connection)),
  synced: ({ connection }) => Date.parse(connection?.lastSyncedAt ?? '') || 0,
}

/** A new array; equal ones stay in the order of their names. */
export function sorted(organizations: readonly Organization[], sort: Sort): Organization[] {
  const descending = sort.startsWith('-')
  const key = (descending ? sort.slice(1) : sort) as SortKey
  const compare = (a: Organization, b: Organization): number => {
    if (key === 'name') return byName(a, b)
    if (key === 'plan') return compareNames(a.plan, b.plan)
    return valueOf[key](a) - valueOf[key](b)
  }
  return [...organizations].sort((a, b) => (descending ? -compare(a, b) : compare(a, b)) || byName(a, b))
}

export interface Summary {
  readonly tone: 'ok' | 'busy' | 'warn' | 'off'
  readonly headline: string
  /** The numbers behind it, each with the filter that shows them. */
  readonly facts: readonly { readonly text: string; readonly group: Group | null }[]
}

/**
 * The sentence on top.
 *
 * @param complete false while pages are still being read
 * @param slow ids of those that are slower than they usually are
 */
export function summarize(
  organizations: readonly Organization[],
  complete: boolean,
  slow: ReadonlySet<string> = new Set(),
): Summary {
  const count = (group: Group): number => organizations.filter((organization) => isInGroup(organization, group)).length
  const attention = organizations.filter(
    (organization) => needsAttention(organization) || slow.has(organization.id),
  ).length
  const records = organizations.reduce((sum, { connection }) => sum + (connection?.records ?? 0), 0)
  const slowest = Math.max(
    0,
    ...organizations.map(({ connection }) => (connection?.state === 'live' ? connection.lagMs : 0)),
  )
  const errors = organizations.reduce(
    (sum, { connection }) => sum + (connection === null ? 0 : errorCount(connection)),
    0,
  )
  const all = `${plural(organizations.length, 'organization')}${complete ? '' : ' so far'}`
  const facts: { text: string; group: Group | null }[] = [{ text: `${plural(records, 'record')} in sync`, group: null }]
  if (count('live') > 0)
    facts.push({
      text: slowest === 0 ? 'no change waits' : `the slowest is ${formatDuration(slowest)} behind`,
      group: null,
    })
  if (errors > 0) facts.push({ text: `${plural(errors, 'record')} to look at`, group: 'attention' })
  for (const group of ['busy', 'paused', 'none'] as const) {
    if (count(group) > 0) facts.push({ text: `${formatCount(count(group))} ${groupWords[group].toLowerCase()}`, group })
  }
  if (attention > 0)
    return {
      tone: 'warn',
      headline: `${attention === organizations.length ? 'All' : formatCount(attention)} of ${all} ${attention === 1 ? 'needs' : 'need'} attention.`,
      facts,
    }
  const catchingUp = count('busy')
  if (catchingUp > 0)
    return {
      tone: 'busy',
      headline:
        catchingUp === organizations.length
          ? `${all} ${catchingUp === 1 ? 'is' : 'are'} catching up with ${catchingUp === 1 ? 'its CRM' : 'their CRMs'}.`
          : `${formatCount(catchingUp)} of ${all} ${catchingUp === 1 ? 'is' : 'are'} catching up; nothing is wrong.`,
      facts,
    }
  if (count('live') === 0) return { tone: 'off', headline: `${all}, none of them live.`, facts }
  return {
    tone: 'ok',
    headline: organizations.length === 1 ? 'Everything is all right.' : `Everything is all right in ${all}.`,
    facts,
  }
}
