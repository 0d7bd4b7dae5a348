// The log of the fixture's organizations: made from their changes, with what only the log has. A deleted record can be brought
// back, one that a row stands in the way of cannot. In memory.
import type { AuditLine, ErrorCode } from '@rowhouse/contracts'
import { activityOf, uuid } from './fixtures.ts'

const SEQ_MAX = 400

/** The record that cannot come back: another row has its e-mail. */
export const blockedRecordId = uuid(0xd, 21)

function lineOf(index: number, seq: number): AuditLine {
  const { at, action, table, recordId, label, changes, actor } = activityOf(index, seq, SEQ_MAX)
  const [first = '', last = ''] = (label ?? '').split(' ')
  const whole = {
    organization_id: uuid(0xa, index),
    id: recordId,
    ...(table === 'notes'
      ? { title: 'Call about the contract' }
      : { email: `${first.toLowerCase()}@example.com`, first_name: first, last_name: last, title: 'Engineer' }),
    employees: null,
  }
  const image = (side: 'before' | 'after'): string =>
    JSON.stringify({ ...whole, ...Object.fromEntries(changes.map((change) => [change.field, change[side]])) })
  return {
    seq: String(seq),
    at,
    actor: { kind: actor.kind, id: actor.id },
    action,
    schema: 'public',
    table,
    recordId,
    old: action === 'insert' ? null : image('before'),
    new: action === 'delete' ? null : image('after'),
    reason: actor.kind === 'service' ? 'nightly clean-up of titles' : null,
    requestId: actor.kind === 'user' ? uuid(0x9, seq) : null,
    ip: actor.kind === 'user' ? '203.0.113.7' : null,
  }
}

/** Two contacts that were made, changed and deleted lately, the second one last. */
const gone: readonly [string, string][] = [
  [uuid(0xd, 20), 'Katherine Johnson'],
  [blockedRecordId, 'Mary Jackson'],
]
function linesOf(index: number): AuditLine[] {
  const lines = Array.from({ length: SEQ_MAX }, (_, seq) => lineOf(index, seq + 1))
  for (const [turn, [recordId, name]] of gone.entries())
    for (const [step, action] of (['insert', 'update', 'delete'] as const).entries()) {
      const position = SEQ_MAX - 12 + turn + step * 5
      const [first = '', last = ''] = name.split(' ')
      const whole = { id: recordId, email: `${first.toLowerCase()}@example.com`, first_name: first, last_name: last }
      const image = (title: string): string => JSON.stringify({ ...whole, title, employees: 9007199254740991 })
      lines[position - 1] = {
        ...lineOf(index, position),
        action,
        table: 'contacts',
        recordId,
        actor: { kind: 'user', id: uuid(0xe, 1) },
        reason: null,
        old: action === 'insert' ? null : image(action === 'update' ? 'Computer' : 'Mathematician'),
        new: action === 'delete' ? null : image(action === 'insert' ? 'Computer' : 'Mathematician'),
      }
    }
  return lines
}

export interface LogFixture {
  list(query: Record<string, string>): { readonly items: AuditLine[]; readonly next: string | null }
  life(table: string, recordId: string): { record: string | null; items: AuditLine[]; truncated: boolean }
  undelete(table: string, recordId: string): { readonly notRestored: { column: string; reason: string }[] }
}

/** @param index of the organization @param refuse answers with a code */
export function logOf(index: number, refuse: (code: ErrorCode) => never): LogFixture {
  const lines = linesOf(index)
  const named = (line: AuditLine, table: string): boolean =>
    [line.table, `${line.schema}.${line.table}`].includes(table)
  const lifeOf = (table: string, recordId: string): AuditLine[] =>
    lines.filter((line) => line.recordId === recordId && named(line, table))
  return {
    list(query) {
      const { before, table, recordId, actor, action, from, to, limit = '50' } = query
      const found = lines
        .filter(
          (line) =>
            (before === undefined || BigInt(line.seq) < BigInt(before)) &&
            (table === undefined || named(line, table)) &&
            (recordId === undefined || line.recordId === recordId) &&
            (actor === undefined || line.actor.id === actor) &&
            (action === undefined || line.action === action) &&
            (from === undefined || line.at >= from) &&
            (to === undefined || line.at < to),
        )
        .toReversed()
      const items = found.slice(0, Number(limit))
      return { items, next: found.length > items.length ? (items.at(-1)?.seq ?? null) : null }
    },
    life(table, recordId) {
      const items = lifeOf(table, recordId)
      return { record: items.at(-1)?.new ?? null, items, truncated: false }
    },
    undelete(table, recordId) {
      const last = lifeOf(table, recordId).at(-1)
      if (last?.action !== 'delete') return refuse('record_not_deleted')
      if (recordId === blockedRecordId) return refuse('undelete_conflict')
      lines.push({
        ...last,
        seq: String(lines.length + 1),
        action: 'insert',
        old: null,
        new: last.old,
        actor: { kind: 'operator', id: 'operator' },
      })
      return { notRestored: [{ column: 'phone', reason: 'its values are hidden from the change log' }] }
    },
  }
}
