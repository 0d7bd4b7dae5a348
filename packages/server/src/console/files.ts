// Serves the built console: a list of files read once, so a path can name nothing else. Hashed assets
// are kept by browsers for a year; every other path of a page is the app's own and gets index.html.
import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

export interface ConsoleFiles {
  /** The file of a path, or the app for a page; null when the path is neither. */
  answer(pathname: string, headers: Headers): Promise<Response | null>
  readonly contentSecurityPolicy: string
}

/**
 * @param folder null: no console here
 * @throws RowhouseError invalid_option when it holds no built console
 */
export async function openConsole(folder: string | null): Promise<ConsoleFiles | null> {
  if (folder === null) return null
  const indexPath = join(folder, 'index.html')
  const index = await readFile(indexPath).catch((cause: unknown) => {
    throw new RowhouseError('invalid_option', `The console is not built: ${folder} has no index.html.`, {
      hint: 'Build it: npm run build',
      cause,
    })
  })
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const files = new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [`/${relative(folder, path).split(sep).join('/')}`, path]),
  )
  return {
    contentSecurityPolicy: policyFor(index.toString()),
    async answer(pathname, headers) {
      const path = files.get(pathname)
      if (path !== undefined && path !== indexPath) {
        const immutable = pathname.startsWith('/assets/')
        return file(
          await readFile(path),
          extname(path),
          headers,
          immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
        )
      }
      // A missing asset must not become a page, or a browser would keep HTML as a script.
      const isPage = pathname === '/index.html' || (!pathname.startsWith('/assets/') && extname(pathname) === '')
      return isPage ? file(index, '.html', headers, 'no-cache') : null
    },
  }
}

function file(bytes: Buffer, extension: string, headers: Headers, cacheControl: string): Response {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  const answer = { etag, 'cache-control': cacheControl, 'content-type': types[extension] ?? 'application/octet-stream' }
  if (headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers: answer })
  return new Response(new Uint8Array(bytes), { headers: answer })
}

/** Everything from here and nothing from elsewhere; inline scripts of the page by their hash. */
function policyFor(html: string): string {
  const inline = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, script]) =>
      `'sha256-${createHash('sha256')
        .update(script ?? '')
        .digest('base64')}'`,
  )
  return [
    "default-src 'none'",
    `script-src ${["'self'", ...inline].join(' ')}`,
    // The component library sets style attributes and a style element of its own.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}
