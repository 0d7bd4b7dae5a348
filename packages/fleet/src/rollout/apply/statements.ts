// What is sent for several homes of one transaction. Each gets the statements in their order; a table that is protected as soon as
// it is made is made in the first home by the statements themselves, and in all others from what came of them.
import { escapeIdentifier, escapeLiteral } from 'pg'
import type { Statement } from '../migration/prepare.ts'
import { searchPathOf } from './home-text.ts'

const NOWHERE = 'set local search_path = pg_catalog, pg_temp'

export function statementsFor(schemas: readonly string[], statements: readonly Statement[]): string[] {
  const [first, ...others] = schemas
  if (first === undefined) return []
  const texts: string[] = []
  const inEach = (homes: readonly string[], run: readonly Statement[]): void => {
    if (run.length === 0) return
    for (const home of homes) {
      texts.push(`set local search_path = ${searchPathOf(home)}`, ...run.map(({ text }) => text))
    }
  }
  let from = 0
  for (const [index, making] of statements.entries()) {
    const protecting = statements[index + 1]
    if (making.makesProtected === null || protecting === undefined || others.length === 0) continue
    inEach(schemas, statements.slice(from, index))
    inEach([first], [making, protecting])
    texts.push(NOWHERE, inOthers(`${escapeIdentifier(first)}.${making.makesProtected}`, others, making, protecting))
    from = index + 2
  }
  inEach(schemas, statements.slice(from))
  return [...texts, NOWHERE]
}

const inOthers = (source: string, others: readonly string[], making: Statement, protecting: Statement): string =>
  `select rowhouse.protect_alike(${escapeLiteral(source)}, array[${others.map(escapeLiteral).join(', ')}]::name[],
    ${escapeLiteral(making.text)}, ${escapeLiteral(protecting.text)})`
