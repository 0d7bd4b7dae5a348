// Is everything all right? One sentence, then every organization, live.
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useDeferredValue, useMemo, useRef } from 'react'
import type { JSX } from 'react'
import type { Organization } from '@rowhouse/contracts'
import { AlertStrip } from '../alerts/alert-strip.tsx'
import { openAlertsQuery } from '../alerts/alerts.ts'
import { meQuery } from '../app/api.ts'
import { useEvents } from '../live/events.ts'
import { Button, Empty, Failure, Loading, Status } from '../parts/parts.tsx'
import { formatCount } from '../words/numbers.ts'
import { Filters } from './filters.tsx'
import { listQuery } from './list.ts'
import { matches, sorted, summarize } from './overview.ts'
import type { Filter, Sort, Summary } from './overview.ts'
import type { OrganizationsSearch } from './search.ts'
import { OrganizationsTable } from './table.tsx'

const route = getRouteApi('/signed-in/')

export function OrganizationsPage(): JSX.Element {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { data: me } = useQuery(meQuery)
  const all = useQuery(listQuery(''))
  const alerts = useQuery(openAlertsQuery)
  const text = useDeferredValue(search.q ?? '')
  // Only where not everything fits here does the server search.
  const remote = useQuery({ ...listQuery(text), enabled: all.data?.truncated === true && text !== '' })
  const list = (all.data?.truncated === true && text !== '' ? remote.data : all.data) ?? all.data
  useEvents(undefined)
  const set = (change: OrganizationsSearch): void =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true, resetScroll: false })

  const filter: Filter = {
    text,
    group: search.show ?? null,
    isolation: search.isolation ?? null,
    plan: search.plan ?? null,
  }
  const shown = useSteadyOrder(list?.items, filter, search.sort ?? 'name')
  const plans = useMemo(() => [...new Set(list?.items.map(({ plan }) => plan))].sort(), [list])
  const summary = useMemo(
    () =>
      all.data === undefined
        ? null
        : summarize(
            all.data.items,
            all.data.complete && !all.data.truncated,
            new Set(alerts.data?.items.map(({ organizationId }) => organizationId)),
          ),
    [all.data, alerts.data],
  )

  if (all.isPending) return page(<Loading lines={8} label="Reading the organizations" />)
  if (all.isError && list === undefined)
    return page(
      <div className="py-8">
        <Failure error={all.error} onRetry={() => void all.refetch()} />
      </div>,
    )
  if (list === undefined || summary === null || all.data?.items.length === 0)
    return page(<NoOrganizations isOperator={me?.actor.kind === 'operator'} />)
  return page(
    <>
      <Headline summary={summary} onShow={(show) => set({ show })} />
      <AlertStrip />
      <Filters
        search={search}
        onChange={set}
        count={shown.length}
        total={list.items.length}
        complete={all.data?.complete === true}
        plans={plans}
      />
      {shown.length === 0 ? (
        <Empty
          title="No organization matches."
          action={
            <Button onClick={() => set({ q: undefined, show: undefined, isolation: undefined, plan: undefined })}>
              Clear the filters
            </Button>
          }
        />
      ) : (
        <OrganizationsTable
          organizations={shown}
          sort={search.sort ?? 'name'}
          onSort={(sort) => set({ sort: sort === 'name' ? undefined : sort })}
        />
      )}
      {list.truncated && (
        <p className="py-3 text-ink-3">
          These are the first {formatCount(list.items.length)} by name; the search finds the others.
        </p>
      )}
    </>,
  )
}

const page = (content: JSX.Element): JSX.Element => (
  <main className="px-4 pb-16 md:px-6">
    <title>Organizations · Rowhouse</title>
    {content}
  </main>
)

function Headline({
  summary,
  onShow,
}: {
  summary: Summary
  onShow: (show: Filter['group'] & string) => void
}): JSX.Element {
  return (
    <div className="pt-6 pb-5 md:pt-8">
      <h1 className="text-xl font-semibold tracking-[-0.01em]">{summary.headline}</h1>
      <ul className="mt-1 flex flex-wrap gap-x-4 gap-y-0.5 text-ink-2 num">
        {summary.facts.map(({ text, group }) => (
          <li key={text.replaceAll(/[\d,.]+/g, '')}>
            {group === null ? (
              text
            ) : (
              <button
                type="button"
                onClick={() => onShow(group)}
                className="underline decoration-line-strong underline-offset-4 hover:text-ink"
              >
                {group === 'attention' ? <Status tone="warn">{text}</Status> : text}
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  )
}

/**
 * Rows keep their places while their values change: the order is made anew when the reader asks for
 * another one, or when rows come and go, not when a number ticks.
 */
function useSteadyOrder(
  items: readonly Organization[] | undefined,
  filter: Filter,
  sort: Sort,
): readonly Organization[] {
  const order = useRef<{ key: string; ids: readonly string[] }>({ key: '', ids: [] })
  return useMemo(() => {
    const matching = (items ?? []).filter((organization) => matches(organization, filter))
    const byId = new Map(matching.map((organization) => [organization.id, organization]))
    const key = JSON.stringify([filter.text, filter.group, filter.isolation, filter.plan, sort])
    const isSame =
      order.current.key === key &&
      order.current.ids.length === byId.size &&
      order.current.ids.every((id) => byId.has(id))
    if (!isSame) order.current = { key, ids: sorted(matching, sort).map(({ id }) => id) }
    return order.current.ids.flatMap((id) => byId.get(id) ?? [])
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- the filter is a new object on each render; its parts are listed
  }, [items, filter.text, filter.group, filter.isolation, filter.plan, sort])
}

function NoOrganizations({ isOperator }: { isOperator: boolean }): JSX.Element {
  return isOperator ? (
    <Empty isPage title="There are no organizations yet." command={'rowhouse org create acme --name "Acme Freight"'}>
      An organization is a customer of yours: a home for its rows, its members and its CRM. Create the first one.
    </Empty>
  ) : (
    <Empty isPage title="You are not a member of any organization yet.">
      Ask an administrator of yours for an invitation, and open its link.
    </Empty>
  )
}
