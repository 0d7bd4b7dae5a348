// Does every home have the last migration? How many have which, what ran and how far it is, and the way to begin.
import type { Rollout } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { ROLLOUTS_MAX, meQuery, queries, rolloutsQuery } from '../app/api.ts'
import { useEvents } from '../live/events.ts'
import { Empty, Failure, Loading } from '../parts/parts.tsx'
import { formatCount, percentOf, plural } from '../words/numbers.ts'
import { OneRollout } from './one-rollout.tsx'
import { StartControl } from './start-control.tsx'
import { formatVersion } from './words.ts'

export function RolloutsPage(): JSX.Element {
  const { data: me } = useQuery(meQuery)
  const isOperator = me?.actor.kind === 'operator'
  const { data, error, isPending, refetch } = useQuery({ ...rolloutsQuery, enabled: isOperator })
  useEvents(undefined, (events) => {
    for (const event of events) if (event.type === 'rollout') patch(event.rollout)
  })
  if (me !== undefined && !isOperator)
    return page(
      <Empty isPage title="Only operators see this.">
        Migrations change the tables of every organization. Sign in with the operator key to see how far they are.
      </Empty>,
    )
  if (isPending) return page(<Loading lines={6} label="Reading the rollouts" />)
  if (data === undefined)
    return page(
      <div className="py-8">
        <h1 className="sr-only">Rollouts</h1>
        <Failure error={error} onRetry={() => void refetch()} />
      </div>,
    )
  return page(<Loaded items={data.items} versions={data.versions} />)
}

const page = (content: JSX.Element): JSX.Element => (
  <main className="px-4 pb-16 md:px-6">
    <title>Rollouts · Rowhouse</title>
    {content}
  </main>
)

/** A rollout that ended has left other versions behind, and a new one is not in the list yet. */
function patch(changed: Rollout): void {
  const known = queries.getQueryData(rolloutsQuery.queryKey)
  const isKnown = known?.items.some(({ id, state }) => id === changed.id && state === changed.state) === true
  queries.setQueryData(rolloutsQuery.queryKey, (old) =>
    old === undefined ? old : { ...old, items: old.items.map((one) => (one.id === changed.id ? changed : one)) },
  )
  if (!isKnown) void queries.invalidateQueries({ queryKey: rolloutsQuery.queryKey })
}

type Version = { readonly version: string | null; readonly homes: number }

function Loaded({ items, versions }: { items: readonly Rollout[]; versions: readonly Version[] }): JSX.Element {
  const homes = versions.reduce((sum, { homes: count }) => sum + count, 0)
  const newest = versions.at(-1)?.version ?? null
  const behind = homes - (versions.at(-1)?.homes ?? 0)
  const verdict =
    newest === null
      ? `${plural(homes, 'home')}, and nothing was rolled out yet.`
      : behind === 0
        ? `${homes === 1 ? 'The one home has' : `All ${formatCount(homes)} homes have`} the same tables.`
        : `${formatCount(behind)} of ${plural(homes, 'home')} ${behind === 1 ? 'is' : 'are'} behind.`
  const [last] = items
  return (
    <>
      <div className="pt-6 pb-5 md:pt-8">
        <h1 className="text-xl font-semibold tracking-[-0.01em]">{verdict}</h1>
        <Versions versions={versions} homes={homes} />
        <div className="mt-4">
          <StartControl isRunning={last?.state === 'running'} />
        </div>
      </div>
      <section className="border-t border-line">
        {items.length === 0 ? (
          <Empty title="No rollout yet." command="rowhouse migrate new create_invoices">
            A migration is written once and runs in every home: canaries first, then growing shares, and what many share
            last.
          </Empty>
        ) : (
          <>
            <h2 className="py-4 font-semibold">Rollouts</h2>
            <ul aria-label="Rollouts, newest first">
              {items.map((rollout, index) => (
                <OneRollout key={rollout.id} rollout={rollout} isLast={index === 0} />
              ))}
            </ul>
          </>
        )}
        {items.length === ROLLOUTS_MAX && (
          <p className="border-t border-line py-3 text-xs text-ink-3">These are the last {ROLLOUTS_MAX}.</p>
        )}
      </section>
    </>
  )
}

function Versions({ versions, homes }: { versions: readonly Version[]; homes: number }): JSX.Element {
  return (
    <dl className="mt-3 max-w-xl space-y-1.5">
      {versions.map(({ version, homes: count }) => (
        <div key={version ?? ''} className="flex items-center gap-3">
          <dt className="code w-44 shrink-0">{version === null ? 'none' : formatVersion(version)}</dt>
          <dd className="flex grow items-center gap-3">
            <span aria-hidden="true" className="block h-1 grow overflow-hidden rounded-full bg-line">
              <span className="block h-full rounded-full bg-ink-2" style={{ width: `${percentOf(count, homes)}%` }} />
            </span>
            <span className="num w-20 shrink-0 text-right text-xs text-ink-3">{plural(count, 'home')}</span>
          </dd>
        </div>
      ))}
    </dl>
  )
}
