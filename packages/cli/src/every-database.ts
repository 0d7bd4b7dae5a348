// Commands that look at organizations where they live: database by database, as rowhouse_migrator, so many at a time. One that
// does not answer is named and holds up no other.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import { connectionError, loginUrl } from '@rowhouse/database'
import { homeConnection } from '@rowhouse/fleet'
import { Client, DatabaseError } from 'pg'
import { withMigrator } from './as-migrator.ts'
import { requireUrl } from './environment.ts'
import { requireSigningKey } from './signing-key.ts'

const AT_ONCE = 4
const CONNECT_TIMEOUT_MS = 10_000

/** An organization whose database could not be asked. */
export interface Unreachable {
  readonly organizationId: string
  readonly unreachable: {
    readonly cluster: string
    readonly database: string | null
    readonly code: string
    readonly message: string
  }
}

interface Place {
  readonly organizationId: string
  readonly cluster: string
  /** Null: the catalogue's. */
  readonly databaseName: string | null
  readonly server: Parameters<typeof homeConnection>[1]['server']
}

const PLACES = `
select o.id as "organizationId", p.cluster, p.database_name as "databaseName",
  jsonb_build_object('host', c.host, 'port', c.port, 'tls', c.tls, 'tlsCa', c.tls_ca) as server
from rowhouse.organizations o
join rowhouse.placements p on p.organization_id = o.id
join rowhouse.clusters c on c.id = p.cluster
where $1::text is null or o.slug = $1 or o.id::text = $1
order by o.id`

/**
 * Runs `use` once in each database, with the organizations that live there.
 *
 * @param organization slug or id of the only one; all of them without
 * @returns what `use` gave, by organization, and the organizations whose database does not answer
 * @throws RowhouseError organization_not_found; of the catalogue what withMigrator() throws; whatever `use` throws
 */
export async function inEveryDatabase<Result extends { readonly organizationId: string }>(
  organization: string | undefined,
  use: (client: Client, organizationIds: readonly string[]) => Promise<readonly Result[]>,
): Promise<{ readonly results: readonly Result[]; readonly unreachable: readonly Unreachable[] }> {
  const places = await withMigrator(async (client) => (await client.query<Place>(PLACES, [organization ?? null])).rows)
  if (organization !== undefined && places.length === 0)
    throw new RowhouseError('organization_not_found', `There is no organization ${organization}.`)
  const results: Result[] = []
  const unreachable: Unreachable[] = []
  const groups = [
    ...Map.groupBy(
      places,
      ({ cluster, databaseName }) => `${databaseName === null ? '' : cluster}/${databaseName}`,
    ).values(),
  ]
  const lane = async (): Promise<void> => {
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      const [place] = group as [Place, ...Place[]]
      const ids = group.map(({ organizationId }) => organizationId)
      try {
        results.push(...(await at(place, (client) => use(client, ids))))
      } catch (error) {
        if (!isRowhouseError(error) || !isAboutTheDatabase(error.code)) throw error
        const { cluster, databaseName: database } = place
        const why = { cluster, database, code: error.code, message: error.message }
        unreachable.push(...ids.map((organizationId) => ({ organizationId, unreachable: why })))
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, groups.length) }, lane))
  for (const end of ended) if (end.status === 'rejected') throw end.reason
  const byId = (a: { organizationId: string }, b: { organizationId: string }): number =>
    a.organizationId < b.organizationId ? -1 : 1
  return { results: results.toSorted(byId), unreachable: unreachable.toSorted(byId) }
}

const isAboutTheDatabase = (code: string): boolean =>
  code === 'database_unreachable' || code === 'database_login_refused'

async function at<Result>(place: Place, use: (client: Client) => Promise<Result>): Promise<Result> {
  if (place.databaseName === null) return withMigrator(use)
  const catalogueUrl = loginUrl(requireUrl(process.env), 'rowhouse_migrator', requireSigningKey(process.env))
  const { databaseName, server } = place
  const client = new Client({
    ...homeConnection(catalogueUrl, { databaseName, server }),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  })
  client.on('error', () => undefined)
  try {
    try {
      await client.connect()
    } catch (error) {
      throw connectionError(error, `postgres://${server.host ?? ''}/${databaseName}`)
    }
    return await use(client).catch((error: unknown) => {
      const isGone = error instanceof DatabaseError ? /^(57P|08)/.test(error.code ?? '') : !isRowhouseError(error)
      throw isGone ? connectionError(error, `postgres://${server.host ?? ''}/${databaseName}`) : error
    })
  } finally {
    await client.end().catch(() => undefined)
  }
}
