// The rows of a mapping, the question before they hold, and the way back after.
import { isApiError } from '@rowhouse/client'
import type { Endpoints, ObjectMappingItem, ResponseOf } from '@rowhouse/contracts'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { JSX } from 'react'
import { client, connectionQuery, mappingQuery, organizationQuery, queries } from '../app/api.ts'
import { Leavable } from '../parts/opens.tsx'
import { Button, Refused } from '../parts/parts.tsx'
import { Question } from '../parts/question.tsx'
import { useTold } from '../parts/told.ts'
import { differenceOf, isSame, mappingOf, problemsOf, rowsOf } from './draft.ts'
import type { Choices, Difference, Row } from './draft.ts'
import type { Edited } from './mapping-editor.tsx'
import { MappingRow } from './mapping-row.tsx'

type Mapping = ResponseOf<Endpoints['getMapping']>

export interface MappingFormProps {
  readonly connection: Edited
  readonly before: ObjectMappingItem
  /** Of all objects, as it was read. */
  readonly all: Mapping
  readonly choices: Choices
  readonly onClose: () => void
}

/** Sets one object's mapping in place of what was; the others stay, and one that somebody else changed meanwhile is not written over. */
function useSetMapping({ id: connectionId, organizationId }: Edited) {
  return useMutation({
    mutationFn: ({ all, wanted }: { readonly all: Mapping; readonly wanted: ObjectMappingItem }) =>
      client.setMapping({
        params: { organizationId, connectionId },
        body: {
          version: all.version,
          objects: all.objects.map((one) => (one.object === wanted.object ? wanted : one)),
        },
      }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: mappingQuery(organizationId, connectionId).queryKey, exact: true })
      await Promise.all([
        queries.invalidateQueries({ queryKey: organizationQuery(organizationId).queryKey, exact: true }),
        queries.invalidateQueries({ queryKey: connectionQuery(organizationId, connectionId).queryKey, exact: true }),
      ])
    },
  })
}

export function MappingForm({ connection, before, all, choices, onClose }: MappingFormProps): JSX.Element {
  const [rows, setRows] = useState<readonly Row[]>(rowsOf(before))
  const [isAsked, setAsked] = useState(false)
  const [was, setWas] = useState<ObjectMappingItem | null>(null)
  const { form, isTold, tell } = useTold()
  const act = useSetMapping(connection)
  const back = useSetMapping(connection)
  const problems = problemsOf(rows, choices)
  const refused = refusedRow(act.error, rows)
  const after = mappingOf(before, rows)
  const difference = differenceOf(before, after)
  const change = (wanted: readonly Row[]): void => {
    act.reset()
    setRows(wanted)
  }
  const add = (kind: Row['kind']): void =>
    change([
      ...rows,
      { key: Math.max(-1, ...rows.map(({ key }) => key)) + 1, kind, column: '', remote: '', isMatched: false },
    ])
  if (was !== null)
    return (
      <Saved
        crm={choices.crm}
        back={back}
        onBack={() => back.mutate({ all, wanted: was }, { onSuccess: onClose })}
        onDone={onClose}
      />
    )
  if (isAsked)
    return (
      <Leavable onLeave={() => setAsked(false)}>
        <Question
          className="mt-5"
          title={`Sync ${before.object} by these fields?`}
          effects={effectsOf(difference, choices)}
          yes="Set the fields"
          doing="Setting…"
          no="Choose on"
          act={act}
          onYes={() =>
            act.mutate(
              { all, wanted: after },
              {
                onSuccess: () => setWas(before),
                // What it says of one row stands at that row.
                onError: (error) => (refusedRow(error, rows) === null ? undefined : setAsked(false)),
              },
            )
          }
          onNo={() => setAsked(false)}
        />
      </Leavable>
    )
  return (
    <form
      ref={form}
      noValidate
      aria-label={`Fields of ${before.object}`}
      className="mt-4"
      onSubmit={(event) => {
        event.preventDefault()
        if (problems.size > 0) tell()
        else setAsked(true)
      }}
    >
      <ul aria-label="Columns and fields" className="border-t border-line">
        {rows.map((row) => (
          <MappingRow
            key={row.key}
            row={row}
            choices={choices}
            problem={refused?.key === row.key ? refused.message : isTold ? problems.get(row.key) : undefined}
            onChange={(wanted) => change(rows.map((one) => (one.key === row.key ? wanted : one)))}
            onRemove={() => change(rows.filter(({ key }) => key !== row.key))}
          />
        ))}
      </ul>
      {rows.length === 0 && <p className="py-3 text-ink-2">No column is synced.</p>}
      <div className="mt-3 flex flex-wrap gap-2">
        <Button onClick={() => add('field')}>Add a field</Button>
        {choices.schema.references.length > 0 && <Button onClick={() => add('reference')}>Add a reference</Button>}
      </div>
      <p className="mt-3 max-w-[64ch] text-xs text-ink-3">
        Values go both ways, but for those that only {choices.crm} writes. Rows and records that are not linked yet are
        matched by the columns that say so.
      </p>
      <div className="mt-4 flex flex-wrap gap-2">
        <Button
          type="submit"
          look="primary"
          disabled={isSame(difference)}
          title={isSame(difference) ? 'Nothing is changed yet.' : undefined}
        >
          See what it does
        </Button>
        <Button onClick={onClose}>Leave them as they are</Button>
      </div>
    </form>
  )
}

/** The row that a refusal of the server names, by its column or field. */
function refusedRow(error: unknown, rows: readonly Row[]): { readonly key: number; readonly message: string } | null {
  if (!isApiError(error) || error.code !== 'mapping_invalid') return null
  const { column, field, reference } = error.details
  const row = rows.find((one) => one.column === column || one.remote === (field ?? reference))
  return row === undefined ? null : { key: row.key, message: error.message }
}

function effectsOf({ added, removed, matchedBy }: Difference, { crm }: Choices): string[] {
  return [
    ...(added.length > 0 ? [`Synced from now on: ${added.join(', ')}.`] : []),
    ...(removed.length > 0 ? [`Synced no more: ${removed.join(', ')}. Values stay on both sides as they are.`] : []),
    ...(matchedBy === null
      ? []
      : [
          matchedBy.length === 0
            ? 'Rows and records that are not linked are matched by nothing: each becomes one of its own.'
            : `Rows and records that are not linked are matched by ${matchedBy.join(', then ')}.`,
        ]),
    `Nothing happens before syncing is resumed. Then every record is read from ${crm} again and matched before anything is sent; links stay.`,
    'Right after, one click takes it back.',
  ]
}

function Saved({
  crm,
  back,
  onBack,
  onDone,
}: {
  crm: string
  back: ReturnType<typeof useSetMapping>
  onBack: () => void
  onDone: () => void
}): JSX.Element {
  return (
    <div role="status" className="mt-5 border-l-2 border-ok pl-3">
      <p className="font-medium">The fields are set.</p>
      <p className="mt-0.5 text-ink-2">Resume syncing, and every record is read from {crm} by them.</p>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button onClick={onDone}>Done</Button>
        <Button look="quiet" disabled={back.isPending} onClick={onBack}>
          {back.isPending ? 'Taking back…' : 'Take it back'}
        </Button>
      </div>
      <Refused act={back} />
    </div>
  )
}
