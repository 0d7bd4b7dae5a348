// What reaches outside the database: it must not run in a scratch database, which stands on somebody's server.
import type { Part } from './read-catalogue.ts'

/** Extensions whose functions open connections, read files or run programs. */
export const outsideExtensions: readonly string[] = [
  'dblink', 'postgres_fdw', 'file_fdw', 'http', 'pg_net', 'pg_cron', 'adminpack', 'plsh', 'aws_s3', 'aws_lambda',
  'pgsql_http', 'mysql_fdw', 'oracle_fdw', 'tds_fdw', 'redis_fdw', 'mongo_fdw', 'wrappers', 'pg_curl', 'pgmq_http',
  'azure_storage', 'google_ml_integration', 'pg_partman_bgw', 'pg_task', 'pg_timetable', 'pgagent', 'pg_background',
] // prettier-ignore

const safeLanguages: ReadonlySet<string> = new Set(['sql', 'plpgsql', 'internal'])

/** Bodies that name a way out. Dynamic SQL can hide one; the scratch roles have no more power than the source's. */
const waysOut: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\bcopy\b[^;]*\b(?:from|to)\s+program\b/i, 'COPY … PROGRAM'],
  [/\bcopy\b[^;]*\b(?:from|to)\s+'[^']*'/i, 'COPY of a file'],
  [/\bdblink(?:_\w+)?\s*\(/i, 'dblink'],
  [/\b(?:net|extensions)\.http_\w+\s*\(|\bhttp_(?:get|post|put|delete|head|patch)\s*\(/i, 'HTTP'],
  [/\bcron\.(?:schedule|unschedule|alter_job)\w*\s*\(/i, 'pg_cron'],
  [/\b(?:lo_import|lo_export|pg_read_(?:binary_)?file|pg_ls_dir|pg_file_write)\s*\(/i, 'files of the server'],
  [/\bpg_(?:terminate_backend|cancel_backend|reload_conf|rotate_logfile|promote)\s*\(/i, 'the server itself'],
  [/\b(?:create|alter)\s+(?:subscription|server|user\s+mapping)\b|\balter\s+system\b/i, 'other servers'],
]

/** Why a function must not run in a scratch database, or null. */
export function reachesOutside(part: Pick<Part, 'name' | 'language' | 'trusted' | 'source'>): string | null {
  // Rowhouse's own functions name what they guard against.
  if (part.language === null || part.name.startsWith('rowhouse.')) return null
  if (!safeLanguages.has(part.language) && part.trusted !== true) {
    return `it is written in ${part.language}, which is not trusted to stay inside the database`
  }
  return wayOut(part.source)
}

/** The way out that a body names, or null. */
export function wayOut(source: string | null | undefined): string | null {
  if (source === null || source === undefined) return null
  const found = waysOut.find(([pattern]) => pattern.test(source))
  return found === undefined ? null : `it reaches outside: ${found[1]}`
}
