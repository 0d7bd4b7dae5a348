// Which columns are which fields of one object, by which columns rows and records were matched, and what refers to what.
import type { Connection } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import { useId, useRef, useState } from 'react'
import type { JSX } from 'react'
import { may, mappingQuery, meQuery } from '../app/api.ts'
import { MappingEditor } from '../mapping/mapping-editor.tsx'
import { Button, Failure, Loading } from '../parts/parts.tsx'
import { connectorWords } from '../words/connection.ts'
import { plural } from '../words/numbers.ts'

export interface MappedFieldsProps {
  readonly connection: Pick<Connection, 'id' | 'organizationId' | 'connector' | 'state'>
  readonly object: string
}

export function MappedFields({ connection, object }: MappedFieldsProps): JSX.Element {
  const [isShown, setShown] = useState(false)
  const id = useId()
  return (
    <>
      <button
        type="button"
        aria-expanded={isShown}
        aria-controls={id}
        aria-label={`Fields of ${object}`}
        onClick={() => setShown(!isShown)}
        className="text-xs text-ink-2 underline decoration-line-strong underline-offset-4 hover:text-ink"
      >
        {isShown ? 'Hide the fields' : 'Fields'}
      </button>
      <div id={id} hidden={!isShown} className="order-last basis-full">
        {isShown && <Shown connection={connection} object={object} />}
      </div>
    </>
  )
}

function Shown({ connection, object }: MappedFieldsProps): JSX.Element {
  const { id, organizationId, connector, state } = connection
  const { data: me } = useQuery(meQuery)
  const [isEdited, setEdited] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  const { data, error, refetch } = useQuery(mappingQuery(organizationId, id))
  const { name } = connectorWords(connector)
  if (data === undefined)
    return error === null ? (
      <Loading lines={3} label="Reading the fields" />
    ) : (
      <div className="py-2">
        <Failure error={error} onRetry={() => void refetch()} />
      </div>
    )
  const mapped = data.objects.find((one) => one.object === object)
  if (mapped === undefined) return <p className="mt-1 text-xs text-ink-3">Nothing of it is synced any more.</p>
  const { fields, references, matchBy } = mapped
  // The fields of the account are for who manages all connections: reading them spends its budget.
  const canChange = may(me, organizationId, 'connections.manage')
  return (
    <div className="appear mt-1.5 text-xs">
      <table className="w-full table-fixed">
        <caption className="sr-only">
          {plural(fields.length + references.length, 'column')} of {object}
        </caption>
        <thead className="border-b border-line text-ink-3">
          <tr>
            <th scope="col" className="py-1 text-left font-normal">
              Here
            </th>
            <th scope="col" className="py-1 text-left font-normal">
              In {name}
            </th>
          </tr>
        </thead>
        <tbody>
          {fields.map(({ column, field }) => (
            <Pair key={column} column={column} remote={field} isMatched={matchBy.includes(column)} />
          ))}
          {references.map(({ column, reference }) => (
            <Pair key={column} column={column} remote={reference} isReference />
          ))}
        </tbody>
      </table>
      <p className="mt-1.5 text-ink-3">
        {matchBy.length > 0 && '* Rows and records were matched by it. '}
        {references.length > 0 && '→ It refers to another record. '}
        {canChange && state !== 'paused' && 'Pause syncing, and you can choose others.'}
      </p>
      {canChange && state === 'paused' && (
        <Button ref={opener} className="mt-2" onClick={() => setEdited(true)}>
          Choose other fields
        </Button>
      )}
      {isEdited && (
        <MappingEditor
          connection={connection}
          mapping={mapped}
          onClose={() => {
            setEdited(false)
            opener.current?.focus()
          }}
        />
      )}
    </div>
  )
}

function Pair({
  column,
  remote,
  isMatched = false,
  isReference = false,
}: {
  column: string
  remote: string
  isMatched?: boolean
  isReference?: boolean
}): JSX.Element {
  return (
    <tr className="align-baseline [&>*]:py-0.5 [&>*]:pr-2 [&>*]:text-left [&>*]:font-normal [&>*]:break-words">
      <th scope="row" className="code">
        {column}
        {isMatched && (
          <>
            <span aria-hidden="true" className="text-brick-ink">
              {' '}
              *
            </span>
            <span className="sr-only">, matched by</span>
          </>
        )}
      </th>
      <td className="code text-ink-2">
        {isReference && (
          <>
            <span aria-hidden="true" className="text-ink-3">
              →{' '}
            </span>
            <span className="sr-only">reference </span>
          </>
        )}
        {remote}
      </td>
    </tr>
  )
}
