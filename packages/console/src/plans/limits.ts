// What limits are called, how they read, and what a person typed as one.
import type { OrganizationLimits } from '@rowhouse/contracts'
import { formatDuration } from '../words/duration.ts'
import { formatCount, plural } from '../words/numbers.ts'

export type Limits = OrganizationLimits['own']
export type LimitName = keyof Limits

export interface LimitWords {
  readonly name: string
  readonly meaning: string
  readonly isTime: boolean
  /** Whether only a schema or a database of its own has it. */
  readonly isOfHome: boolean
  /** In a line of several. */
  readonly short: (limit: number) => string
}

/** In the order in which they matter to who shares a server. */
export const limitWords: Record<LimitName, LimitWords> = {
  concurrencyMax: {
    name: 'Transactions at a time',
    meaning: 'Over all processes; more wait.',
    isTime: false,
    isOfHome: false,
    short: (limit) => `${plural(limit, 'transaction')} at a time`,
  },
  statementTimeoutMs: {
    name: 'Longest statement',
    meaning: 'One that runs longer is cancelled.',
    isTime: true,
    isOfHome: false,
    short: (limit) => `statements up to ${formatTime(limit)}`,
  },
  idleInTransactionTimeoutMs: {
    name: 'Longest rest in a transaction',
    meaning: 'One that rests longer is ended.',
    isTime: true,
    isOfHome: false,
    short: (limit) => `${formatTime(limit)} of rest in a transaction`,
  },
  acquireTimeoutMs: {
    name: 'Wait for a connection',
    meaning: 'A query that waited longer is refused.',
    isTime: true,
    isOfHome: false,
    short: (limit) => `${formatTime(limit)} of wait for a connection`,
  },
  connectionsMax: {
    name: 'Connections of a process',
    meaning: 'That one process may hold.',
    isTime: false,
    isOfHome: false,
    short: (limit) => `${plural(limit, 'connection')} of a process`,
  },
  loginConnectionsMax: {
    name: 'Connections of its login',
    meaning: 'Over all processes, counted by the server.',
    isTime: false,
    isOfHome: true,
    short: (limit) => `${plural(limit, 'connection')} of the login`,
  },
  connectionsMin: {
    name: 'Connections kept open',
    meaning: 'By one process, while they rest.',
    isTime: false,
    isOfHome: true,
    short: (limit) => `${formatCount(limit)} kept open`,
  },
  idleTimeoutMs: {
    name: 'Rest of a connection',
    meaning: 'The others are closed after it.',
    isTime: true,
    isOfHome: true,
    short: (limit) => `connections closed after ${formatTime(limit)} of rest`,
  },
}

export const limitNames = Object.keys(limitWords) as LimitName[]

const SECOND_MS = 1000
const HOUR_MS = 3_600_000

/** A limit is said exactly: in words where they are, in milliseconds where they would round. */
function formatTime(ms: number): string {
  const isExact = ms < SECOND_MS || (ms < HOUR_MS && ms % SECOND_MS === 0) || ms % HOUR_MS === 0
  return isExact ? formatDuration(ms) : `${formatCount(ms)} ms`
}

/** `20`, `30 s`; null is no bound. */
export function formatLimit(name: LimitName, limit: number | null): string {
  if (limit === null) return 'not bounded'
  return limitWords[name].isTime ? formatTime(limit) : formatCount(limit)
}

/** All that is bounded, in a line; `Nothing is bounded`. */
export function boundsOf(limits: Limits): string {
  const bounds = limitNames.flatMap((name) => {
    const limit = limits[name]
    return limit === null ? [] : [limitWords[name].short(limit)]
  })
  return bounds.length === 0 ? 'Nothing is bounded' : bounds.join(' · ')
}

/** The largest that the database keeps. */
const LIMIT_MAX = 2_000_000_000
const PROBLEM = `A whole number from 1 to ${formatCount(LIMIT_MAX)}, or nothing.`

export type Texts = Readonly<Record<LimitName, string>>

export const textsOf = (limits: Limits): Texts =>
  Object.fromEntries(limitNames.map((name) => [name, limits[name] === null ? '' : String(limits[name])])) as Texts

export interface Read {
  /** Of those that are no problem; what is empty is no bound. */
  readonly limits: Limits
  readonly problems: Partial<Record<LimitName, string>>
}

/** What was typed. A number may have its thousands apart, by commas or blanks. */
export function readLimits(texts: Texts): Read {
  const problems: Partial<Record<LimitName, string>> = {}
  const limits = Object.fromEntries(
    limitNames.map((name) => {
      const text = texts[name].trim()
      if (text === '') return [name, null]
      const limit = /^\d{1,3}([, ]?\d{3})*$|^\d+$/.test(text) ? Number(text.replaceAll(/[, ]/g, '')) : Number.NaN
      if (limit >= 1 && limit <= LIMIT_MAX) return [name, limit]
      problems[name] = PROBLEM
      return [name, null]
    }),
  ) as Limits
  return { limits, problems }
}

/** Those that are others than before: what is not named stays as it is. */
export const changesOf = (before: Limits, after: Limits): Partial<Limits> =>
  Object.fromEntries(limitNames.flatMap((name) => (before[name] === after[name] ? [] : [[name, after[name]]])))
