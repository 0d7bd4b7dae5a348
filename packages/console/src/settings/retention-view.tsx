// How long the log is kept, and by whose choice. Whoever may manage the organization makes another one; what that drops is
// counted and said before it holds.
import type { Organization, Retention } from '@rowhouse/contracts'
import { RETENTION_DAYS_MAX, RETENTION_DAYS_MIN } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import type { JSX } from 'react'
import { client, may, meQuery, queries } from '../app/api.ts'
import { Section } from '../load/section.tsx'
import { Field, fieldLook } from '../parts/field.tsx'
import { Leavable, Opens } from '../parts/opens.tsx'
import { Button, Failure, Loading } from '../parts/parts.tsx'
import { useTold } from '../parts/told.ts'
import { formatCount } from '../words/numbers.ts'
import { RetentionQuestion } from './retention-question.tsx'
import { choiceOf, keptWords, readChoice, retentionQuery } from './retention.ts'
import type { Choice, Wanted } from './retention.ts'

export function RetentionView({ organization }: { organization: Organization }): JSX.Element {
  const { id: organizationId, plan, slug } = organization
  const { data: me } = useQuery(meQuery)
  const { data, error, refetch } = useQuery(retentionQuery(organizationId))
  return (
    <Section title="Retention of the log">
      {data !== undefined ? (
        <>
          <p>
            Lines of the log are kept <strong className="font-semibold">{keptWords(data.days)}</strong>
            {data.source === 'plan' ? `, as the plan ${plan} says.` : ', by a choice of its own.'}{' '}
            {data.source === 'organization' && (
              <span className="text-ink-2">
                Its plan {plan} says {keptWords(data.planDays)}.
              </span>
            )}
          </p>
          <p className="mt-1 max-w-[72ch] text-xs text-ink-3">
            What is older goes once a day, when it is sealed and every connection has read it. It can be brought back no
            more. <span className="code">rowhouse audit retention {slug}</span> says the same.
          </p>
          {may(me, organizationId, 'organization.manage') && (
            <Opens
              className="mt-3"
              render={(close) => <Form organization={organization} retention={data} onDone={close} />}
            >
              Keep it for another time
            </Opens>
          )}
        </>
      ) : error === null ? (
        <Loading lines={2} label="Reading how long the log is kept" />
      ) : (
        <Failure error={error} onRetry={() => void refetch()} />
      )}
    </Section>
  )
}

function Form({
  organization: { id: organizationId, name, plan },
  retention,
  onDone,
}: {
  organization: Organization
  retention: Retention
  onDone: () => void
}): JSX.Element {
  const [choice, setChoice] = useState<Choice>(choiceOf(retention))
  const [text, setText] = useState(retention.days === null ? '' : String(retention.days))
  const [asked, setAsked] = useState<Wanted | null>(null)
  const { form, isTold, tell } = useTold()
  const group = useId()
  const read = readChoice(choice, text, retention)
  const isSame = typeof read !== 'string' && choice === choiceOf(retention) && read.days === retention.days
  const act = useMutation({
    mutationFn: ({ body }: Wanted) => client.setRetention({ params: { organizationId }, body }),
    onSuccess: (changed) => {
      queries.setQueryData(retentionQuery(organizationId).queryKey, changed)
      onDone()
    },
  })
  const choices: [Choice, string][] = [
    ['plan', `As the plan ${plan} says: ${keptWords(retention.planDays)}`],
    ['ever', 'For ever'],
    ['days', 'For so many days'],
  ]
  const ask = (wanted: Wanted | null): void => {
    act.reset()
    setAsked(wanted)
  }
  if (asked !== null)
    return (
      <Leavable onLeave={() => ask(null)}>
        <RetentionQuestion
          organizationId={organizationId}
          name={name}
          now={retention.days}
          wanted={asked}
          act={act}
          onYes={() => act.mutate(asked)}
          onNo={() => ask(null)}
        />
      </Leavable>
    )
  return (
    <form
      ref={form}
      noValidate
      aria-label="How long the log is kept"
      className="mt-3 max-w-md space-y-3 border-l-2 border-brick pl-3"
      onSubmit={(event) => {
        event.preventDefault()
        if (typeof read === 'string') tell()
        else ask(read)
      }}
    >
      <fieldset className="space-y-1.5">
        <legend className="mb-1 text-xs text-ink-2">Keep lines</legend>
        {choices.map(([one, words]) => (
          <label key={one} className="flex items-center gap-2">
            <input
              type="radio"
              name={group}
              className="accent-brick"
              checked={one === choice}
              // oxlint-disable-next-line jsx-a11y/no-autofocus -- the form was opened to choose
              autoFocus={one === choice}
              onChange={() => setChoice(one)}
            />
            {words}
          </label>
        ))}
      </fieldset>
      {choice === 'days' && (
        <Field
          name="Days"
          hint={`From ${RETENTION_DAYS_MIN} to ${formatCount(RETENTION_DAYS_MAX)}: nobody can clear away last week.`}
          problem={isTold && typeof read === 'string' ? read : null}
          render={(tie) => (
            <input
              {...tie}
              inputMode="numeric"
              autoComplete="off"
              className={`${fieldLook} num max-w-32 text-right`}
              value={text}
              onChange={({ target }) => setText(target.value)}
            />
          )}
        />
      )}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" disabled={isSame} title={isSame ? 'Nothing is changed yet.' : undefined}>
          See what it does
        </Button>
        <Button onClick={onDone}>Leave it as it is</Button>
      </div>
    </form>
  )
}
