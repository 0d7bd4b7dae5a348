// Where to go after signing in. Only paths of this origin: anything else would be an open redirect.

export function safeReturnTo(path: string | undefined): string {
  // oxlint-disable-next-line no-control-regex -- browsers drop tabs and line ends, which would join two slashes
  if (path === undefined || !/^\/(?![/\\])/.test(path) || /[\u0000-\u001f]/.test(path)) return '/'
  const url = new URL(path, 'http://here.invalid')
  if (url.origin !== 'http://here.invalid' || url.pathname.startsWith('//') || url.pathname === '/sign-in') return '/'
  return url.pathname + url.search + url.hash
}
