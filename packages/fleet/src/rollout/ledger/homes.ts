// The homes that a rollout goes through, and how their databases are reached.
import type { ClientBase, ClientConfig } from 'pg'

import { tlsOf } from '../../provision/clusters/servers.ts'

export interface Home {
  readonly id: string
  readonly cluster: string
  /** Null: the catalogue's own database. */
  readonly databaseName: string | null
  readonly schemaName: string
  /** The login of the one organization that lives there; null where many share it. */
  readonly login: string | null
  readonly isolation: 'shared' | 'schema' | 'database'
  readonly isSpare: boolean
  /** Null for a spare, and for a home that many share. */
  readonly organizationId: string | null
  readonly slug: string | null
  /** The last tenant migration it has; null before the first. */
  readonly version: string | null
  readonly isCanary: boolean
  /** It is being moved: what it holds is copied, and may not change its shape. */
  readonly isMoving: boolean
  /** Whether its cluster did when it was looked at last. */
  readonly isAnswering: boolean
  readonly server: Server
}

export interface Server {
  /** Null: the server of the catalogue. */
  readonly host: string | null
  readonly port: number
  readonly tls: 'verify-full' | 'off'
  readonly tlsCa: string | null
}

/** Homes in use or ready for it; with `below` those only that lack that version, with `ids` none but these. */
export async function readHomes(
  catalogue: ClientBase,
  below: string | null = null,
  ids: readonly string[] | null = null,
): Promise<Home[]> {
  const { rows } = await catalogue.query<HomeRow>(
    `select h.id, h.cluster, h.database_name as "databaseName", h.schema_name as "schemaName", h.login, h.isolation,
       h.state = 'spare' as "isSpare", h.organization_id as "organizationId", o.slug, h.version::text as version,
       k.organization_id is not null as "isCanary",
       coalesce(p.state <> 'active', false) as "isMoving",
       c.status <> 'down' as "isAnswering", c.host, c.port, c.tls, c.tls_ca as "tlsCa"
     from rowhouse.homes h
     join rowhouse.clusters c on c.id = h.cluster
     left join rowhouse.organizations o on o.id = h.organization_id
     left join rowhouse.placements p on p.organization_id = h.organization_id
     left join rowhouse.canaries k on k.organization_id = h.organization_id
     where h.state in ('spare', 'assigned') and ($1::bigint is null or h.version is null or h.version < $1::bigint)
       and ($2::uuid[] is null or h.id = any ($2::uuid[]))
     order by h.created_at, h.id`,
    [below, ids],
  )
  return rows.map(({ host, port, tls, tlsCa, ...home }) => ({ ...home, server: { host, port, tls, tlsCa } }))
}

type HomeRow = Omit<Home, 'server'> & Server

export const databaseKeyOf = ({ cluster, databaseName }: Pick<Home, 'cluster' | 'databaseName'>): string =>
  `${cluster}/${databaseName ?? ''}`

/** What people call it. */
export const nameOfHome = ({ slug, schemaName, databaseName, isolation, isSpare }: Home): string => {
  const place = isolation === 'schema' ? schemaName : (databaseName ?? 'the shared database')
  return slug === null ? `${isSpare ? 'spare ' : ''}${place}` : `${slug} (${place})`
}

/** The migrator's connection to a home's database: the catalogue's login, another place. */
export function homeConnection(
  catalogueUrl: string,
  { databaseName, server }: Pick<Home, 'databaseName' | 'server'>,
): ClientConfig {
  const url = new URL(catalogueUrl)
  if (databaseName !== null) url.pathname = `/${encodeURIComponent(databaseName)}`
  if (server.host === null) return { connectionString: url.href }
  const { host, port, tls, tlsCa } = server
  return {
    host,
    port,
    database: decodeURIComponent(url.pathname.slice(1)),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    ssl: tlsOf({ tls, tlsCa }, host),
  }
}
