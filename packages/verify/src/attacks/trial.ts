// What trials of a gate are made of: tokens that are good in all but one thing, transactions that are rolled back, and the
// people of A and B who were planted.
import { createHmac } from 'node:crypto'
import { deriveTokenKey } from '@rowhouse/database'
import type { Client } from 'pg'
import { tokenFor } from 'rowhouse/token'
import type { Signer } from 'rowhouse/token'

/** What the runtime gives a token. */
const LIFETIME_SECONDS = 45

export interface People {
  readonly organization: string
  readonly user: string
}

/** What is another in a token than in a good one. */
export interface Bend {
  readonly database?: string
  readonly user?: string
  /** How long it still lives. */
  readonly seconds?: number
  readonly signature?: string
  /** Of the membership, which the door of a home asks for; null: none. @default none */
  readonly version?: number | null
}

/**
 * Runs messages in one transaction that is rolled back.
 *
 * @returns the first cell of the last one; `done` where it has no row; null when one was refused
 */
export async function attempt(admin: Client, statements: readonly string[]): Promise<string | null> {
  await admin.query('begin')
  try {
    await admin.query('set local statement_timeout = 5000')
    let cell = 'done'
    for (const statement of statements) {
      const result: unknown = await admin.query(statement)
      const { rows = [] } = (Array.isArray(result) ? result.at(-1) : result) as { rows?: Record<string, unknown>[] }
      cell = rows[0] === undefined ? 'done' : String(Object.values(rows[0])[0])
    }
    return cell
  } catch {
    return null
  } finally {
    await admin.query('rollback')
  }
}

/** A person of each, an owner where there is one; undefined without Rowhouse. */
export async function peopleOf(
  admin: Client,
  organizations: { readonly a: string; readonly b: string },
): Promise<{ a: People; b: People } | undefined> {
  const { rows: installed } = await admin.query<{ there: boolean }>(
    `select to_regclass('rowhouse.keys') is not null and exists (select from pg_roles where rolname = 'rowhouse_app') as there`,
  )
  if (installed[0]?.there !== true) return undefined
  const { rows } = await admin.query<{ organization_id: string; user_id: string }>(
    `select distinct on (m.organization_id) m.organization_id, m.user_id from rowhouse.members m
     where m.organization_id::text in ($1, $2) order by m.organization_id, (m.role = 'owner') desc, m.user_id`,
    [organizations.a, organizations.b],
  )
  const of = (organization: string): People | undefined => {
    const row = rows.find(({ organization_id }) => organization_id === organization)
    return row === undefined ? undefined : { organization, user: row.user_id }
  }
  const [a, b] = [of(organizations.a), of(organizations.b)]
  return a === undefined || b === undefined ? undefined : { a, b }
}

/** A good token on the clock of the database, or one that is bent in one thing. */
export async function mintToken(
  admin: Client,
  signer: Signer,
  { organization, user }: People,
  bend: Bend = {},
): Promise<string> {
  const { rows } = await admin.query<{ now: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as now',
  )
  const lives = bend.seconds ?? LIFETIME_SECONDS
  const token = tokenFor(
    { organizationId: organization, userId: bend.user ?? user, origin: 'verify' },
    signer,
    (rows[0]?.now ?? Date.now()) + (lives - LIFETIME_SECONDS) * 1000,
    bend.version ?? undefined,
  )
  if (bend.signature === undefined && bend.database === undefined) return token
  const unsigned = token.slice(0, token.lastIndexOf('.')).replace(signer.databaseId, bend.database ?? signer.databaseId)
  return `${unsigned}.${bend.signature ?? signatureOf(signer, unsigned)}`
}

const signatureOf = ({ databaseId, signingKey }: Signer, text: string): string =>
  createHmac('sha256', deriveTokenKey(signingKey, databaseId)).update(text).digest('hex')
