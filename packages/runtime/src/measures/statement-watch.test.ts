import { expect, it } from 'vitest'

import type { Outcome } from '../wire/batch.ts'
import { Measures } from './measures.ts'
import { StatementWatch } from './statement-watch.ts'

const outcome = (changes: Partial<Outcome>): Outcome => ({
  status: 'I',
  error: null,
  completed: 2,
  reached: true,
  bytes: 120,
  returnsRows: true,
  result: { command: 'SELECT', rowCount: 3, oid: null, fields: [], rows: [] },
  ...changes,
})
const nothing = (): void => {}

it('counts what was reached, with an error or without, and not what was refused at the door', () => {
  const measures = new Measures(nothing, nothing)
  const watch = new StatementWatch(measures, 'a')
  const refused = new Error('not a member')
  watch.ended('select 1', 0, outcome({ reached: false, error: refused }))
  expect(measures.cells).toBe(0)
  watch.ended('select 1', 0, outcome({ error: refused }))
  watch.ended('select 1', 0, outcome({}))
  const [cell] = [...(measures.take().get('a')?.values() ?? [])]
  expect(cell).toMatchObject({ calls: 2, errors: 1, rows: 3, bytes: 240 })
})

it('counts nothing for nobody, and nothing where it is left out', () => {
  const measures = new Measures(nothing, nothing)
  new StatementWatch(measures, null).ended('select 1', 0, outcome({}))
  new StatementWatch(null, 'a').ended('select 1', 0, outcome({}))
  expect(measures.cells).toBe(0)
})
