// Checks what came in against the contract, and says of every field what is wrong with it.
import { RowhouseError } from '@rowhouse/contracts'
import type { z } from 'zod'

const issuesMax = 20

/** @throws RowhouseError validation_failed with details.issues: [{ in, path, message }] */
export function validate(schema: z.ZodType | undefined, value: unknown, where: 'query' | 'body'): unknown {
  if (schema === undefined) {
    if (where === 'body' && value !== undefined) {
      throw new RowhouseError('validation_failed', 'This takes no body.', { details: { issues: [] } })
    }
    return undefined
  }
  const result = schema.safeParse(value ?? (where === 'query' ? {} : undefined))
  if (result.success) {
    requireText(result.data, where)
    return result.data
  }
  const issues = result.error.issues
    .slice(0, issuesMax)
    .map((issue) => ({ in: where, path: issue.path.join('.'), message: issue.message }))
  const [first] = issues
  throw new RowhouseError(
    'validation_failed',
    first === undefined ? undefined : `${first.path === '' ? `The ${where}` : first.path}: ${first.message}`,
    { details: { issues } },
  )
}

/** A parameter given twice is refused rather than one of the two chosen. */
export function readQuery(url: URL): Record<string, string> {
  const query: Record<string, string> = {}
  for (const [name, value] of url.searchParams) {
    if (Object.hasOwn(query, name)) {
      throw new RowhouseError('validation_failed', `${name} is given twice.`, {
        details: { issues: [{ in: 'query', path: name, message: 'given twice' }] },
      })
    }
    Object.defineProperty(query, name, { value, enumerable: true })
  }
  return query
}

/**
 * Looks at what the contract let through, so no deeper than that is, and at what the path names. Postgres keeps every character but U+0000, and half a surrogate pair is none: it would be stored as another.
 *
 * @throws RowhouseError validation_failed
 */
export function requireText(value: unknown, where: 'path' | 'query' | 'body', path: readonly string[] = []): void {
  if (typeof value === 'string') {
    if (value.isWellFormed() && !value.includes('\0')) return
    const message = 'Holds a character that cannot be stored'
    throw new RowhouseError('validation_failed', `${path.join('.')}: ${message}`, {
      details: { issues: [{ in: where, path: path.join('.'), message }] },
    })
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, part] of Object.entries(value)) requireText(part, where, [...path, name])
}
