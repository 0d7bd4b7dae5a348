// One row of a mapping while it is changed: the column here, which way its values go, the field there; below, what is wrong.
import { useId } from 'react'
import type { JSX } from 'react'
import { fieldLook } from '../parts/field.tsx'
import { Button } from '../parts/parts.tsx'
import { isInboundOnly } from './draft.ts'
import type { Choices, Row } from './draft.ts'

export interface MappingRowProps {
  readonly row: Row
  readonly choices: Choices
  readonly problem: string | undefined
  readonly onChange: (row: Row) => void
  readonly onRemove: () => void
}

export function MappingRow({ row, choices, problem, onChange, onRemove }: MappingRowProps): JSX.Element {
  const { kind, column, remote, isMatched } = row
  const { columns, schema, crm } = choices
  const id = useId()
  const isInbound = isInboundOnly(row, choices)
  const isReference = kind === 'reference'
  const said = problem ?? (isInbound ? `Only ${crm} writes it: it comes from there and is never sent.` : undefined)
  const tie = { 'aria-describedby': said === undefined ? undefined : id, 'aria-invalid': problem !== undefined }
  const named = column === '' ? 'a new row' : column
  const remotes = isReference
    ? schema.references.map(({ name, label, object }) => ({ name, words: `${label} (${object})` }))
    : schema.fields.map(({ name, label, kind }) => ({ name, words: `${label} (${name}, ${kind})` }))
  return (
    <li className="border-b border-line py-2.5">
      <div className="grid grid-cols-[minmax(0,1fr)_auto_minmax(0,1fr)] items-center gap-x-2 gap-y-1.5 md:grid-cols-[minmax(0,1fr)_auto_minmax(0,1.3fr)_5.5rem_auto]">
        <select
          {...tie}
          aria-label={`Column of ${named}`}
          className={`${fieldLook} code`}
          value={column}
          onChange={({ target }) => onChange({ ...row, column: target.value })}
        >
          {withChosen(
            columns.map(({ column, type }) => ({ name: column, words: `${column} (${type})` })),
            column,
            'column',
          )}
        </select>
        <span className="w-4 text-center font-mono text-brick-ink">
          <span aria-hidden="true">{isReference ? '→' : isInbound ? '←' : '↔'}</span>
          <span className="sr-only">{isReference ? 'refers to' : isInbound ? 'comes from' : 'both ways'}</span>
        </span>
        <select
          {...tie}
          aria-label={`${isReference ? 'Reference' : 'Field'} of ${named}`}
          className={fieldLook}
          value={remote}
          onChange={({ target }) => onChange({ ...row, remote: target.value })}
        >
          {withChosen(
            remotes.toSorted((a, b) => a.words.localeCompare(b.words, 'en')),
            remote,
            isReference ? 'reference' : 'field',
          )}
        </select>
        {isReference ? (
          <span className="text-xs text-ink-3 max-md:col-span-2">reference</span>
        ) : (
          <label className="flex items-center gap-1.5 text-xs text-ink-2 max-md:col-span-2">
            <input
              type="checkbox"
              className="accent-brick"
              aria-label={`Match by ${named}`}
              checked={isMatched}
              onChange={({ target }) => onChange({ ...row, isMatched: target.checked })}
            />
            match by
          </label>
        )}
        <Button look="quiet" className="justify-self-end" aria-label={`Take out ${named}`} onClick={onRemove}>
          Take out
        </Button>
      </div>
      {said !== undefined && (
        <p id={id} className={`mt-1 text-xs ${problem === undefined ? 'text-ink-3' : 'text-bad'}`}>
          {said}
        </p>
      )}
    </li>
  )
}

/** What was chosen before and is not there any more stays to be seen. */
function withChosen(
  options: readonly { readonly name: string; readonly words: string }[],
  chosen: string,
  what: string,
): JSX.Element[] {
  const isKnown = chosen === '' || options.some(({ name }) => name === chosen)
  return [
    ...(chosen === '' ? [{ name: '', words: `Choose a ${what}` }] : []),
    ...(isKnown ? [] : [{ name: chosen, words: `${chosen} (gone)` }]),
    ...options,
  ].map(({ name, words }) => (
    <option key={name} value={name}>
      {words}
    </option>
  ))
}
