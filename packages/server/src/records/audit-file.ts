// Lines of the audit log as text of a file: one JSON object a line, or a row of CSV. Pure.
import type { AuditExportFormat, AuditLine } from '@rowhouse/contracts'

export interface AuditFile {
  readonly contentType: string
  /** What stands before the first line. */
  readonly head: string
  readonly text: (line: AuditLine) => string
}

const columns = [
  'seq',
  'at',
  'actor_kind',
  'actor_id',
  'action',
  'schema',
  'table',
  'record_id',
  'old',
  'new',
  'reason',
  'request_id',
  'ip',
] as const

export const auditFiles: Record<AuditExportFormat, AuditFile> = {
  jsonl: {
    contentType: 'application/jsonl; charset=utf-8',
    head: '',
    text: (line) => `${JSON.stringify(line)}\n`,
  },
  csv: {
    contentType: 'text/csv; charset=utf-8; header=present',
    head: `${columns.join(',')}\r\n`,
    text: ({ seq, at, actor, action, schema, table, recordId, old, new: now, reason, requestId, ip }) =>
      `${[seq, at, actor.kind, actor.id, action, schema, table, recordId, old, now, reason, requestId, ip]
        .map(cell)
        .join(',')}\r\n`,
  },
}

/**
 * Nothing for null, quotes for an empty text, so that the two differ. What a spreadsheet would take for a formula has an
 * apostrophe before it: ids of records and names of services are anybody's to choose. A number is none.
 */
function cell(value: string | null): string {
  if (value === null) return ''
  const isFormula = /^[=+\-@\t\r]/.test(value) && !/^-\d+(\.\d+)?$/.test(value)
  const text = isFormula ? `'${value}` : value
  return text === '' || /[",\r\n']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
