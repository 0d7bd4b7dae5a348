// Schemas that are not copied: where each organization has one, two homes stand for all.
import type { NotCovered } from '../report/report.ts'

/** Whether an object, with its kind before its name, lies in one of the schemas: `table acme.notes`, `policy p on acme.notes`. */
export function liesIn(schemas: readonly string[]): (object: string) => boolean {
  const names = new Set(schemas.flatMap((schema) => [schema, `"${schema.replaceAll('"', '""')}"`]))
  return (object) => {
    const on = object.lastIndexOf(' on ')
    const subject = on >= 0 ? object.slice(on + ' on '.length) : object.replace(/^[a-z ]+ /, '')
    if (object.startsWith('schema ')) return names.has(object.slice('schema '.length))
    // Asked of every object of thousands of schemas: a search through their names would never end.
    const schema = /^("(?:[^"]|"")*"|[^".]+)\./.exec(subject)?.[1]
    return schema !== undefined && names.has(schema)
  }
}

/** One entry for all of them. */
export function leftOutOf(schemas: readonly string[], like: string): NotCovered[] {
  const [first, ...others] = schemas
  if (first === undefined) return []
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  return [
    { object: `schema ${first}${more}`, probe: 'all', reason: `a home like ${like}, which is attacked in its stead` },
  ]
}
