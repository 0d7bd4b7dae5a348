// The line above the list: search, state and isolation, each kept in the URL.
import { isolationModel } from '@rowhouse/contracts'
import { useRef } from 'react'
import type { JSX } from 'react'
import { useKeys } from '../app/keys.ts'
import { Key } from '../parts/parts.tsx'
import { isolationWords } from '../words/connection.ts'
import { formatCount } from '../words/numbers.ts'
import { groupWords, groups } from './overview.ts'
import type { OrganizationsSearch } from './search.ts'

const control = 'h-8 rounded-md border border-line-strong bg-raised px-2.5 text-ink'

export interface FiltersProps {
  readonly search: OrganizationsSearch
  readonly onChange: (change: OrganizationsSearch) => void
  readonly count: number
  readonly total: number
  readonly complete: boolean
  /** Ids of those that organizations have. */
  readonly plans: readonly string[]
}

export function Filters({ search, onChange, count, total, complete, plans }: FiltersProps): JSX.Element {
  const field = useRef<HTMLInputElement>(null)
  useKeys({ '/': () => field.current?.focus() })
  return (
    <search className="flex flex-wrap items-center gap-2 pb-3">
      <span className="relative max-md:w-full">
        <input
          ref={field}
          type="search"
          aria-label="Search organizations by name or slug"
          placeholder="Name or slug"
          value={search.q ?? ''}
          onChange={(event) => onChange({ q: event.target.value === '' ? undefined : event.target.value })}
          onKeyDown={(event) => event.key === 'Escape' && field.current?.blur()}
          className={`${control} w-full pr-8 md:w-64`}
        />
        {search.q === undefined && (
          <span className="pointer-events-none absolute top-1 right-2 max-md:hidden">
            <Key>/</Key>
          </span>
        )}
      </span>
      <select
        aria-label="State"
        className={control}
        value={search.show ?? ''}
        onChange={(event) => onChange({ show: groups.find((group) => group === event.target.value) })}
      >
        <option value="">Any state</option>
        {groups.map((group) => (
          <option key={group} value={group}>
            {groupWords[group]}
          </option>
        ))}
      </select>
      <select
        aria-label="Isolation"
        className={control}
        value={search.isolation ?? ''}
        onChange={(event) =>
          onChange({ isolation: isolationModel.options.find((model) => model === event.target.value) })
        }
      >
        <option value="">Any isolation</option>
        {isolationModel.options.map((model) => (
          <option key={model} value={model}>
            {isolationWords[model].word}
          </option>
        ))}
      </select>
      <select
        aria-label="Plan"
        className={control}
        value={search.plan ?? ''}
        onChange={(event) => onChange({ plan: event.target.value || undefined })}
      >
        <option value="">Any plan</option>
        {[...new Set([...plans, ...(search.plan === undefined ? [] : [search.plan])])].map((plan) => (
          <option key={plan}>{plan}</option>
        ))}
      </select>
      <p role="status" className="num text-ink-3 md:ml-auto">
        {count === total ? formatCount(total) : `${formatCount(count)} of ${formatCount(total)}`}
        {complete ? '' : ', reading on…'}
      </p>
      <p className="flex items-center gap-1.5 text-xs text-ink-3 max-md:hidden">
        <Key>j</Key>
        <Key>k</Key> move <Key>↵</Key> open
      </p>
    </search>
  )
}
