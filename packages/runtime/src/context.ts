// Who acts, for which organization. A context is checked here once, before a token is made from it;
// the database checks it again, against what is true at that moment.
import { RowhouseError } from '@rowhouse/contracts'

interface ContextTrace {
  /** Correlates the change log with the application's own log. */
  readonly requestId?: string
  /** Address the request came from, for the audit log. */
  readonly ip?: string
  /** Where the change came from, as the change log records it. @default "app", or the connection's id */
  readonly origin?: string
}

/** A person, as a member of the organization; without an organization, for switching or accepting an invitation. */
export interface UserContext extends ContextTrace {
  readonly organizationId: string | null
  readonly userId: string
}
/** The application itself: a job, a webhook, a schedule. */
export interface ServiceContext extends ContextTrace {
  readonly organizationId: string
  readonly service: string
}
/** Somebody who operates the product, and why. */
export interface OperatorContext extends ContextTrace {
  readonly organizationId: string
  readonly operator: string
  readonly reason: string
}
/** The sync engine, on behalf of one CRM connection. */
export interface SyncContext extends ContextTrace {
  readonly organizationId: string
  readonly connectionId: string
}
/** An approved report across organizations, which enters each in turn; without one, to list and to combine. */
export interface ReportContext extends ContextTrace {
  readonly organizationId: string | null
  readonly report: string
  readonly reason: string
}
export type Context = UserContext | ServiceContext | OperatorContext | SyncContext | ReportContext

/** The claims of a token that do not change from one query to the next. */
export interface Actor {
  readonly org: string | null
  readonly kind: 'user' | 'service' | 'operator' | 'sync' | 'report'
  readonly user: string | null
  readonly service: string | null
  readonly connection: string | null
  readonly reason: string | null
  readonly origin: string
  readonly request: string | null
  readonly ip: string | null
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const TEXT_LENGTH_MAX = 200

function refuse(field: string, takes: string): never {
  throw new RowhouseError('invalid_option', `The context's ${field} takes ${takes}.`, { details: { option: field } })
}

function uuid(field: string, value: unknown): string {
  return typeof value === 'string' && UUID.test(value) ? value.toLowerCase() : refuse(field, 'a uuid')
}

function text(field: string, value: unknown): string {
  const fits =
    typeof value === 'string' && value.trim() !== '' && value.length <= TEXT_LENGTH_MAX && !value.includes('\0')
  return fits ? value : refuse(field, `a text of 1 to ${TEXT_LENGTH_MAX} characters`)
}

function optionalText(field: string, value: unknown): string | null {
  return value === undefined || value === null ? null : text(field, value)
}

const kindOf = {
  userId: 'user',
  service: 'service',
  operator: 'operator',
  connectionId: 'sync',
  report: 'report',
} as const

/** @throws RowhouseError invalid_option naming the field and what it takes */
export function resolveActor(context: Context): Actor {
  const given: Partial<Record<string, unknown>> = { ...context }
  const named = (Object.keys(kindOf) as (keyof typeof kindOf)[]).filter((field) => given[field] !== undefined)
  const field = named[0]
  if (field === undefined || named.length > 1) {
    refuse('actor', `exactly one of ${Object.keys(kindOf).join(', ')}`)
  }
  const kind = kindOf[field]
  const withoutOrganization = (kind === 'user' || kind === 'report') && given['organizationId'] === null
  const connection = kind === 'sync' ? uuid('connectionId', given['connectionId']) : null
  const hasReason = kind === 'operator' || kind === 'report'
  return Object.freeze({
    org: withoutOrganization ? null : uuid('organizationId', given['organizationId']),
    kind,
    user: kind === 'user' ? uuid('userId', given['userId']) : null,
    service: kind === 'user' || kind === 'sync' ? null : text(field, given[field]),
    connection,
    reason: hasReason ? text('reason', given['reason']) : null,
    origin: optionalText('origin', given['origin']) ?? connection ?? 'app',
    request: optionalText('requestId', given['requestId']),
    ip: optionalText('ip', given['ip']),
  })
}
