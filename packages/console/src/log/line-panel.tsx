// One line of the log in full: who, when, by which request, every field before and after; and the life of its record.
import type { AuditLine, Organization } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { FieldValue } from '../activity/change-row.tsx'
import type { ActivitySearch } from '../activity/search.ts'
import { Ago, CopyId, Failure, Loading } from '../parts/parts.tsx'
import { Fact, Facts, FieldTable, SidePanel } from '../parts/side-panel.tsx'
import { formatExact } from '../words/time.ts'
import { actionNames, actorName, changesOf, recordName } from './line-words.ts'
import type { Known } from './line-words.ts'
import { lineQuery } from './queries.ts'
import { RecordLife } from './record-life.tsx'

export interface LinePanelProps {
  readonly organization: Organization
  readonly seq: string
  /** The line if the list has it; it is read otherwise. */
  readonly readLine: AuditLine | undefined
  readonly known: Known
  readonly onClose: () => void
  readonly onOpen: (seq: string) => void
  /** Shows nothing but what these choose. */
  readonly onOnly: (filter: Pick<ActivitySearch, 'table' | 'record' | 'actor'>) => void
}

export function LinePanel(props: LinePanelProps): JSX.Element {
  const { organization, seq, readLine, onClose } = props
  const read = useQuery({ ...lineQuery(organization.id, seq), enabled: readLine === undefined })
  const line = readLine ?? read.data ?? undefined
  return (
    <SidePanel
      label="Line of the log"
      title={line === undefined ? 'Line' : recordName(line)}
      id={seq}
      onClose={onClose}
    >
      {line !== undefined ? (
        <Line {...props} line={line} />
      ) : read.isError ? (
        <div className="p-5">
          <Failure error={read.error} onRetry={() => void read.refetch()} />
        </div>
      ) : read.isPending ? (
        <div className="px-5">
          <Loading label="Reading the line" />
        </div>
      ) : (
        <p className="p-5 text-ink-2">This line is not in the log; it may be older than the log is kept.</p>
      )}
    </SidePanel>
  )
}

function Line({
  organization,
  line,
  known,
  onOpen,
  onOnly,
}: LinePanelProps & { readonly line: AuditLine }): JSX.Element {
  const { seq, at, actor, action, schema, table, recordId, reason, requestId, ip } = line
  const changes = changesOf(line)
  const who = actorName(actor, known)
  return (
    <div className="px-5 pb-8">
      <p className="mt-1 text-ink-2">
        {actionNames[action]} by {who}, <Ago at={at} />
      </p>
      {changes.length > 0 && (
        <FieldTable>
          {changes.map(({ field, before, after }) => (
            <tr key={field} className="border-b border-line align-top [&>*]:py-2 [&>*]:pr-2 [&>*]:break-words">
              <th scope="row" className="code font-medium text-brick-ink">
                {field}
              </th>
              <td>{action !== 'insert' && <FieldValue value={before} isOld wraps />}</td>
              <td>{line.new !== null && <FieldValue value={after} wraps />}</td>
            </tr>
          ))}
        </FieldTable>
      )}
      <Facts>
        <Fact name="At">{formatExact(at)}</Fact>
        <Fact name="By">
          {who} <span className="text-ink-3">({actor.kind})</span>
          {actor.id !== null && (
            <>
              {' '}
              <CopyId value={actor.id} label="id of who did it" short={actor.id.length > 24} />{' '}
              <Only label={`Show only what ${who} did`} onClick={() => onOnly({ actor: actor.id ?? undefined })} />
            </>
          )}
        </Fact>
        {reason !== null && <Fact name="Reason">{reason}</Fact>}
        <Fact name="Table">
          <span className="code">
            {schema}.{table}
          </span>{' '}
          <Only label={`Show only ${table}`} onClick={() => onOnly({ table })} />
        </Fact>
        {recordId !== '' && (
          <Fact name="Record">
            <CopyId value={recordId} label="record id" />
          </Fact>
        )}
        {ip !== null && (
          <Fact name="Address">
            <CopyId value={ip} label="address" />
          </Fact>
        )}
        {requestId !== null && (
          <Fact name="Request">
            <CopyId value={requestId} label="request id" />
          </Fact>
        )}
        <Fact name="Position">
          <CopyId value={seq} label="position" />
        </Fact>
      </Facts>
      {action !== 'read' && (
        <RecordLife
          key={`${schema}.${table} ${recordId}`}
          organization={organization}
          line={line}
          known={known}
          onOpen={onOpen}
          onOnly={() => onOnly({ table, record: recordId })}
        />
      )}
    </div>
  )
}

const Only = ({ label, onClick }: { label: string; onClick: () => void }): JSX.Element => (
  <button
    type="button"
    aria-label={label}
    onClick={onClick}
    className="text-ink-2 underline decoration-line-strong underline-offset-4 hover:text-ink"
  >
    only
  </button>
)
