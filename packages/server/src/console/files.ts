// Serves the built console from memory: it is small, read once, so a path can name nothing else, and a
// build that replaces the folder under a running server does not mix two consoles. Hashed assets
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
  answer(pathname: string, headers: Headers): Response | null
  readonly contentSecurityPolicy: string
}

/**
 * @param folder null: no console here
 * @throws RowhouseError invalid_option when it holds no built console
 */
export async function openConsole(folder: string | null): Promise<ConsoleFiles | null> {
  if (folder === null) return null
  const indexBytes = await readFile(join(folder, 'index.html')).catch((cause: unknown) => {
    throw new RowhouseError('invalid_option', `The console is not built: ${folder} has no index.html.`, {
      hint: 'Build it: npm run build',
      cause,
    })
  })
  const index = fileOf(indexBytes, '.html', 'no-cache')
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const files = new Map<string, File>()
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const pathname = `/${relative(folder, path).split(sep).join('/')}`
    const cacheControl = pathname.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
    files.set(pathname, fileOf(await readFile(path), extname(path), cacheControl))
  }
  files.set('/index.html', index)
  return {
    contentSecurityPolicy: policyFor(indexBytes.toString()),
    answer(pathname, headers) {
      const file = files.get(pathname)
      if (file !== undefined) return respond(file, headers)
      // A missing asset must not become a page, or a browser would keep HTML as a script.
      const isPage = !pathname.startsWith('/assets/') && extname(pathname) === ''
      return isPage ? respond(index, headers) : null
    },
  }
}

interface File {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly headers: { readonly etag: string; readonly 'cache-control': string; readonly 'content-type': string }
}

function fileOf(bytes: Buffer, extension: string, cacheControl: string): File {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  const headers = {
    etag,
    'cache-control': cacheControl,
    'content-type': types[extension] ?? 'application/octet-stream',
  }
  return { bytes: new Uint8Array(bytes), headers }
}

function respond({ bytes, headers }: File, asked: Headers): Response {
  if (asked.get('if-none-match') === headers.etag) return new Response(null, { status: 304, headers })
  return new Response(bytes, { headers })
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
