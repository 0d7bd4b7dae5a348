// Values of unknown shape as text, never '[object Object]'.

/** Text, numbers and booleans as written; nothing as ''; anything else as JSON. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
    ? value.toString()
    : (JSON.stringify(value) ?? '')
}
