// By what the log is narrowed: table, record, who, what, when. Each is in the URL; texts go there when one has done typing.
import { useEffect, useId, useState } from 'react'
import type { JSX } from 'react'
import { logActions } from '../activity/search.ts'
import type { ActivitySearch } from '../activity/search.ts'
import { shortActionNames } from './line-words.ts'
import type { Known } from './line-words.ts'
import { fromField, toField } from './local-moment.ts'

const control = 'h-8 w-full min-w-0 rounded-md border border-line-strong bg-raised px-2 text-xs text-ink'

export interface LogFiltersProps {
  readonly search: ActivitySearch
  readonly onSearch: (change: ActivitySearch) => void
  readonly tables: readonly string[]
  readonly known: Known
}

export function LogFilters({ search, onSearch, tables, known }: LogFiltersProps): JSX.Element {
  const { table, record, actor, action, from, to } = search
  const people = [...known.people]
  const actors = [...people.map(([, name]) => name), ...[...known.connections].map(([, connector]) => connector)]
  /** A person by the name, a connection by its connector; anything else is an id, or the name of a service. */
  const idOf = (text: string): string =>
    [...people, ...known.connections].find(([, name]) => name.toLowerCase() === text.toLowerCase())?.[0] ?? text
  const nameOf = (id: string | undefined): string =>
    id === undefined ? '' : (known.people.get(id) ?? known.connections.get(id) ?? id)
  return (
    <search className="grid grid-cols-2 gap-2 py-3 sm:grid-cols-3 xl:grid-cols-6">
      <TextFilter label="Table" value={table ?? ''} choices={tables} onSet={(value) => onSearch({ table: value })} />
      <TextFilter label="Record id" value={record ?? ''} onSet={(value) => onSearch({ record: value })} />
      <TextFilter
        label="Who"
        value={nameOf(actor)}
        choices={actors}
        onSet={(value) => onSearch({ actor: value === undefined ? undefined : idOf(value) })}
      />
      <Labelled label="What">
        {(id) => (
          <select
            id={id}
            className={control}
            value={action ?? ''}
            onChange={({ target }) => onSearch({ action: logActions.find((one) => one === target.value) })}
          >
            <option value="">Anything</option>
            {logActions.map((one) => (
              <option key={one} value={one}>
                {shortActionNames[one]}
              </option>
            ))}
          </select>
        )}
      </Labelled>
      <Moment label="From" value={from} onSet={(value) => onSearch({ from: value })} />
      <Moment label="Before" value={to} onSet={(value) => onSearch({ to: value })} />
    </search>
  )
}

function Labelled({ label, children }: { label: string; children: (id: string) => JSX.Element }): JSX.Element {
  const id = useId()
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-0.5 block text-2xs text-ink-3">
        {label}
      </label>
      {children(id)}
    </div>
  )
}

const noChoices: readonly string[] = []

function TextFilter({
  label,
  value,
  choices = noChoices,
  onSet,
}: {
  label: string
  value: string
  choices?: readonly string[]
  onSet: (value: string | undefined) => void
}): JSX.Element {
  const [text, setText] = useState(value)
  const listId = useId()
  // Another one may be chosen beside the list, or by the URL.
  useEffect(() => setText(value), [value])
  const set = (wanted: string): void => {
    if (wanted.trim() !== value) onSet(wanted.trim() || undefined)
  }
  return (
    <Labelled label={label}>
      {(id) => (
        <>
          <input
            id={id}
            {...(choices.length > 0 && { list: listId })}
            className={control}
            placeholder="any"
            autoComplete="off"
            spellCheck={false}
            maxLength={200}
            value={text}
            onChange={({ target }) => {
              setText(target.value)
              if (target.value === '' || choices.includes(target.value)) set(target.value)
            }}
            onBlur={() => set(text)}
            onKeyDown={({ key }) => (key === 'Enter' ? set(text) : undefined)}
          />
          {choices.length > 0 && (
            <datalist id={listId}>
              {choices.map((choice) => (
                <option key={choice}>{choice}</option>
              ))}
            </datalist>
          )}
        </>
      )}
    </Labelled>
  )
}

function Moment({
  label,
  value,
  onSet,
}: {
  label: string
  value: string | undefined
  onSet: (value: string | undefined) => void
}): JSX.Element {
  return (
    <Labelled label={label}>
      {(id) => (
        <input
          id={id}
          type="datetime-local"
          className={control}
          value={toField(value)}
          onChange={({ target }) => onSet(fromField(target.value))}
        />
      )}
    </Labelled>
  )
}
