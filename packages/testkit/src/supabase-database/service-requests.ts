// Requests as Supabase's services make them: the transactions of PostgREST, the Storage API and Realtime, setting by
// setting. PostgREST: src/library/PostgREST/Query/PreQuery.hs; Storage: src/internal/database/postgres/scope.ts; Realtime:
// lib/realtime/tenants/authorization.ex.
import type { Client, QueryResult } from 'pg'

import { withClient } from '../test-database.ts'

export type JwtClaims = Readonly<Record<string, unknown>>

export interface ServiceRequest {
  /** What the verified JWT says; null is a request without one. */
  readonly claims: JwtClaims | null
  readonly headers?: Readonly<Record<string, string>>
  /** PostgREST runs GET and HEAD in READ ONLY. @default 'POST' */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE'
}

type Rows = QueryResult<Record<string, unknown>>

const textOf = (value: unknown, absent: string): string => (typeof value === 'string' ? value : absent)
const roleOf = (claims: JwtClaims | null): string => textOf(claims?.['role'], 'anon')

async function inTransaction(client: Client, begin: string, use: () => Promise<Rows>): Promise<Rows> {
  await client.query(begin)
  try {
    const result = await use()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** BEGIN, the settings in one SELECT, db-pre-request, the main query, COMMIT, over a session of authenticator. */
export function asPostgrest(
  url: string,
  { claims, headers = {}, method = 'POST' }: ServiceRequest,
  main: string,
  values: readonly unknown[] = [],
): Promise<Rows> {
  const isReadOnly = method === 'GET' || method === 'HEAD'
  return withClient(url, (client) =>
    inTransaction(
      client,
      `begin isolation level read committed ${isReadOnly ? 'read only' : 'read write'}`,
      async () => {
        await client.query(
          `select set_config('search_path', $1, true), set_config('role', $2, true),
           set_config('request.jwt.claims', $3, true), set_config('request.method', $4, true),
           set_config('request.path', $5, true), set_config('request.headers', $6, true),
           set_config('request.cookies', $7, true)`,
          [
            '"public", "extensions"',
            roleOf(claims),
            JSON.stringify({ ...claims, role: roleOf(claims) }),
            method,
            '/rest/v1',
            JSON.stringify(headers),
            '{}',
          ],
        )
        await client.query({ text: 'select "rowhouse"."pre_request"()', values: [] })
        return client.query<Record<string, unknown>>(main, [...values])
      },
    ),
  )
}

/** A transaction of the Storage API, over a session of supabase_storage_admin. */
export function asStorage(
  url: string,
  { claims, headers = {}, method = 'POST' }: ServiceRequest,
  main: string,
  values: readonly unknown[] = [],
): Promise<Rows> {
  return withClient(url, (client) =>
    inTransaction(client, 'begin', async () => {
      await client.query(
        `select set_config('role', $1, true), set_config('request.jwt.claim.role', $2, true),
           set_config('request.jwt', $3, true), set_config('request.jwt.claim.sub', $4, true),
           set_config('request.jwt.claims', $5, true), set_config('request.headers', $6, true),
           set_config('request.method', $7, true), set_config('request.path', $8, true),
           set_config('storage.operation', $9, true), set_config('storage.allow_delete_query', 'true', true)`,
        [
          roleOf(claims),
          roleOf(claims),
          '',
          textOf(claims?.['sub'], ''),
          JSON.stringify({ ...claims, role: roleOf(claims) }),
          JSON.stringify(headers),
          method,
          '/object',
          'storage.object',
        ],
      )
      return client.query<Record<string, unknown>>(main, [...values])
    }),
  )
}

/** Whether Realtime lets the bearer of these claims join, or send to, a private topic. It asks by trying, and rolls back. */
export async function asRealtime(
  url: string,
  claims: JwtClaims | null,
  topic: string,
): Promise<{ readonly reads: boolean; readonly writes: boolean }> {
  return withClient(url, async (client) => {
    const configure = (): Promise<unknown> =>
      client.query(
        `select set_config('role', $1, true), set_config('realtime.topic', $2, true),
           set_config('request.jwt.claims', $3, true), set_config('request.jwt.claim.sub', $4, true),
           set_config('request.jwt.claim.role', $5, true), set_config('request.headers', $6, true)`,
        [roleOf(claims), topic, JSON.stringify(claims ?? {}), textOf(claims?.['sub'], ''), roleOf(claims), '{}'],
      )
    const insert = "insert into realtime.messages (topic, extension) values ($1, 'broadcast')"
    await client.query('begin')
    const { rows } = await client.query<{ id: string }>(`${insert} returning id`, [topic])
    await configure()
    const read = await client.query('select id from realtime.messages where id = $1', [rows[0]?.id])
    await client.query('rollback')
    await client.query('begin')
    await configure()
    const writes = await client.query(insert, [topic]).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === '42501') return false
        throw error
      },
    )
    await client.query('rollback')
    return { reads: read.rowCount === 1, writes }
  })
}
