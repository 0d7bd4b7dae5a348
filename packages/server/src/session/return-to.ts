// Where a person goes after signing in: only a path of this server, or the sign-in would send people
// to whatever site wrote the link.

/** A path, query and fragment of this origin; '/' for anything else. */
export function safeReturnTo(value: string | null | undefined): string {
  if (value === null || value === undefined || value.length > 2000 || !value.startsWith('/')) return '/'
  const base = 'http://rowhouse.invalid'
  if (!URL.canParse(value, base)) return '/'
  const url = new URL(value, base)
  // `//host`, `/\host` and their kin resolve to another origin, which this notices as a browser would.
  if (url.origin !== base) return '/'
  const path = url.pathname + url.search + url.hash
  return path.startsWith('//') ? '/' : path
}
