// One change in full, beside the feed, and the life of its record. Not a modal: the feed stays usable.
import type { ActivityItem } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { client } from '../app/api.ts'
import { Ago, CopyId, Failure, Loading, Status } from '../parts/parts.tsx'
import { Fact, Facts, FieldTable, SidePanel } from '../parts/side-panel.tsx'
import { connectorWords } from '../words/connection.ts'
import { formatExact } from '../words/time.ts'
import { FieldValue } from './change-row.tsx'
import { compareSeq } from './feed.ts'
import { actionWords, actorWords, recordWords, statusWords } from './words.ts'

const HISTORY_MAX = 20

export interface ChangePanelProps {
  readonly organizationId: string
  readonly seq: string
  /** The change if the feed has it; it is read otherwise. */
  readonly known: ActivityItem | undefined
  readonly onClose: () => void
  readonly onOpen: (seq: string) => void
  readonly onOnlyRecord: (recordId: string) => void
}

export function ChangePanel({
  organizationId,
  seq,
  known,
  onClose,
  onOpen,
  onOnlyRecord,
}: ChangePanelProps): JSX.Element {
  const read = useQuery({
    queryKey: ['organization', organizationId, 'change', seq],
    queryFn: async ({ signal }) => {
      const before = String(BigInt(seq) + 1n)
      const { items } = await client.listActivity({ params: { organizationId }, query: { before, limit: 1 }, signal })
      return items.find((item) => item.seq === seq) ?? null
    },
    enabled: known === undefined,
  })
  const item = known ?? read.data ?? undefined
  return (
    <SidePanel label="Change" title={item === undefined ? 'Change' : recordWords(item)} id={seq} onClose={onClose}>
      {item !== undefined ? (
        <Change item={item} organizationId={organizationId} onOpen={onOpen} onOnlyRecord={onOnlyRecord} />
      ) : read.isError ? (
        <div className="p-5">
          <Failure error={read.error} onRetry={() => void read.refetch()} />
        </div>
      ) : read.isPending ? (
        <div className="px-5">
          <Loading label="Reading the change" />
        </div>
      ) : (
        <p className="p-5 text-ink-2">
          This change is not in the log; it may have been there longer than the log is kept.
        </p>
      )}
    </SidePanel>
  )
}

interface ChangeProps {
  readonly item: ActivityItem
  readonly organizationId: string
  readonly onOpen: (seq: string) => void
  readonly onOnlyRecord: (recordId: string) => void
}

function Change({ item, organizationId, onOpen, onOnlyRecord }: ChangeProps): JSX.Element {
  const status = statusWords(item)
  const { name } = connectorWords(item.connector)
  return (
    <div className="px-5 pb-8">
      <p className="mt-1 text-ink-2">
        {actionWords[item.action]} {item.direction === 'inbound' ? actorWords(item) : `by ${actorWords(item)}`},{' '}
        <Ago at={item.at} />
      </p>
      <p className="mt-1">
        <Status tone={status.tone}>{status.word}</Status>
      </p>
      {item.changes.length > 0 && (
        <FieldTable>
          {item.changes.map(({ field, before, after }) => (
            <tr key={field} className="border-b border-line align-top [&>*]:py-2 [&>*]:pr-2 [&>*]:break-words">
              <th scope="row" className="code font-medium text-brick-ink">
                {field}
              </th>
              <td>
                <FieldValue value={before} isOld wraps />
              </td>
              <td>
                <FieldValue value={after} wraps />
              </td>
            </tr>
          ))}
        </FieldTable>
      )}
      <Facts>
        <Fact name="Changed at">{formatExact(item.at)}</Fact>
        {item.deliveredAt !== null && <Fact name="Delivered at">{formatExact(item.deliveredAt)}</Fact>}
        <Fact name="Table">
          <span className="code">{item.table}</span>
        </Fact>
        <Fact name="Record">
          <CopyId value={item.recordId} label="record id" />
        </Fact>
        {item.remoteId !== null && (
          <Fact name={`In ${name}`}>
            <CopyId value={item.remoteId} label={`${name} id`} />
          </Fact>
        )}
        <Fact name="Position">
          <CopyId value={item.seq} label="position" />
        </Fact>
      </Facts>
      <History item={item} organizationId={organizationId} onOpen={onOpen} onOnlyRecord={onOnlyRecord} />
    </div>
  )
}

function History({ item, organizationId, onOpen, onOnlyRecord }: ChangeProps): JSX.Element {
  const { table, recordId } = item
  const history = useQuery({
    queryKey: ['organization', organizationId, 'history', table, recordId],
    queryFn: ({ signal }) =>
      client.listActivity({ params: { organizationId }, query: { table, recordId, limit: HISTORY_MAX }, signal }),
  })
  return (
    <section className="mt-8" aria-labelledby="history">
      <div className="flex items-baseline justify-between border-b border-line pb-1.5">
        <h3 id="history" className="font-semibold">
          Life of this record
        </h3>
        <button
          type="button"
          onClick={() => onOnlyRecord(recordId)}
          className="text-xs text-ink-2 underline decoration-line-strong underline-offset-4 hover:text-ink"
        >
          Show only this record
        </button>
      </div>
      {history.isPending && <Loading label="Reading the history" />}
      {history.isError && (
        <div className="py-3">
          <Failure error={history.error} onRetry={() => void history.refetch()} />
        </div>
      )}
      <ol>
        {[...(history.data?.items ?? [])]
          .sort((a, b) => compareSeq(b.seq, a.seq))
          .map((past) => (
            <li key={past.seq} className="border-b border-line">
              <button
                type="button"
                aria-current={past.seq === item.seq}
                onClick={() => onOpen(past.seq)}
                className="grid w-full grid-cols-[80px_1fr_auto] gap-2 py-2 text-left text-xs hover:bg-sunken aria-[current=true]:font-semibold"
              >
                <span className="text-ink-3">
                  <Ago at={past.at} />
                </span>
                <span className="truncate">
                  {past.changes.length === 0
                    ? actionWords[past.action]
                    : past.changes.map(({ field }) => field).join(', ')}
                </span>
                <span className="text-ink-3">
                  {past.direction === 'inbound'
                    ? 'from the CRM'
                    : past.direction === 'outbound'
                      ? 'to the CRM'
                      : 'here'}
                </span>
              </button>
            </li>
          ))}
      </ol>
    </section>
  )
}
