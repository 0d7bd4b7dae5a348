// An organization page's part of the URL.
import { oneOf, text } from '../app/search.ts'

export const tabs = ['activity', 'dead-letters', 'conflicts', 'log', 'load', 'members', 'settings'] as const
export type Tab = (typeof tabs)[number]
export const directions = ['inbound', 'outbound', 'local'] as const
export type Direction = (typeof directions)[number]

export const logActions = ['insert', 'update', 'delete', 'truncate', 'read'] as const
export type LogAction = (typeof logActions)[number]

export const spans = ['day'] as const
export type Span = (typeof spans)[number]

export interface ActivitySearch {
  /** @default activity */
  readonly tab?: Tab | undefined
  readonly direction?: Direction | undefined
  readonly table?: string | undefined
  readonly record?: string | undefined
  /** Of the log: who did it, by the id of a person or connection or the name of a service. */
  readonly actor?: string | undefined
  readonly action?: LogAction | undefined
  /** Instants; `to` is the first one that is left out. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** How far back the measures go. @default an hour */
  readonly span?: Span | undefined
  /** Position of the change that is open beside the feed or the log. */
  readonly change?: string | undefined
  /** The connection that a consent at the CRM led to. */
  readonly connected?: string | undefined
  /** The code of what it failed with. */
  readonly connectError?: string | undefined
}

export const activitySearch = (search: Record<string, unknown>): ActivitySearch => ({
  tab: oneOf(tabs, search['tab']),
  direction: oneOf(directions, search['direction']),
  table: text(search['table']),
  record: text(search['record']),
  actor: text(search['actor']),
  action: oneOf(logActions, search['action']),
  from: instant(search['from']),
  to: instant(search['to']),
  span: oneOf(spans, search['span']),
  change: /^\d{1,19}$/.test(String(search['change'])) ? String(search['change']) : undefined,
  connected: text(search['connected']),
  connectError: text(search['connectError']),
})

/** What the API takes as an instant; anything else is no filter. */
const instant = (value: unknown): string | undefined =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))
    ? new Date(value).toISOString()
    : undefined
