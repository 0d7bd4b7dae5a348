// A deleted record comes back as it last was, by whoever may write data, after it is said what that does. What it cannot bring
// back is named, and a refusal says what stands in the way.
import type { AuditLine, Organization } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import type { UseMutationResult } from '@tanstack/react-query'
import type { JSX } from 'react'
import { client, may, meQuery, queries } from '../app/api.ts'
import { Opens } from '../parts/opens.tsx'
import { Ago } from '../parts/parts.tsx'
import { Question } from '../parts/question.tsx'
import { connectorWords } from '../words/connection.ts'
import { actionNames, recordName } from './line-words.ts'
import { logKey } from './queries.ts'

export interface NotRestored {
  readonly column: string
  readonly reason: string
}

/** The act: of the record that went with this line. */
export type BringingBack = UseMutationResult<{ notRestored: NotRestored[] }, Error, AuditLine>

export function useBringBack(organizationId: string): BringingBack {
  return useMutation({
    mutationFn: ({ schema, table, recordId }: AuditLine) =>
      client.undeleteRecord({ params: { organizationId, table: `${schema}.${table}`, recordId } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: logKey(organizationId) }),
  })
}

export interface BringBackProps {
  readonly organization: Organization
  /** The last line of the record: with it the record went. */
  readonly last: AuditLine
  readonly act: BringingBack
}

export function BringBack({ organization, last, act }: BringBackProps): JSX.Element {
  const { data: me } = useQuery(meQuery)
  return (
    <div className="border-b border-line py-3">
      <p className="text-ink-2">
        {actionNames[last.action]} <Ago at={last.at} />. The log has it as it last was.
      </p>
      {may(me, organization.id, 'data.write') ? (
        <Opens
          className="mt-2"
          render={(close) => (
            <Question
              title={`Bring ${recordName(last)} back?`}
              effects={effectsOf(organization, last)}
              yes="Bring it back"
              doing="Bringing it back…"
              no="Leave it deleted"
              act={act}
              onYes={() => act.mutate(last)}
              onNo={close}
            />
          )}
        >
          Bring it back
        </Opens>
      ) : (
        <p className="mt-1 text-xs text-ink-3">Who may write data can bring it back.</p>
      )}
    </div>
  )
}

function effectsOf({ connection }: Organization, { table }: AuditLine): string[] {
  const isSynced = connection?.objects.some((object) => object.table === table) === true
  return [
    `It stands in ${table} again, with its id and the values it had.`,
    ...(isSynced ? [`${connectorWords(connection.connector).name} hears of it as of any new record.`] : []),
    'The log says that you brought it back. What was deleted with it comes back one by one.',
  ]
}

export function Back({ left }: { left: readonly NotRestored[] }): JSX.Element {
  return (
    <div role="status" className="border-b border-line py-3">
      <p className="border-l-2 border-ok pl-3 font-medium">
        {left.length === 0 ? 'It is back, as it was.' : 'It is back, without these:'}
      </p>
      {left.length > 0 && (
        <ul className="mt-1 pl-3.5 text-xs text-ink-2">
          {left.map(({ column, reason }) => (
            <li key={column}>
              <span className="code">{column}</span>: {reason}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
