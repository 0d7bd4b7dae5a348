// GET …/audit-log/export: the audit log as a file, read page by page as the caller takes it. No page is read before the one
// before it has left, no transaction is open in between, and who may no longer read gets no further page. That it was exported,
// and by whom, is in the control plane's log.
import { RowhouseError, auditExportQuery } from '@rowhouse/contracts'
import type { AuditExportQuery, AuditLine } from '@rowhouse/contracts'
import { enterAs, requireAccess, withoutOracle } from '../auth/access.ts'
import { identify } from '../auth/identify.ts'
import { beginAudit, settleAudit } from '../catalogue/audit.ts'
import type { Actor, Services } from '../context.ts'
import { failedEvent } from '../log/log.ts'
import type { Guards, Incoming } from '../http/pipeline.ts'
import { readQuery, validate } from '../http/validate.ts'
import { auditFiles } from './audit-file.ts'
import { readAuditLines } from './read-audit-lines.ts'

/** As many as the list gives at most: a line may hold a megabyte. */
const PAGE_LINES = 200
const access = { access: { permission: 'activity.read' } } as const
const encoder = new TextEncoder()

/** @throws RowhouseError unauthenticated, organization_not_found, permission_denied, validation_failed; later ones cut the answer off */
export async function exportAuditLog(
  services: Services,
  { request, params, requestId, ip }: Incoming,
  guards: Guards,
  onActor: (actor: Actor) => void,
): Promise<Response> {
  const trace = { requestId, ip }
  const organizationId = (params['organizationId'] ?? '').toLowerCase()
  const { actor } = await identify(services, request.headers, ip ?? 'unknown')
  onActor(actor)
  const allow = async (): Promise<void> =>
    guards.access ? requireAccess(services.rowhouse, access, actor, organizationId, trace) : undefined
  await allow()
  const { format, ...filter } = validate(auditExportQuery, readQuery(new URL(request.url)), 'query') as AuditExportQuery
  const organization = enterAs(services.rowhouse, actor, organizationId, trace)
  const readPage = (before: string | undefined): Promise<AuditLine[]> =>
    readAuditLines(organization, { ...filter, before, limit: PAGE_LINES })

  const entry = await beginAudit(services.catalogue, {
    actorKind: actor.kind,
    actorId: actor.kind === 'user' ? actor.userId : null,
    action: 'audit_log.export',
    organizationId,
    target: filter.table ?? null,
    requestId,
    ip,
  })
  const settle = (outcome: string): Promise<void> => settleAudit(services.catalogue, entry, outcome)
  const failed = async (error: unknown): Promise<unknown> => {
    await settle(error instanceof RowhouseError ? error.code : 'internal')
    return withoutOracle(error, organizationId)
  }
  try {
    const slug = await slugOf(services, organizationId)
    // Read before anything is answered: what is refused then is an error with a code, and no file that is cut off.
    const first = await readPage(undefined)
    const { contentType, head, text } = auditFiles[format]
    const more = async (before: string | undefined): Promise<AuditLine[]> => {
      await allow()
      return readPage(before)
    }
    const body = bodyOf({
      head,
      text,
      first,
      more,
      onEnd: () => settle('done'),
      async onFailure(error) {
        // It was answered with 200 already: the log is where it is told.
        services.log(failedEvent('exportAuditLog', error, requestId))
        return failed(error)
      },
    })
    return new Response(body, {
      headers: {
        'content-type': contentType,
        'content-disposition': `attachment; filename="${slug}-change-log.${format}"`,
        'cache-control': 'no-store',
      },
    })
  } catch (error) {
    throw await failed(error)
  }
}

interface Pages {
  readonly head: string
  readonly text: (line: AuditLine) => string
  readonly first: readonly AuditLine[]
  readonly more: (before: string | undefined) => Promise<readonly AuditLine[]>
  readonly onEnd: () => Promise<void>
  /** @returns what the stream breaks off with */
  readonly onFailure: (error: unknown) => Promise<unknown>
}

/** Ends because positions only fall. A reader who goes away leaves the entry of the log without an outcome: it was begun. */
function bodyOf({ head, text, first, more, onEnd, onFailure }: Pages): ReadableStream<Uint8Array> {
  let page: readonly AuditLine[] | null = first
  let before: string | undefined
  return new ReadableStream<Uint8Array>({
    start: (controller) => (head === '' ? undefined : controller.enqueue(encoder.encode(head))),
    async pull(controller) {
      try {
        const lines = page ?? (await more(before))
        page = null
        before = lines.at(-1)?.seq
        if (lines.length > 0) controller.enqueue(encoder.encode(lines.map(text).join('')))
        if (lines.length === PAGE_LINES) return
        await onEnd()
        controller.close()
      } catch (error) {
        controller.error(await onFailure(error))
      }
    },
  })
}

async function slugOf({ catalogue }: Services, organizationId: string): Promise<string> {
  const rows = await catalogue.query<{ slug: string }>('select slug from rowhouse.organizations where id = $1', [
    organizationId,
  ])
  return rows[0]?.slug ?? organizationId
}
