// What a person typed as a plan: what is wrong with it, and what is to be sent of it.
import type { BodyOf, Endpoints, IsolationModel, Plan } from '@rowhouse/contracts'
import { changesOf, readLimits, textsOf } from './limits.ts'
import type { Limits, Read, Texts } from './limits.ts'

export interface PlanTexts {
  readonly id: string
  readonly name: string
  readonly isolation: IsolationModel
  /** Empty: any. */
  readonly region: string
  readonly cluster: string
  readonly ownKey: boolean
  readonly limits: Texts
}

const noLimits: Limits = {
  connectionsMax: null,
  connectionsMin: null,
  concurrencyMax: null,
  acquireTimeoutMs: null,
  idleTimeoutMs: null,
  loginConnectionsMax: null,
  statementTimeoutMs: null,
  idleInTransactionTimeoutMs: null,
}

const blank = {
  id: '',
  name: '',
  isolation: 'shared',
  region: null,
  cluster: null,
  ownKey: false,
  ...noLimits,
} as const

/** Of a new plan where there is none. */
export function planTextsOf(plan: Plan | null): PlanTexts {
  const { id, name, isolation, region, cluster, ownKey, ...limits } = plan ?? blank
  return {
    id,
    name,
    isolation,
    region: region ?? '',
    cluster: cluster ?? '',
    ownKey,
    limits: textsOf({ ...noLimits, ...limits }),
  }
}

type Wanted = BodyOf<Endpoints['setPlan']>

export interface PlanRead {
  readonly id: string
  /** What is other than before: what is not named stays as it is. */
  readonly changes: Wanted
  readonly problems: { readonly id?: string; readonly region?: string; readonly limits: Read['problems'] }
  readonly isWrong: boolean
}

const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/
const NO_SLUG = 'Lower-case letters, digits and hyphens, at most 63.'

/**
 * @param plan that is changed; null for a new one
 * @param taken ids of all plans. Setting one that is there would change it, which who makes a new one does not want.
 */
export function readPlan(texts: PlanTexts, plan: Plan | null, taken: readonly string[]): PlanRead {
  const before = planTextsOf(plan)
  const id = texts.id.trim()
  const region = texts.region.trim()
  const limits = readLimits(texts.limits)
  const idProblem =
    plan !== null
      ? undefined
      : !SLUG.test(id)
        ? NO_SLUG
        : taken.includes(id)
          ? 'There is a plan with this id.'
          : undefined
  const regionProblem = region === '' || SLUG.test(region) ? undefined : NO_SLUG
  const name = texts.name.trim()
  const changes: Wanted = {
    ...(name !== before.name && name !== '' && { name }),
    ...((plan === null || texts.isolation !== before.isolation) && { isolation: texts.isolation }),
    ...(region !== before.region && { region: region === '' ? null : region }),
    ...(texts.cluster !== before.cluster && { cluster: texts.cluster === '' ? null : texts.cluster }),
    ...(texts.ownKey !== before.ownKey && { ownKey: texts.ownKey }),
    ...changesOf(readLimits(before.limits).limits, limits.limits),
  }
  const problems = {
    ...(idProblem !== undefined && { id: idProblem }),
    ...(regionProblem !== undefined && { region: regionProblem }),
    limits: limits.problems,
  }
  return {
    id,
    changes,
    problems,
    isWrong: idProblem !== undefined || regionProblem !== undefined || Object.keys(limits.problems).length > 0,
  }
}
