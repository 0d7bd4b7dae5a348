// The lines of an order, as one field of it: they are made, changed and deleted with it, and have no life or date
// of change of their own, so a table of lines could not tell what was deleted. Owns their canonical JSON:
// [{"item":"12","description":"…","quantity":"3","rate":"10","amount":"30"}], in the order of the order, empty
// values left out. https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545141395.html
import { ok } from '../kit/answers.ts'
import { batches } from '../kit/batches.ts'
import { canonical } from '../kit/canonical.ts'
import type { Answer, FieldValue } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { isObject, parseJson, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import { pageSizeMax } from './description.ts'
import { query } from './suiteql.ts'
import { numberToSend } from './values.ts'

const lineKinds = { item: 'text', description: 'text', quantity: 'number', rate: 'number', amount: 'number' } as const
type LineField = keyof typeof lineKinds
const lineFields = Object.keys(lineKinds) as LineField[]
const numbers = lineFields.filter((field) => lineKinds[field] === 'number')

/** Orders of one question. */
const ordersMax = 200
/** An order has 1,000 lines at most. */
const pagesMax = ordersMax + 1

/** Lines in their one form; a text that is none stays as it is, for NetSuite to judge. */
export function canonicalLines(value: unknown): FieldValue {
  const parsed = typeof value === 'string' ? parseJson(value) : value
  if (!Array.isArray(parsed) || !parsed.every((line) => isObject(line))) return canonical('text', value)
  if (parsed.length === 0) return null
  return JSON.stringify(
    parsed.map((line: JsonObject) =>
      Object.fromEntries(
        lineFields.flatMap((field) => {
          const text = canonical(lineKinds[field], line[field])
          return text === null ? [] : [[field, text]]
        }),
      ),
    ),
  )
}

/** The sublist of a create or a change. */
export function linesToSend(value: FieldValue): unknown {
  const text = canonicalLines(value)
  const parsed = text === null ? [] : parseJson(text)
  if (!Array.isArray(parsed)) return text
  return {
    items: parsed.map((line: Readonly<Record<string, string>>) => {
      const { item, description } = line
      return {
        ...(item === undefined ? {} : { item: { id: item } }),
        ...(description === undefined ? {} : { description }),
        ...Object.fromEntries(
          numbers.flatMap((field) => (line[field] === undefined ? [] : [[field, numberToSend(line[field])]])),
        ),
      }
    }),
  }
}

/** The lines of these orders, canonical; an order without any is absent. */
export async function readLines(
  http: ConnectorHttp,
  ids: readonly string[],
): Promise<Answer<ReadonlyMap<string, FieldValue>>> {
  const lines = new Map<string, JsonObject[]>()
  for (const batch of batches(ids, ordersMax)) {
    let after: { readonly order: string; readonly line: string } | null = null
    for (let page = 0; page < pagesMax; page++) {
      const answer = await query(http, linesQuery(batch, after), pageSizeMax)
      if (!answer.ok) return answer
      for (const row of answer.value.rows) {
        const [order, line] = [textOf(row['transaction']) ?? '', textOf(row['line']) ?? '']
        after = { order, line }
        lines.set(order, [...(lines.get(order) ?? []), lineOf(row)])
      }
      if (!answer.value.more || answer.value.rows.length === 0) break
    }
  }
  return ok(new Map([...lines].map(([order, items]) => [order, canonicalLines(items)])))
}

function linesQuery(
  orders: readonly string[],
  after: { readonly order: string; readonly line: string } | null,
): string {
  const position =
    after === null || !/^\d+$/.test(after.order) || !/^\d+$/.test(after.line)
      ? ''
      : ` AND (l.transaction > ${after.order} OR (l.transaction = ${after.order} AND l.linesequencenumber > ${after.line}))`
  return `SELECT l.transaction, l.linesequencenumber AS line, l.item, l.memo, l.quantity, l.rate, l.foreignamount
FROM transactionline l
WHERE l.mainline = 'F' AND l.taxline = 'F' AND l.transaction IN (${orders.join(', ')})${position}
ORDER BY l.transaction, l.linesequencenumber`
}

/** SuiteQL shows a sale as what leaves the stock and the account: quantities and amounts are negative there. */
function lineOf(row: JsonObject): JsonObject {
  return {
    item: row['item'],
    description: row['memo'],
    quantity: negated(row['quantity']),
    rate: row['rate'],
    amount: negated(row['foreignamount']),
  }
}

// As text: a double would lose digits.
function negated(value: unknown): FieldValue {
  const text = canonical('number', value)
  if (text === null || text === '0') return text
  return text.startsWith('-') ? text.slice(1) : `-${text}`
}
