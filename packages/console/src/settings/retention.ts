// How long the log is kept: as it is asked for and said, and what a person typed as one. Pure but for the queries.
import { RETENTION_DAYS_MAX, RETENTION_DAYS_MIN } from '@rowhouse/contracts'
import type { BodyOf, Endpoints, Retention } from '@rowhouse/contracts'
import { queryOptions } from '@tanstack/react-query'
import { client, organizationQuery } from '../app/api.ts'
import { formatCount, plural } from '../words/numbers.ts'

export type Choice = 'plan' | 'ever' | 'days'

export const retentionQuery = (organizationId: string) =>
  queryOptions({
    queryKey: [...organizationQuery(organizationId).queryKey, 'retention'],
    queryFn: ({ signal }) => client.getRetention({ params: { organizationId }, signal }),
  })

/** What is too old once it is kept for so long; never from before: lines become too old all the time. */
export const previewQuery = (organizationId: string, days: number | null) =>
  queryOptions({
    queryKey: [...organizationQuery(organizationId).queryKey, 'retention', 'preview', days],
    queryFn: ({ signal }) =>
      client.previewRetention({ params: { organizationId }, query: days === null ? {} : { days }, signal }),
    staleTime: 0,
    gcTime: 0,
  })

export const keptWords = (days: number | null): string => (days === null ? 'for ever' : `for ${plural(days, 'day')}`)

export const choiceOf = ({ days, source }: Retention): Choice =>
  source === 'plan' ? 'plan' : days === null ? 'ever' : 'days'

export interface Wanted {
  /** What is to hold; null: for ever. */
  readonly days: number | null
  readonly body: BodyOf<Endpoints['setRetention']>
}

/** @returns what is wrong with it as a text */
export function readChoice(choice: Choice, text: string, { planDays }: Pick<Retention, 'planDays'>): Wanted | string {
  if (choice === 'plan') return { days: planDays, body: { followPlan: true } }
  if (choice === 'ever') return { days: null, body: { days: null } }
  const days = /^\d{1,3}(,?\d{3})*$/.test(text.trim()) ? Number(text.replaceAll(',', '')) : Number.NaN
  if (Number.isInteger(days) && days >= RETENTION_DAYS_MIN && days <= RETENTION_DAYS_MAX)
    return { days, body: { days } }
  return `A whole number of days, from ${RETENTION_DAYS_MIN} to ${formatCount(RETENTION_DAYS_MAX)}.`
}

/** Whether lines that are kept now would go. */
export const isShorter = (now: number | null, wanted: number | null): boolean =>
  wanted !== null && (now === null || wanted < now)
