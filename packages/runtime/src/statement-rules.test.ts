import { expect, test } from 'vitest'

import { requireAllowed, taint } from './statement-rules.ts'
import type { Outcome } from './wire/batch.ts'

const refused = expect.objectContaining({ code: 'statement_not_allowed' }) as Error

test.each([
  'select 1',
  '  \n-- a note\n /* and /* another */ one */ ((select 1))',
  'with x as (select 1) insert into t select * from x',
  'INSERT INTO t DEFAULT VALUES',
  'merge into t using s on true when matched then do nothing',
  'values (1)',
  'table t',
  'explain select 1',
  'explain analyze verbose select 1',
  'explain (analyze, buffers) with x as (select 1) select * from x',
  'call p()',
  'notify c',
])('%s', (text) => {
  expect(() => {
    requireAllowed(text, 'query')
  }).not.toThrow()
})

test.each([
  'begin',
  'start transaction',
  'commit',
  'COMMIT AND CHAIN',
  'rollback',
  'end',
  'abort',
  'set x = 1',
  'set local x = 1',
  'reset all',
  'prepare p as select 1',
  'execute p',
  'deallocate all',
  'discard all',
  'listen c',
  'unlisten *',
  'load $$x$$',
  'declare c cursor with hold for select 1',
  'create temp table t()',
  'copy t from stdin',
  'do $$begin end$$',
  'savepoint s',
  '/* /* */ select */ commit',
  '-- select\rcommit',
  'explain analyze create table t as select 1',
  'explain analyze execute p',
  'explain explain select 1',
  'explain',
  '',
  '   ',
  '-- nothing',
  '/* open',
  ';select 1',
])('outside a transaction, refused: %j', (text) => {
  expect(() => {
    requireAllowed(text, 'query')
  }).toThrow(refused)
})

test.each([
  'savepoint s',
  'release s',
  'release savepoint s',
  'rollback to s',
  'ROLLBACK WORK TO SAVEPOINT s',
  'set local x = 1',
  'set constraints all deferred',
  'lock t',
])('in a transaction, allowed: %s', (text) => {
  expect(() => {
    requireAllowed(text, 'transaction')
  }).not.toThrow()
})

test.each([
  'rollback',
  'rollback and chain',
  'commit',
  'set session x = 1',
  'set x = 1',
  'set transaction read write',
  'begin',
  'do $$begin end$$',
])('in a transaction, refused: %s', (text) => {
  expect(() => {
    requireAllowed(text, 'transaction')
  }).toThrow(refused)
})

const answered = (change: Partial<Outcome>, command = 'SELECT'): Outcome => ({
  status: 'I',
  error: null,
  completed: 2,
  reached: true,
  bytes: 100,
  returnsRows: true,
  result: { command, rowCount: 0, oid: null, fields: [], rows: [] },
  ...change,
})

test('what came back decides whether a connection may be used again', () => {
  expect(taint(answered({}), 'query')).toBeNull()
  expect(taint(answered({ status: 'T' }), 'query')).toMatch(/open/)
  expect(taint(answered({ status: 'E' }), 'query')).toMatch(/open/)
  expect(taint(answered({ status: 'broken' }), 'query')).toMatch(/broke/)
  expect(taint(answered({ status: 'T' }), 'transaction')).toBeNull()
  expect(taint(answered({ status: 'I' }), 'transaction')).toMatch(/ended/)
  for (const command of ['BEGIN', 'SET', 'PREPARE', 'LISTEN', 'DISCARD', 'LOAD', 'CREATE', 'DO', '']) {
    expect(taint(answered({}, command), 'query')).toMatch(/statement was a/)
  }
  expect(taint(answered({ returnsRows: false }), 'query')).toMatch(/made a table/)
})
