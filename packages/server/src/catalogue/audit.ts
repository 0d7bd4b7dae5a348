// The control plane's audit log. The entry is written before the act and fails it when it cannot be
// written: nothing is done unrecorded.
import type { Catalogue } from './catalogue.ts'

export interface AuditEntry {
  readonly actorKind: 'operator' | 'user' | 'anonymous'
  readonly actorId: string | null
  readonly action: string
  readonly organizationId: string | null
  readonly target: string | null
  readonly requestId: string
  readonly ip: string | null
}

/** @returns the entry's id, for `settleAudit` */
export async function beginAudit(catalogue: Catalogue, entry: AuditEntry): Promise<string> {
  const rows = await catalogue.query<{ id: string }>(
    `insert into rowhouse.control_audit (actor_kind, actor_id, action, organization_id, target, request_id, ip)
    values ($1, $2, $3, $4, $5, $6, $7)
    returning id::text`,
    [entry.actorKind, entry.actorId, entry.action, entry.organizationId, entry.target, entry.requestId, entry.ip],
  )
  return rows[0]?.id ?? ''
}

/** @param outcome 'done' or the code of the refusal */
export async function settleAudit(catalogue: Catalogue, id: string, outcome: string): Promise<void> {
  await catalogue.query('update rowhouse.control_audit set outcome = $2 where id = $1 and outcome is null', [
    id,
    outcome,
  ])
}
