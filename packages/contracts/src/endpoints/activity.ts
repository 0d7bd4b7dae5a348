import { z } from 'zod'
import { endpoint } from '../endpoint.ts'

export const fieldChange = z
  .object({ field: z.string(), before: z.string().nullable(), after: z.string().nullable() })
  .meta({ id: 'FieldChange' })
export type FieldChange = z.infer<typeof fieldChange>

export const activityItem = z
  .object({
    /** Position in the organization's change log; grows. */
    seq: z.string(),
    organizationId: z.uuid(),
    at: z.iso.datetime(),
    /** `inbound`: came from the CRM · `outbound`: made here, for the CRM · `local`: made here, in a table that is not synced. */
    direction: z.enum(['inbound', 'outbound', 'local']),
    /** Of an outbound change: `pending`, then `delivered` or `parked`. Inbound changes are `applied`. */
    status: z.enum(['applied', 'pending', 'delivered', 'parked', 'logged']),
    deliveredAt: z.iso.datetime().nullable(),
    /** Connector of the connection that it came from or goes to. */
    connector: z.string().nullable(),
    connectionId: z.uuid().nullable(),
    action: z.enum(['insert', 'update', 'delete', 'truncate', 'read']),
    table: z.string(),
    recordId: z.string(),
    /** What a person would call the record, e.g. a name or an e-mail; null when nothing fits. */
    label: z.string().nullable(),
    remoteId: z.string().nullable(),
    changes: z.array(fieldChange),
    actor: z.object({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable() }),
  })
  .meta({ id: 'ActivityItem' })
export type ActivityItem = z.infer<typeof activityItem>

export const listActivity = endpoint({
  id: 'listActivity',
  method: 'GET',
  path: '/v1/organizations/:organizationId/activity',
  summary: "An organization's changes, newest first, with each field before and after",
  tag: 'activity',
  access: { permission: 'activity.read' },
  audit: null,
  query: z.object({
    /** Only changes with a smaller seq. */
    before: z
      .string()
      .regex(/^\d{1,18}$/)
      .optional(),
    direction: z.enum(['inbound', 'outbound', 'local']).optional(),
    table: z.string().max(200).optional(),
    recordId: z.string().max(200).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  response: z.object({ items: z.array(activityItem), next: z.string().nullable() }),
  errors: ['organization_not_found'],
})

export const deadLetter = z
  .object({
    id: z.string(),
    connectionId: z.uuid(),
    object: z.string(),
    direction: z.enum(['inbound', 'outbound']),
    recordId: z.string().nullable(),
    remoteId: z.string().nullable(),
    code: z.string(),
    reason: z.string(),
    attempts: z.int(),
    firstAt: z.iso.datetime(),
    lastAt: z.iso.datetime(),
  })
  .meta({ id: 'DeadLetter' })
export type DeadLetter = z.infer<typeof deadLetter>

export const listDeadLetters = endpoint({
  id: 'listDeadLetters',
  method: 'GET',
  path: '/v1/organizations/:organizationId/dead-letters',
  summary: 'Records that could not be synced, and why',
  tag: 'activity',
  access: { permission: 'connections.read', per: 'connection' },
  audit: null,
  response: z.object({ items: z.array(deadLetter) }),
  errors: ['organization_not_found'],
})

export const replayDeadLetter = endpoint({
  id: 'replayDeadLetter',
  method: 'POST',
  path: '/v1/organizations/:organizationId/dead-letters/:deadLetterId/replay',
  summary: 'Try a parked record again',
  tag: 'activity',
  access: { permission: 'connections.manage', per: 'connection' },
  audit: 'dead_letter.replay',
  response: z.object({ replayed: z.literal(true) }),
  errors: ['organization_not_found', 'dead_letter_not_found'],
})

export const conflict = z
  .object({
    id: z.string(),
    connectionId: z.uuid(),
    object: z.string(),
    recordId: z.string().nullable(),
    remoteId: z.string().nullable(),
    field: z.string(),
    base: z.string().nullable(),
    local: z.string().nullable(),
    remote: z.string().nullable(),
    winner: z.enum(['local', 'remote']).nullable(),
    at: z.iso.datetime(),
  })
  .meta({ id: 'Conflict' })
export type Conflict = z.infer<typeof conflict>

export const listConflicts = endpoint({
  id: 'listConflicts',
  method: 'GET',
  path: '/v1/organizations/:organizationId/conflicts',
  summary: 'Fields that were changed apart on both sides, and who won',
  tag: 'activity',
  access: { permission: 'connections.read', per: 'connection' },
  audit: null,
  response: z.object({ items: z.array(conflict) }),
  errors: ['organization_not_found'],
})
