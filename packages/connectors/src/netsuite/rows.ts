// Rows of SuiteQL to records. Owns what is selected, and how the instant of a row's last change is made sure of:
// a version that is off by an hour would be merged in the wrong order, so where the account's clocks leave a doubt
// the record itself is asked, which REST shows in UTC.
import { ok, unread } from '../kit/answers.ts'
import { distinct } from '../kit/batches.ts'
import { instantText } from '../kit/canonical.ts'
import type { FieldKind } from '../kit/canonical.ts'
import type { Answer, FieldValue, ObjectSelection, RemoteRecord } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { objectOf, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import { linesField, tokenField } from './description.ts'
import type { NetsuiteObject } from './description.ts'
import { ask, classify } from './failures.ts'
import { readLines } from './lines.ts'
import { canonicalField, columnOf, hasLines, isId, kindOf, referenceField } from './objects.ts'
import { parseWall, wallText } from './suiteql.ts'
import type { Clocks } from './zones.ts'

/** Records of a page that are asked for their instants: all but those of an hour that comes twice are far fewer. */
const askedMax = 200

/** A row with its wall clock. */
export interface DatedRow {
  readonly id: string
  readonly wall: number
  readonly row: JsonObject
}

/** The columns of a selection, in the order f0, f1, … for fields and r0, r1, … for references. */
export function selectList(object: NetsuiteObject, selection: ObjectSelection): string {
  const { definition } = selection
  const fields = selection.fields.flatMap((field, index) => {
    if (hasLines(object) && field === linesField) return []
    return [`${fieldExpression(object, field, kindOf(object, field, definition))} AS f${index}`]
  })
  const references = selection.references.flatMap((reference, index) => {
    const field = referenceField(object, reference, definition)
    return field === null ? [] : [`${columnOf(object, field)} AS r${index}`]
  })
  return [
    't.id',
    't.externalid AS token',
    `${wallText(`t.${object.modifiedColumn}`)} AS modified`,
    `${wallText(`t.${object.createdColumn}`)} AS created`,
    ...fields,
    ...references,
  ].join(', ')
}

function fieldExpression(object: NetsuiteObject, field: string, kind: string): string {
  const column = columnOf(object, field)
  // Without a mask a date comes in the format of the user's preferences.
  if (kind === 'date') return `TO_CHAR(${column}, 'YYYY-MM-DD')`
  return kind === 'instant' ? wallText(column) : column
}

/** Rows that are rows: with an id and a date of change. */
export function datedRows(rows: readonly JsonObject[]): DatedRow[] {
  return rows.flatMap((row) => {
    const id = textOf(row['id'])
    const wall = parseWall(row['modified'])
    return id === null || !isId(id) || wall === null ? [] : [{ id, wall, row }]
  })
}

/** The records of these rows, in their order. */
export async function recordsOf(
  http: ConnectorHttp,
  object: NetsuiteObject,
  selection: ObjectSelection,
  rows: readonly DatedRow[],
  clocks: Clocks,
): Promise<Answer<RemoteRecord[]>> {
  const lines =
    hasLines(object) && selection.fields.includes(linesField) && rows.length > 0
      ? await readLines(
          http,
          rows.map(({ id }) => id),
        )
      : ok<ReadonlyMap<string, FieldValue>>(new Map())
  if (!lines.ok) return lines
  const instants = await instantsOf(http, object, selection, rows, clocks)
  if (!instants.ok) return instants
  return ok(
    rows.map((row, index) => recordOf(object, selection, row, instants.value[index]!, lines.value.get(row.id) ?? null)),
  )
}

/** What a row's dates are in UTC: of the record, and of its fields that are instants. */
interface RowInstants {
  readonly modified: number
  readonly created: number
  readonly fields: Readonly<Record<string, string | null>>
}

async function instantsOf(
  http: ConnectorHttp,
  object: NetsuiteObject,
  selection: ObjectSelection,
  rows: readonly DatedRow[],
  clocks: Clocks,
): Promise<Answer<RowInstants[]>> {
  const instantFields = selection.fields.flatMap((field, index) =>
    kindOf(object, field, selection.definition) === 'instant' ? [{ field, column: `f${index}` }] : [],
  )
  const known = new Map<string, JsonObject>()
  // The newest first: what it teaches of the zone answers for nearly all others.
  const order = rows.toSorted((a, b) => b.wall - a.wall)
  for (const row of order) {
    const walls = [row.wall, ...instantFields.flatMap(({ column }) => parseWall(row.row[column]) ?? [])]
    if (walls.every((wall) => clocks.instants(wall).length === 1) || known.size >= askedMax) continue
    const names = instantFields.map(({ field }) => field)
    const told = await readInstants(http, object, row, names, clocks)
    if (!told.ok) return told
    known.set(row.id, told.value)
  }
  const dated = rows.map((row) => {
    const told = known.get(row.id) ?? {}
    // Where a doubt remains, the earlier: a version that is too old is only looked at again.
    const instant = (wall: number | null): number | null => (wall === null ? null : (clocks.instants(wall)[0] ?? wall))
    const modified = instantText(told[object.modifiedField])
    return {
      modified: modified === null ? instant(row.wall)! : Date.parse(modified),
      created: instant(parseWall(row.row['created'])) ?? 0,
      fields: Object.fromEntries(
        instantFields.map(({ field, column }) => {
          const at = instant(parseWall(row.row[column]))
          return [field, instantText(told[field]) ?? (at === null ? null : new Date(at).toISOString())]
        }),
      ),
    }
  })
  return ok(dated)
}

/**
 * The record's instants in UTC; nothing when it is gone or changed meanwhile, for then they are of another version.
 * The zone is learnt from when it was made, which never changes; what is told of its last change has to fit.
 */
async function readInstants(
  http: ConnectorHttp,
  object: NetsuiteObject,
  { id, wall, row }: DatedRow,
  fields: readonly string[],
  clocks: Clocks,
): Promise<Answer<JsonObject>> {
  const wanted = distinct([object.createdField, object.modifiedField, ...fields])
  const path = `/services/rest/record/v1/${object.remoteName}/${id}?fields=${wanted.join(',')}`
  const answer = await ask(http, { method: 'GET', path })
  const failure = classify(answer)
  if (failure) return failure.action === 'park' ? ok({}) : unread(failure)
  const body = objectOf(answer.body)
  const [created, modified] = [object.createdField, object.modifiedField].map((field) => instantText(body[field]))
  const createdWall = parseWall(row['created'])
  if (created && createdWall !== null) clocks.learn(Date.parse(created), createdWall)
  if (!modified || !clocks.instants(wall).includes(Date.parse(modified))) return ok({})
  clocks.learn(Date.parse(modified), wall)
  return ok(body)
}

function recordOf(
  object: NetsuiteObject,
  selection: ObjectSelection,
  { id, row }: DatedRow,
  instants: RowInstants,
  lines: FieldValue,
): RemoteRecord {
  const { definition } = selection
  const value = (field: string, index: number): FieldValue => {
    if (hasLines(object) && field === linesField) return lines
    if (field in instants.fields) return instants.fields[field] ?? null
    const read = readable(object, field, kindOf(object, field, definition), row[`f${index}`])
    return canonicalField(object, field, read, definition)
  }
  return {
    id,
    fields: Object.fromEntries(selection.fields.map((field, index) => [field, value(field, index)])),
    references: Object.fromEntries(
      selection.references.map((reference, index) => [reference, textOf(row[`r${index}`])]),
    ),
    modifiedAt: new Date(instants.modified).toISOString(),
    createdAt: new Date(instants.created).toISOString(),
    deleted: false,
    createToken: textOf(row['token']),
  }
}

/** A status may come with its type in front: SalesOrd:B. Several choices come with a comma between them. */
function readable(object: NetsuiteObject, field: string, kind: FieldKind, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (object.columns[field] === 'status') return value.replace(/^\w+:/, '')
  return kind === 'choices' ? value.replaceAll(/\s*,\s*/g, ';') : value
}

/** Field of the description that a token is found by. */
export const tokenColumn = `t.${tokenField.toLowerCase()}`
