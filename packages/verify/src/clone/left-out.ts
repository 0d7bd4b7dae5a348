// Schemas that are not copied: where each organization has one, two homes stand for all.
import type { NotCovered } from '../report/report.ts'

/** Whether an object, with its kind before its name, lies in one of the schemas: `table acme.notes`, `policy p on acme.notes`. */
export function liesIn(schemas: readonly string[]): (object: string) => boolean {
  const spelled = schemas.flatMap((schema) => [schema, `"${schema.replaceAll('"', '""')}"`])
  const starts = spelled.map((schema) => `${schema}.`)
  const wholes = new Set(spelled.map((schema) => `schema ${schema}`))
  return (object) => {
    const on = object.lastIndexOf(' on ')
    const subject = on >= 0 ? object.slice(on + ' on '.length) : object.replace(/^[a-z ]+ /, '')
    return wholes.has(object) || starts.some((start) => subject.startsWith(start))
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
