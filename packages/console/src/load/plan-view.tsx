// What an organization may have: its plan, the limits that hold with it, and those of its own.
import type { Organization, OrganizationLimits, Plan } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import type { JSX } from 'react'
import { client, queries } from '../app/api.ts'
import { fieldLook } from '../parts/field.tsx'
import { Leavable, Opens } from '../parts/opens.tsx'
import { Button, Failure, Loading, Refused } from '../parts/parts.tsx'
import { Question } from '../parts/question.tsx'
import { useTold } from '../parts/told.ts'
import { LimitFields } from '../plans/limit-fields.tsx'
import { LimitTable } from '../plans/limit-table.tsx'
import { changesOf, formatLimit, readLimits, textsOf } from '../plans/limits.ts'
import { limitsQuery, plansQuery, rereadAfterPlan } from '../plans/queries.ts'
import { isolationWords } from '../words/connection.ts'
import { Section } from './section.tsx'

export function PlanView({ organization }: { organization: Organization }): JSX.Element {
  const limits = useQuery(limitsQuery(organization.id))
  const plans = useQuery(plansQuery)
  const failed = limits.data === undefined ? limits : plans
  return (
    <Section title="Plan and limits">
      {limits.data !== undefined && plans.data !== undefined ? (
        <Loaded organization={organization} limits={limits.data} plans={plans.data} />
      ) : failed.error === null ? (
        <Loading lines={4} label="Reading the limits" />
      ) : (
        <Failure error={failed.error} onRetry={() => void failed.refetch()} />
      )}
    </Section>
  )
}

interface LoadedProps {
  readonly organization: Organization
  readonly limits: OrganizationLimits
  readonly plans: readonly Plan[]
}

function Loaded({ organization, limits, plans }: LoadedProps): JSX.Element {
  return (
    <>
      <PlanControl organization={organization} plans={plans} />
      <LimitTable limits={limits} hasHome={organization.isolation !== 'shared'} />
      <p className="mt-2 max-w-[80ch] text-xs text-ink-3">
        What goes beyond a limit waits, or is refused; other organizations notice nothing.{' '}
        <span className="code">rowhouse org limit {organization.slug}</span> says the same.
      </p>
      <Opens
        className="mt-3"
        render={(close) => (
          <OwnLimits
            organization={organization}
            limits={limits}
            plan={plans.find(({ id }) => id === organization.plan)}
            onDone={close}
          />
        )}
      >
        Set limits of its own
      </Opens>
    </>
  )
}

function PlanControl({ organization, plans }: Omit<LoadedProps, 'limits'>): JSX.Element {
  const { id: organizationId, plan } = organization
  const [asked, setAsked] = useState<Plan | null>(null)
  const id = useId()
  const act = useMutation({
    mutationFn: (wanted: Plan) => client.setOrganizationPlan({ params: { organizationId }, body: { plan: wanted.id } }),
    onSuccess: async () => {
      await rereadAfterPlan()
      setAsked(null)
    },
  })
  const ask = (wanted: Plan | null): void => {
    act.reset()
    setAsked(wanted)
  }
  return (
    <Leavable onLeave={() => ask(null)}>
      <>
        <p className="flex items-center gap-3">
          <label htmlFor={id} className="text-ink-2">
            Plan
          </label>
          <select
            id={id}
            className={`${fieldLook} max-w-64`}
            value={asked?.id ?? plan}
            disabled={act.isPending}
            onChange={({ target }) =>
              ask(target.value === plan ? null : (plans.find(({ id }) => id === target.value) ?? null))
            }
          >
            {plans.map(({ id, name }) => (
              <option key={id} value={id}>
                {name === id ? id : `${name} (${id})`}
              </option>
            ))}
          </select>
        </p>
        {asked !== null && (
          <Question
            takesFocus={false}
            title={`Change the plan from ${plan} to ${asked.id}?`}
            effects={effectsOf(organization, asked)}
            yes="Change the plan"
            doing="Changing…"
            no="Leave it as it is"
            act={act}
            onYes={() => act.mutate(asked)}
            onNo={() => ask(null)}
          />
        )}
      </>
    </Leavable>
  )
}

function effectsOf({ isolation }: Organization, wanted: Plan): string[] {
  const place = [
    ...(wanted.isolation === isolation ? [] : [isolationWords[wanted.isolation].meaning.toLowerCase()]),
    ...(wanted.region === null ? [] : [`region ${wanted.region}`]),
    ...(wanted.cluster === null ? [] : [`cluster ${wanted.cluster}`]),
  ]
  return [
    'The limits of the plan hold within about a second, where it has none of its own.',
    place.length === 0
      ? 'It stays where it lives.'
      : `The plan asks for: ${place.join(', ')}. That is noted where it is not so; nothing is moved by this.`,
  ]
}

function OwnLimits({
  organization: { id: organizationId, slug },
  limits,
  plan,
  onDone,
}: {
  organization: Organization
  limits: OrganizationLimits
  plan: Plan | undefined
  onDone: () => void
}): JSX.Element {
  const [texts, setTexts] = useState(textsOf(limits.own))
  const { form, isTold, tell } = useTold()
  const read = readLimits(texts)
  const changes = changesOf(limits.own, read.limits)
  const act = useMutation({
    mutationFn: () => client.setOrganizationLimits({ params: { organizationId }, body: changes }),
    onSuccess: (changed) => {
      queries.setQueryData(limitsQuery(organizationId).queryKey, changed)
      onDone()
    },
  })
  const isWrong = Object.keys(read.problems).length > 0
  const isSame = !isWrong && Object.keys(changes).length === 0
  return (
    <form
      ref={form}
      noValidate
      aria-label={`Limits of ${slug}`}
      className="mt-3 border-l-2 border-brick pl-3"
      onSubmit={(event) => {
        event.preventDefault()
        if (isWrong) tell()
        else act.mutate()
      }}
    >
      <p className="mb-3 max-w-[72ch] text-ink-2">
        They go before those of its plan and hold within about a second. What is left empty is as the plan says.
      </p>
      <LimitFields
        texts={texts}
        problems={isTold ? read.problems : {}}
        otherwise={(name) => (plan === undefined ? 'as its plan says' : formatLimit(name, plan[name]))}
        onChange={setTexts}
      />
      <div className="mt-4 flex flex-wrap gap-2">
        <Button
          type="submit"
          look="primary"
          disabled={act.isPending || isSame}
          title={isSame ? 'Nothing is changed yet.' : undefined}
        >
          {act.isPending ? 'Setting…' : 'Set the limits'}
        </Button>
        <Button onClick={onDone}>Leave them as they are</Button>
      </div>
      <Refused act={act} />
    </form>
  )
}
