// Where scratch databases stand, how they are named, and that they are dropped: at the end, on a signal, and when an
// earlier run was killed. It never touches a database whose name it did not make.
import { randomBytes } from 'node:crypto'
import { RowhouseError } from '@rowhouse/contracts'
import { Client } from 'pg'

import { ident, literal } from './quote.ts'
import type { DatabaseOfSource } from './read-catalogue.ts'

const PREFIX = 'rowhouse_verify_'
/** A run takes minutes; what is older and has no session was left by one that was killed. */
const LEFTOVER_AGE_MS = 60 * 60 * 1000

/** A Postgres server that the starter made for this run. */
export interface ScratchServer {
  /** A superuser, any database. */
  readonly adminUrl: string
  stop(): Promise<void>
}

export interface ScratchOptions {
  /**
   * `same-server` puts the scratch databases beside the source: its roles are there, and so is its load. A URL names a
   * superuser of another server. Without either a server is started, so that a server in production is never loaded.
   * @default a started server
   */
  readonly scratch?: 'same-server' | URL | undefined
  /** Starts a throwaway server; the CLI passes the embedded one. */
  readonly startServer?: (() => Promise<ScratchServer>) | undefined
  /** @default Date.now */
  readonly now?: () => number
}

export interface Scratch {
  readonly adminUrl: string
  readonly isSameServer: boolean
  /** Makes an empty database like the source's, or one from a copied database. Returns its URL. */
  create(
    like: DatabaseOfSource | { readonly copyOf: string },
  ): Promise<{ url: string; name: string; note: string | null }>
  /** Drops what it made and stops what it started. May be called twice. */
  close(): Promise<void>
}

/** @throws RowhouseError scratch_unavailable */
export async function openScratch(sourceUrl: string, options: ScratchOptions): Promise<Scratch> {
  const now = options.now ?? Date.now
  let starting: Promise<Place> | undefined
  const made: string[] = []
  let creating: Promise<unknown> = Promise.resolve()
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      stopListening()
      // A signal may come while the server starts: it is stopped once it is there, and a start that fails cleans up itself.
      const place = await starting?.catch(() => null)
      if (place === undefined || place === null) return
      // The server goes on making a database whose client is gone.
      await creating.catch(() => undefined)
      try {
        await withAdmin(place.adminUrl, async (admin) => {
          for (const name of made) await admin.query(`drop database if exists ${ident(name)} with (force)`)
        })
      } finally {
        await place.stop()
      }
    })()
    return closing
  }
  // Listened for before anything starts: what starts must not be left behind.
  const stopListening = closeOnSignal(close)
  starting = choosePlace(sourceUrl, options)
  let place: Place
  try {
    place = await starting
    await withAdmin(place.adminUrl, async (admin) => {
      await requireSuperuser(admin)
      await dropLeftovers(admin, now())
    })
  } catch (error) {
    // Closing meets the same trouble; what is told is why it began.
    await close().catch(() => undefined)
    throw unavailable(error)
  }
  return {
    adminUrl: place.adminUrl,
    isSameServer: place.isSameServer,
    close,
    create: async (like) => {
      const name = `${PREFIX}${now().toString(36).padStart(9, '0')}_${randomBytes(5).toString('hex')}`
      made.push(name)
      const url = new URL(place.adminUrl)
      url.pathname = `/${name}`
      try {
        const created = withAdmin(place.adminUrl, (admin) => createDatabase(admin, name, like))
        creating = created
        return { url: url.href, name, note: await created }
      } catch (error) {
        throw unavailable(error)
      }
    },
  }
}

interface Place {
  readonly adminUrl: string
  readonly isSameServer: boolean
  stop(): Promise<void>
}

async function choosePlace(sourceUrl: string, { scratch, startServer }: ScratchOptions): Promise<Place> {
  const nothing = (): Promise<void> => Promise.resolve()
  if (scratch === 'same-server') return { adminUrl: sourceUrl, isSameServer: true, stop: nothing }
  if (scratch !== undefined) return { adminUrl: scratch.href, isSameServer: false, stop: nothing }
  if (startServer === undefined) {
    throw new RowhouseError(
      'scratch_unavailable',
      'No server was named for the scratch databases, and none can be started.',
    )
  }
  try {
    const server = await startServer()
    return { adminUrl: server.adminUrl, isSameServer: false, stop: () => server.stop() }
  } catch (error) {
    throw unavailable(error)
  }
}

/** Attacks take on the logins of tenants by SET SESSION AUTHORIZATION, and the copy gives every object its owner. */
async function requireSuperuser(admin: Client): Promise<void> {
  const { rows } = await admin.query<{ login: string; superuser: boolean }>(
    'select rolname::text as login, rolsuper as superuser from pg_catalog.pg_roles where rolname = session_user',
  )
  const [{ login, superuser } = { login: 'this login', superuser: false }] = rows
  if (superuser) return
  throw new RowhouseError('scratch_unavailable', `${login} is no superuser of the server for the scratch databases.`, {
    hint: 'Leave out --scratch-url, and a server is started for the run; or name a superuser: --scratch-url postgres://…, in code clone.scratch.',
  })
}

/** The note says what of the source's locale this server does not have. */
async function createDatabase(
  admin: Client,
  name: string,
  like: DatabaseOfSource | { copyOf: string },
): Promise<string | null> {
  if ('copyOf' in like) {
    await admin.query(`create database ${ident(name)} template ${ident(like.copyOf)}`)
    return null
  }
  const { encoding_name: encoding, collate, ctype, provider, locale } = like
  const base = `create database ${ident(name)} template template0 encoding ${literal(encoding)}`
  const libc = collate === '' ? '' : ` lc_collate ${literal(collate)} lc_ctype ${literal(ctype)}`
  const exact =
    provider === 'i' ? ` locale_provider icu icu_locale ${literal(locale ?? 'und')}${libc}`
    : provider === 'b' ? ` locale_provider builtin builtin_locale ${literal(locale ?? 'C')}${libc}`
    : ` locale_provider libc${libc}` // prettier-ignore
  try {
    await admin.query(`${base}${exact}`)
    return null
  } catch (error) {
    if (sqlstateOf(error) === '42501') throw error
    await admin.query(`${base} lc_collate 'C' lc_ctype 'C'`)
    return `the scratch server has not the locale ${locale ?? collate}: ${messageOf(error)}`
  }
}

async function dropLeftovers(admin: Client, nowMs: number): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `select d.datname::text as name from pg_catalog.pg_database d
     where d.datname ~ $1 and pg_has_role(d.datdba, 'usage')
       and not exists (select from pg_catalog.pg_stat_activity a where a.datname = d.datname)`,
    [`^${PREFIX}[0-9a-z]{9}_[0-9a-f]{10}$`],
  )
  for (const { name } of rows) {
    const madeAtMs = Number.parseInt(name.slice(PREFIX.length, PREFIX.length + 9), 36)
    if (nowMs - madeAtMs > LEFTOVER_AGE_MS) await admin.query(`drop database if exists ${ident(name)}`)
  }
}

/** Ctrl-C in a run drops what it made, then ends the process as the signal would have. */
function closeOnSignal(close: () => Promise<void>): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      const end = (): void => void process.kill(process.pid, signal)
      close().then(end, end)
    }
    process.once(signal, listener)
    return () => process.off(signal, listener)
  })
  return () => {
    for (const stop of listeners) stop()
  }
}

async function withAdmin<Result>(url: string, use: (admin: Client) => Promise<Result>): Promise<Result> {
  const admin = new Client({ connectionString: url, application_name: 'rowhouse verify' })
  // A session that is ended fails its query; without a listener it would end the process before anything is dropped.
  admin.on('error', () => undefined)
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.end()
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const sqlstateOf = (error: unknown): string | undefined => (error as { code?: string } | null)?.code

function unavailable(error: unknown): RowhouseError {
  if (error instanceof RowhouseError) return error
  return new RowhouseError('scratch_unavailable', `The scratch databases cannot be made: ${messageOf(error)}`, {
    cause: error,
  })
}
