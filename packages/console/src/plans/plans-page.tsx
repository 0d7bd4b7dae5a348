// What may organizations have, and where do they live? Plan by plan, with who has it.
import type { Plan } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { JSX } from 'react'
import { meQuery } from '../app/api.ts'
import { useEvents } from '../live/events.ts'
import { HouseMark } from '../parts/marks.tsx'
import { Opens } from '../parts/opens.tsx'
import { CopyId, Empty, Failure, Loading } from '../parts/parts.tsx'
import { isolationWords } from '../words/connection.ts'
import { formatCount, plural } from '../words/numbers.ts'
import { boundsOf } from './limits.ts'
import { PlanForm } from './plan-form.tsx'
import { plansQuery } from './queries.ts'

export function PlansPage(): JSX.Element {
  const { data: me } = useQuery(meQuery)
  const isOperator = me?.actor.kind === 'operator'
  const { data, error, isPending, refetch } = useQuery({ ...plansQuery, enabled: isOperator })
  useEvents(undefined)
  if (me !== undefined && !isOperator)
    return page(
      <Empty isPage title="Only operators see this.">
        Plans say where organizations of all customers live and what they may use. Sign in with the operator key to see
        them.
      </Empty>,
    )
  if (isPending) return page(<Loading lines={6} label="Reading the plans" />)
  if (data === undefined)
    return page(
      <div className="py-8">
        <h1 className="sr-only">Plans</h1>
        <Failure error={error} onRetry={() => void refetch()} />
      </div>,
    )
  const ids = data.map(({ id }) => id)
  const organizations = data.reduce((sum, { organizations: count }) => sum + count, 0)
  return page(
    <>
      <div className="pt-6 pb-5 md:pt-8">
        <h1 className="text-xl font-semibold tracking-[-0.01em]">
          {plural(data.length, 'plan')} for {plural(organizations, 'organization')}.
        </h1>
        <p className="mt-1 max-w-[88ch] text-ink-2">
          A plan says where its organizations live and what each of them may use. One that needs more, or less, has
          limits of its own, on its page under Load.
        </p>
        <Opens look="primary" className="mt-4" render={(close) => <PlanForm plan={null} taken={ids} onDone={close} />}>
          Make a plan
        </Opens>
      </div>
      <ul aria-label="Plans" className="border-t border-line">
        {data.map((plan) => (
          <OnePlan key={plan.id} plan={plan} taken={ids} />
        ))}
      </ul>
    </>,
  )
}

const page = (content: JSX.Element): JSX.Element => (
  <main className="px-4 pb-16 md:px-6">
    <title>Plans · Rowhouse</title>
    {content}
  </main>
)

function OnePlan({ plan, taken }: { plan: Plan; taken: readonly string[] }): JSX.Element {
  const { id, name, isolation, region, cluster, ownKey, organizations } = plan
  const place = [
    isolationWords[isolation].meaning,
    region === null ? 'any region' : `region ${region}`,
    ...(cluster === null ? [] : [`cluster ${cluster}`]),
    ...(ownKey ? ['a key of its own'] : []),
  ].join(', ')
  return (
    <li className="border-b border-line py-3">
      <div className="grid grid-cols-[24px_minmax(0,1fr)_auto_auto] gap-x-3">
        <span className="pt-0.5">
          <HouseMark isolation={isolation} />
        </span>
        <div className="min-w-0">
          <p className="flex flex-wrap items-baseline gap-x-3">
            <span className="min-w-0 font-medium break-words">{name}</span>
            {name !== id && <CopyId value={id} label="plan id" />}
          </p>
          <p className="mt-0.5 break-words text-ink-2">{place}</p>
          <p className="num mt-0.5 text-xs text-ink-3">{boundsOf(plan)}.</p>
        </div>
        <p className="num text-right">
          {organizations === 0 ? (
            <span className="text-ink-3">nobody</span>
          ) : (
            <Link
              to="/"
              search={{ plan: id }}
              className="underline decoration-line-strong underline-offset-4 hover:decoration-ink-3"
            >
              {formatCount(organizations)}
              <span className="max-md:sr-only"> {organizations === 1 ? 'organization' : 'organizations'}</span>
            </Link>
          )}
        </p>
        {/* The form that it becomes takes the line below. */}
        <div className="has-[form]:col-span-full has-[form]:row-start-2">
          <Opens
            look="quiet"
            className="-my-1.5 -mr-3"
            aria-label={`Change ${name}`}
            render={(close) => <PlanForm plan={plan} taken={taken} onDone={close} />}
          >
            Change
          </Opens>
        </div>
      </div>
    </li>
  )
}
