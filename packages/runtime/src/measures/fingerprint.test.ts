import { describe, expect, it } from 'vitest'

import { SHAPE_LENGTH_MAX, shapeOf } from './fingerprint.ts'

describe('the shape of a statement', () => {
  it.each([
    ['select * from contacts where id = $1', 'select * from contacts where id = $1'],
    [
      "SELECT *\n  FROM Contacts -- by name\n WHERE name = 'O''Hara' AND age > 41.5e-3",
      'select * from contacts where name = ? and age > ?',
    ],
    ["select E'it\\'s', b'01', X'ff', N'n', U&'d\\0061t', $$body 'x'$$, $t$ $$ $t$, 0xFF, 1_000, .5", 'select …'],
    ['select id from t where id in ($1, $2 , $3)', 'select id from t where id in (…)'],
    ["select id from t where id in (1,'b', -3)", 'select id from t where id in (…)'],
    ['insert into t (a, b) values ($1, $2), ($3, $4),($5,$6)', 'insert into t (a, b) values (…)'],
    ["insert into t (a) values ('x'), ('y')", 'insert into t (a) values (?)'],
    ['select /* by alice@example.com /* nested */ */ 1', 'select ?'],
    ['select "Order", "alice@example.com" from "t"', 'select "Order", "?" from "t"'],
    ['select a::int, b->>$1 from t limit 10', 'select a::int, b->>$1 from t limit ?'],
    ['select $1::uuid, $2::uuid', 'select …'],
  ])('%s', (text, shape) => expect(shapeOf(text)).toBe(shape))

  it('is the same whatever was asked', () => {
    const shapes = Array.from({ length: 1000 }, (_, index) =>
      shapeOf(
        `select * from t where a = ${index} and b = 'secret ${index}' and c in (${Array.from({ length: index + 2 }, () => index).join()})`,
      ),
    )
    expect(new Set(shapes)).toEqual(new Set(['select * from t where a = ? and b = ? and c in (…)']))
  })

  it('stops where a literal may go on, because nobody knows how the server reads a backslash', () => {
    expect(shapeOf("select 'it\\'s secret' , 'b'")).toBe('select ?…')
  })

  it.each([
    "select 'never closed secret",
    'select $tag$ never closed secret',
    'select /* never closed secret',
    'select "never closed secret',
    "select E'secret\\",
    "select U&'secret",
    'select -- secret',
  ])('keeps nothing of what is never closed: %s', (text) => expect(shapeOf(text)).not.toContain('secret'))

  it('is bounded, however long the text', () => {
    expect(shapeOf(`select ${'column_name, '.repeat(100_000)}1`).length).toBe(SHAPE_LENGTH_MAX)
    expect(shapeOf(`select '${'x'.repeat(1_000_000)}'`)).toBe('select…')
    const list = (length: number): string => Array.from({ length }, (_, index) => `'value ${index}'`).join()
    expect(shapeOf(`select id from t where id in (${list(5_000)})`)).toBe('select id from t where id in…')
    expect(shapeOf(`select id from t where id in (${list(6_000)})`)).toBe('select id from t where id in…')
  })
})
