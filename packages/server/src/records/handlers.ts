// The audit log as people read it, a record's life, and bringing one back. All of it runs as whoever asks: the policies of the
// change log and of the table decide what they find and what they may write.
import { RowhouseError } from '@rowhouse/contracts'
import type { Handlers } from '../context.ts'
import { readAuditLines } from './read-audit-lines.ts'

/** Lines of one record's history at most. */
const HISTORY_LINES_MAX = 1000

export const recordHandlers: Pick<Handlers, 'listAuditLog' | 'getRecordHistory' | 'undeleteRecord'> = {
  async listAuditLog({ organization, query }) {
    const lines = await readAuditLines(organization(), { ...query, limit: query.limit + 1 })
    const page = lines.slice(0, query.limit)
    return { items: page, next: lines.length > query.limit ? (page.at(-1)?.seq ?? null) : null }
  },

  async getRecordHistory({ organization, params, query }) {
    const { table, recordId } = params
    const lines = await readAuditLines(organization(), {
      table,
      recordId,
      until: query.at,
      changesOnly: true,
      limit: HISTORY_LINES_MAX + 1,
    })
    const items = lines.slice(0, HISTORY_LINES_MAX).toReversed()
    return { record: items.at(-1)?.new ?? null, items, truncated: lines.length > HISTORY_LINES_MAX }
  },

  undeleteRecord: ({ organization, params: { table, recordId } }) =>
    organization().transaction(async (tx) => {
      // By its name as the log has it: a cast to regclass would fold "Notes" to notes.
      const { rows } = await tx.query<{ id: string }>(
        `select c.oid::text as id from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p')
           and ((c.relname = $1 and pg_catalog.pg_table_is_visible(c.oid)) or n.nspname || '.' || c.relname = $1)`,
        [table],
      )
      if (rows[0] === undefined)
        throw new RowhouseError('record_not_deleted', `There is no table ${table} that a record could come back to.`)
      const restored = await tx.query<{ column: string; reason: string }>(
        'select column_name as "column", reason from rowhouse.undelete($1::oid::regclass, $2)',
        [rows[0].id, recordId],
      )
      return { notRestored: restored.rows }
    }),
}
