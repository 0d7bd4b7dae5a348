import { z } from 'zod'
import { endpoint } from '../endpoint.ts'

export const auditLine = z
  .object({
    /** Position in the organization's change log; grows. */
    seq: z.string(),
    at: z.iso.datetime(),
    actor: z.object({ kind: z.string(), id: z.string().nullable() }),
    action: z.enum(['insert', 'update', 'delete', 'truncate', 'read']),
    schema: z.string(),
    table: z.string(),
    recordId: z.string(),
    /** JSON as it is stored, as text: a number keeps digits that a program would round. */
    old: z.string().nullable(),
    new: z.string().nullable(),
    reason: z.string().nullable(),
    requestId: z.string().nullable(),
    ip: z.string().nullable(),
  })
  .meta({ id: 'AuditLine' })
export type AuditLine = z.infer<typeof auditLine>

/** By what lines are chosen; all of it together. */
export const auditFilter = {
  /** A table's name, with or without its schema. */
  table: z.string().max(200).optional(),
  recordId: z.string().max(2000).optional(),
  /** Id of a person or connection, or name of a service. */
  actor: z.string().max(200).optional(),
  action: z.enum(['insert', 'update', 'delete', 'truncate', 'read']).optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  /** Without this moment itself. */
  to: z.iso.datetime({ offset: true }).optional(),
}

export const listAuditLog = endpoint({
  id: 'listAuditLog',
  method: 'GET',
  path: '/v1/organizations/:organizationId/audit-log',
  summary: 'Who did what, newest first: every line of the change log as it is kept',
  tag: 'activity',
  access: { permission: 'activity.read' },
  audit: null,
  query: z.object({
    /** The `next` of the page before: only lines with a smaller seq. */
    before: z
      .string()
      .regex(/^\d{1,18}$/)
      .optional(),
    ...auditFilter,
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  response: z.object({ items: z.array(auditLine), next: z.string().nullable() }),
  errors: ['organization_not_found'],
})

export const getRecordHistory = endpoint({
  id: 'getRecordHistory',
  method: 'GET',
  path: '/v1/organizations/:organizationId/records/:table/:recordId/history',
  summary: "A record's life, oldest line first, and what it looked like at a moment",
  tag: 'activity',
  access: { permission: 'activity.read' },
  audit: null,
  query: z.object({
    /** Nothing later counts. @default now */
    at: z.iso.datetime({ offset: true }).optional(),
  }),
  response: z.object({
    /** The record then, JSON as text; null when there was none. */
    record: z.string().nullable(),
    /** At most the 1000 newest. */
    items: z.array(auditLine),
    /** Whether there are older lines than these. */
    truncated: z.boolean(),
  }),
  errors: ['organization_not_found'],
})

export const undeleteRecord = endpoint({
  id: 'undeleteRecord',
  method: 'POST',
  path: '/v1/organizations/:organizationId/records/:table/:recordId/undelete',
  summary: 'Bring a deleted record back as it last was, as the caller',
  tag: 'activity',
  access: { permission: 'data.write' },
  audit: 'record.undelete',
  response: z.object({
    /** Columns that could not come back, and why. */
    notRestored: z.array(z.object({ column: z.string(), reason: z.string() })),
  }),
  errors: [
    'organization_not_found',
    'record_not_deleted',
    'undelete_conflict',
    'undelete_parent_missing',
    'undelete_value_hidden',
    'permission_denied',
    'row_level_security',
  ],
})
