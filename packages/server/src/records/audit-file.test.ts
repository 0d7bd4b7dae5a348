import type { AuditLine } from '@rowhouse/contracts'
import { expect, it } from 'vitest'
import { auditFiles } from './audit-file.ts'

const line: AuditLine = {
  seq: '7',
  at: '2026-03-10T12:00:00.000Z',
  actor: { kind: 'user', id: 'u' },
  action: 'update',
  schema: 'public',
  table: 'notes',
  recordId: '1',
  old: '{"body": "a\\nb", "n": 12345678901234567890}',
  new: null,
  reason: null,
  requestId: null,
  ip: '127.0.0.1',
}
const { csv, jsonl } = auditFiles
const recordId = (recordId: string): string | undefined => csv.text({ ...line, recordId, old: null }).split(',')[7]

it('is one JSON object a line, with values as they are kept', () => {
  expect(jsonl.text(line).endsWith('}\n')).toBe(true)
  expect(JSON.parse(jsonl.text(line))).toEqual(line)
  expect(jsonl.text(line).trimEnd()).not.toContain('\n')
})

it('is a row of CSV, in which nothing and an empty text differ', () => {
  expect(csv.head.trimEnd().split(',')).toHaveLength(13)
  expect(csv.text({ ...line, reason: '' })).toBe(
    '7,2026-03-10T12:00:00.000Z,user,u,update,public,notes,1,"{""body"": ""a\\nb"", ""n"": 12345678901234567890}",,"",,127.0.0.1\r\n',
  )
})

it.each([
  ['=HYPERLINK("http://evil.example")', `"'=HYPERLINK(""http://evil.example"")"`],
  ['+1', `"'+1"`],
  ['@sum', `"'@sum"`],
  ['-cmd', `"'-cmd"`],
  ['-5', '-5'],
  ['-5.25', '-5.25'],
  ['a b', 'a b'],
])('a spreadsheet takes %s for no formula', (id, cell) => expect(recordId(id)).toBe(cell))
