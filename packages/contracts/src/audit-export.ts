// What GET …/audit-log/export streams: all lines that a filter chooses, newest first, as a file. No endpoint of JSON, because an
// answer of that kind is whole in memory before it is sent, and a log is as long as it was kept.
import { z } from 'zod'
import { auditFilter } from './endpoints/records.ts'

export const auditExportPath = '/v1/organizations/:organizationId/audit-log/export'

/**
 * `jsonl`: one `AuditLine` a line, as the list has them · `csv`: a row each under one of names, as RFC 4180 has it. An answer that
 * breaks off before its end was not whole.
 */
export const auditExportFormat = z.enum(['jsonl', 'csv'])
export type AuditExportFormat = z.infer<typeof auditExportFormat>

export const auditExportQuery = z.object({ format: auditExportFormat.default('jsonl'), ...auditFilter })
export type AuditExportQuery = z.infer<typeof auditExportQuery>
