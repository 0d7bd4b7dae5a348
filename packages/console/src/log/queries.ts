// The log as it is asked for: lines by filter, page by page; one line; a record's life. And where its file is.
import { auditExportPath } from '@rowhouse/contracts'
import type { AuditExportFormat, AuditLine } from '@rowhouse/contracts'
import { infiniteQueryOptions, queryOptions, useQuery } from '@tanstack/react-query'
import type { ActivitySearch } from '../activity/search.ts'
import { client, may, meQuery, membersQuery } from '../app/api.ts'
import type { Known } from './line-words.ts'

export const PAGE_LINES = 50

/** All that is read of an organization's log; reread when a record comes back. */
export const logKey = (organizationId: string): string[] => ['organization', organizationId, 'log']

export type LogFilter = Pick<ActivitySearch, 'table' | 'record' | 'actor' | 'action' | 'from' | 'to'>

/** As the API names them; what is not set is left out. */
function asQuery({ table, record, actor, action, from, to }: LogFilter): Record<string, string> {
  const named = { table, recordId: record, actor, action, from, to }
  return Object.fromEntries(Object.entries(named).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

export const logQuery = (organizationId: string, filter: LogFilter) =>
  infiniteQueryOptions({
    queryKey: [...logKey(organizationId), 'lines', asQuery(filter)],
    queryFn: ({ pageParam, signal }) =>
      client.listAuditLog({
        params: { organizationId },
        query: { ...asQuery(filter), limit: PAGE_LINES, ...(pageParam !== null && { before: pageParam }) },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
  })

export const lineQuery = (organizationId: string, seq: string) =>
  queryOptions({
    queryKey: [...logKey(organizationId), 'line', seq],
    queryFn: async ({ signal }): Promise<AuditLine | null> => {
      const before = String(BigInt(seq) + 1n)
      const { items } = await client.listAuditLog({ params: { organizationId }, query: { before, limit: 1 }, signal })
      return items.find((item) => item.seq === seq) ?? null
    },
  })

export const lifeQuery = (organizationId: string, table: string, recordId: string) =>
  queryOptions({
    queryKey: [...logKey(organizationId), 'life', table, recordId],
    queryFn: ({ signal }) => client.getRecordHistory({ params: { organizationId, table, recordId }, signal }),
  })

/** Where the browser gets the file: the session's cookie signs the request. */
export function exportUrl(organizationId: string, filter: LogFilter, format: AuditExportFormat): string {
  const path = auditExportPath.replace(':organizationId', organizationId)
  return `${path}?${new URLSearchParams({ format, ...asQuery(filter) }).toString()}`
}

/** Names of who may act, as far as the reader may know them. */
export function useKnown(
  organizationId: string,
  connection: { readonly id: string; readonly connector: string } | null,
): Known {
  const { data: me } = useQuery(meQuery)
  const canSee = may(me, organizationId, 'members.read')
  const { data } = useQuery({ ...membersQuery(organizationId), enabled: canSee })
  return {
    people: new Map(data?.items.map(({ userId, name, email }) => [userId, name ?? email ?? userId])),
    connections: new Map(connection === null ? [] : [[connection.id, connection.connector]]),
  }
}
