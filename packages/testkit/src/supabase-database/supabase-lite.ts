// A peer that the real supabase-js talks to: @supabase/lite, which speaks PostgREST, in front of a Supabase-shaped database.
// It stands for PostgREST in tests and guards nothing by itself, so it is held on all sides:
//   - it logs in as authenticator, which owns nothing and bypasses nothing;
//   - it is told that row security is on, because otherwise it looks once, and grants itself every table of a schema;
//   - each transaction calls rowhouse.pre_request() after its settings, as PostgREST's db-pre-request does, and has the
//     request's headers, which it sets for functions only;
//   - what it reads of the catalogue it reads over a connection of its own, never with a request's;
//   - it listens on loopback and answers under /rest/v1/ only: /_system/info would name the database's URL.
// It does not embed between two views, and calls a SQLSTATE it does not know SUP. Those two are shown by replaying PostgREST.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createHmac, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { App } from '@supabase/lite'
import { PostgresConnection } from '@supabase/lite/postgres'
import { createClient } from '@supabase/supabase-js'
import type { SupabaseClient } from '@supabase/supabase-js'
import { sql } from 'kysely'
import type { Kysely } from 'kysely'

import { withClient } from '../test-database.ts'
import type { SupabaseDatabase } from './supabase-database.ts'

/** The parts of its connection that are replaced; its types hide them. */
interface Hooks {
  rlsState: 'active'
  introspect(options?: unknown): Promise<unknown>
  applyJwtSessionContext(transaction: Kysely<unknown>, context: unknown, asRole: boolean): Promise<void>
}

export interface SupabaseLite {
  readonly url: string
  /** supabase-js as one person in one browser tab; null is a tab without an organization. */
  tab(userId: string, organizationId: string | null, secret?: string): SupabaseClient
  stop(): Promise<void>
}

const TOKEN_SECONDS = 600
const BODY_BYTES_MAX = 1_000_000

/** Starts it. People must be in auth.users: it asks for each. */
export async function startSupabaseLite(database: SupabaseDatabase): Promise<SupabaseLite> {
  await withClient(database.adminUrl, async (admin) => {
    await admin.query('grant usage on schema auth to authenticator')
    await admin.query('grant select on auth.users to authenticator')
    await admin.query('create policy lite_asks_who_is_there on auth.users for select to authenticator using (true)')
  })
  const requestHeaders = new AsyncLocalStorage<Readonly<Record<string, unknown>>>()
  const catalogue = new PostgresConnection({ url: database.postgresUrl })
  const connection = new PostgresConnection({ url: database.authenticatorUrl })
  const hooks = connection as unknown as Hooks
  const apply = hooks.applyJwtSessionContext.bind(connection)
  hooks.rlsState = 'active'
  hooks.introspect = (options) => (catalogue as unknown as Hooks).introspect(options)
  hooks.applyJwtSessionContext = async (transaction, context, asRole) => {
    await apply(transaction, context, asRole)
    const headers = JSON.stringify(requestHeaders.getStore() ?? {})
    await sql`select set_config('request.headers', ${headers}, true)`.execute(transaction)
    await sql.raw('select "rowhouse"."pre_request"()').execute(transaction)
  }
  const ownSecret = randomBytes(32).toString('hex')
  const app = new App({ connection, auth: { enabled: true, jwt_secret: ownSecret } })

  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const path = request.url ?? '/'
      if (!path.startsWith('/rest/v1/')) {
        response.writeHead(404).end()
        return
      }
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length
        if (size > BODY_BYTES_MAX) throw new Error('The body is too large.')
        chunks.push(chunk)
      }
      const headers = new Headers()
      for (const [name, value] of Object.entries(request.headers)) {
        if (typeof value === 'string' && name !== 'connection') headers.set(name, value)
      }
      const body = Buffer.concat(chunks)
      const reply = await requestHeaders.run(request.headers, () =>
        app.fetch(
          new Request(new URL(path, 'http://127.0.0.1'), {
            method: request.method ?? 'GET',
            headers,
            ...(size > 0 && { body }),
          }),
        ),
      )
      response.writeHead(reply.status, Object.fromEntries(reply.headers))
      response.end(Buffer.from(await reply.arrayBuffer()))
    }
    answer().catch(() => {
      response.writeHead(500).end()
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    tab: (userId, organizationId, secret = ownSecret) =>
      createClient(url, 'anon', {
        accessToken: () =>
          Promise.resolve(signed({ sub: userId, role: 'authenticated', aud: 'authenticated' }, secret)),
        global: { headers: organizationId === null ? {} : { 'x-organization-id': organizationId } },
      }),
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await connection.close()
      await catalogue.close()
    },
  }
}

function signed(claims: Readonly<Record<string, unknown>>, secret: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + TOKEN_SECONDS
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...claims, exp })}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
