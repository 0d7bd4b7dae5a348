// The settings every embedded server runs with, as arguments: postgresql.conf stays as initdb wrote it, so
// that a newer Rowhouse changes a setting for old data too.
import { host } from './port.ts'

export interface ServerSettings {
  readonly port: number
  readonly durable: boolean
}

const fixed = {
  listen_addresses: host,
  // Loopback only, so that no path length or folder mode can break the start.
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  // The console shows a tenant's slow statements.
  shared_preload_libraries: 'pg_stat_statements',
  // Lets moves and outgoing streams be tried on a laptop.
  wal_level: 'logical',
  max_wal_size: '1GB',
  // Compiling costs more than it saves on the short statements of development.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_destination: 'stderr',
  logging_collector: 'off',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
} as const

// synchronous_commit stays on: with it off, kill -9 loses the last commits too, and without fsync it costs nothing.
const careless = { fsync: 'off', full_page_writes: 'off' } as const

export function serverArguments(pgdata: string, { port, durable }: ServerSettings): string[] {
  const settings = { ...fixed, port: String(port), ...(durable ? {} : careless) }
  return ['-D', pgdata, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/** The first with a provider of its own. */
const BUILTIN_MAJOR = 17

export function initdbArguments(
  pgdata: string,
  passwordFile: string,
  durable: boolean,
  majorVersion: number,
): string[] {
  return [
    ...(durable ? [] : ['--no-sync']),
    `--pgdata=${pgdata}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The builtin provider sorts alike on every machine, whatever its C library and ICU.
    '--locale=C',
    ...(majorVersion < BUILTIN_MAJOR ? [] : ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']),
  ]
}
