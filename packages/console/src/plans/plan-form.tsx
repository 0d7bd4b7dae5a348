// Making a plan, or changing one: where its organizations live and what they may use. What that does is said beside the button.
import type { IsolationModel, Plan } from '@rowhouse/contracts'
import { isolationModel } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { JSX } from 'react'
import { client } from '../app/api.ts'
import { clustersQuery } from '../clusters/queries.ts'
import { Field, fieldLook } from '../parts/field.tsx'
import { Button, Refused } from '../parts/parts.tsx'
import { useTold } from '../parts/told.ts'
import { isolationWords } from '../words/connection.ts'
import { plural } from '../words/numbers.ts'
import { LimitFields } from './limit-fields.tsx'
import { planTextsOf, readPlan } from './plan-fields.ts'
import { rereadAfterPlan } from './queries.ts'

const NOTHING_NEW = 'Nothing is changed yet.'

export interface PlanFormProps {
  /** Null for a new one. */
  readonly plan: Plan | null
  /** Ids of all plans. */
  readonly taken: readonly string[]
  readonly onDone: () => void
}

export function PlanForm({ plan, taken, onDone }: PlanFormProps): JSX.Element {
  const { data: clusters = [] } = useQuery(clustersQuery)
  const [texts, setTexts] = useState(planTextsOf(plan))
  const { form, isTold, tell } = useTold()
  const { id, changes, problems, isWrong } = readPlan(texts, plan, taken)
  const told = isTold ? problems : { limits: {} }
  const act = useMutation({
    mutationFn: () => client.setPlan({ params: { planId: id }, body: changes }),
    onSuccess: async () => {
      await rereadAfterPlan()
      onDone()
    },
  })
  const set = (change: Partial<typeof texts>): void => setTexts((before) => ({ ...before, ...change }))
  const isSame = plan !== null && Object.keys(changes).length === 0
  return (
    <form
      ref={form}
      noValidate
      aria-label={plan === null ? 'A new plan' : `Plan ${plan.id}`}
      className="mt-3 space-y-4 border-l-2 border-brick pl-3"
      onSubmit={(event) => {
        event.preventDefault()
        if (isWrong) tell()
        else act.mutate()
      }}
    >
      <div className="grid gap-x-4 gap-y-3 sm:grid-cols-2 xl:grid-cols-4">
        {plan === null && (
          <Field
            name="Id"
            hint="It cannot be changed later."
            problem={told.id ?? null}
            render={(tie) => (
              <input
                {...tie}
                autoComplete="off"
                spellCheck={false}
                // oxlint-disable-next-line jsx-a11y/no-autofocus -- the form was opened to type
                autoFocus
                className={`${fieldLook} code`}
                value={texts.id}
                onChange={({ target }) => set({ id: target.value })}
              />
            )}
          />
        )}
        <Field
          name="Name"
          hint={plan === null ? 'As its id where it has none.' : undefined}
          render={(tie) => (
            <input
              {...tie}
              maxLength={200}
              autoComplete="off"
              // oxlint-disable-next-line jsx-a11y/no-autofocus -- as above; a plan that is there has no field of its id
              autoFocus={plan !== null}
              className={fieldLook}
              value={texts.name}
              onChange={({ target }) => set({ name: target.value })}
            />
          )}
        />
        <Field
          name="Home of its organizations"
          render={(tie) => (
            <select
              {...tie}
              className={fieldLook}
              value={texts.isolation}
              onChange={({ target }) => set({ isolation: target.value as IsolationModel })}
            >
              {isolationModel.options.map((model) => (
                <option key={model} value={model}>
                  {isolationWords[model].meaning}
                </option>
              ))}
            </select>
          )}
        />
        <Field
          name="Region"
          hint="Any where it is empty."
          problem={told.region ?? null}
          render={(tie) => (
            <input
              {...tie}
              autoComplete="off"
              spellCheck={false}
              placeholder="any"
              list="regions"
              className={fieldLook}
              value={texts.region}
              onChange={({ target }) => set({ region: target.value })}
            />
          )}
        />
        <datalist id="regions">
          {[...new Set(clusters.map(({ region }) => region))].map((region) => (
            <option key={region}>{region}</option>
          ))}
        </datalist>
        <Field
          name="Cluster"
          render={(tie) => (
            <select
              {...tie}
              className={fieldLook}
              value={texts.cluster}
              onChange={({ target }) => set({ cluster: target.value })}
            >
              <option value="">any</option>
              {[...new Set([...clusters.map(({ id }) => id), ...(texts.cluster === '' ? [] : [texts.cluster])])].map(
                (cluster) => (
                  <option key={cluster}>{cluster}</option>
                ),
              )}
            </select>
          )}
        />
      </div>
      <label className="flex items-start gap-2">
        <input
          type="checkbox"
          className="mt-1"
          checked={texts.ownKey}
          onChange={({ target }) => set({ ownKey: target.checked })}
        />
        Its organizations are owed a key of their own for what rests; advice goes by it.
      </label>
      <LimitFields
        texts={texts.limits}
        problems={told.limits}
        otherwise={() => 'not bounded'}
        onChange={(limits) => set({ limits })}
      />
      {plan !== null && plan.organizations > 0 && <Effects count={plan.organizations} />}
      <div className="flex flex-wrap gap-2">
        <Button
          type="submit"
          look="primary"
          disabled={act.isPending || isSame}
          title={isSame ? NOTHING_NEW : undefined}
        >
          {plan === null
            ? act.isPending
              ? 'Making…'
              : 'Make the plan'
            : act.isPending
              ? 'Changing…'
              : 'Change the plan'}
        </Button>
        <Button onClick={onDone}>{plan === null ? 'Not now' : 'Leave it as it is'}</Button>
      </div>
      <Refused act={act} />
    </form>
  )
}

const Effects = ({ count }: { count: number }): JSX.Element => (
  <ul aria-label="What it does" className="list-disc space-y-0.5 pl-4 text-ink-2">
    <li>
      Limits hold for {plural(count, 'organization')} within about a second, where{' '}
      {count === 1 ? 'it has' : 'they have'} none of {count === 1 ? 'its' : 'their'} own.
    </li>
    <li>
      {count === 1 ? 'If it lives' : 'Of those that live'} elsewhere than the plan then asks for, that is noted; nothing
      is moved by this.
    </li>
  </ul>
)
