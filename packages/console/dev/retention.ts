// How long the fixture's organizations keep their log: as the plan says, until one is given a setting of its own. In memory.
import { RETENTION_DAYS_MAX, RETENTION_DAYS_MIN } from '@rowhouse/contracts'
import type { ErrorCode, Retention } from '@rowhouse/contracts'
import { ago } from './fixtures.ts'

const DAY_MS = 86_400_000
const PLAN_DAYS = 400
/** How old the log is, and how much of it is written a day. */
const LOG_DAYS = 250
const LINES_A_DAY = 1200
const COUNTED_MAX = 100_000

export interface RetentionFixture {
  get(): Retention
  set(body: { readonly days?: number | null; readonly followPlan?: true }): Retention
  preview(days: number | null): {
    before: string | null
    lines: number
    hasMore: boolean
    oldestAt: string | null
  }
}

/** @param refuse answers with a code */
export function retentionOf(refuse: (code: ErrorCode) => never): RetentionFixture {
  let own: { readonly days: number | null } | null = null
  const get = (): Retention => ({
    days: own === null ? PLAN_DAYS : own.days,
    source: own === null ? 'plan' : 'organization',
    planDays: PLAN_DAYS,
  })
  const check = (days: number | null): void => {
    if (days !== null && (days < RETENTION_DAYS_MIN || days > RETENTION_DAYS_MAX)) refuse('retention_out_of_bounds')
  }
  return {
    get,
    set({ days = null, followPlan }) {
      check(days)
      own = followPlan === true ? null : { days }
      return get()
    },
    preview(days) {
      check(days)
      if (days === null) return { before: null, lines: 0, hasMore: false, oldestAt: null }
      const lines = Math.max(0, LOG_DAYS - days) * LINES_A_DAY
      return {
        before: ago(days * DAY_MS),
        lines: Math.min(lines, COUNTED_MAX),
        hasMore: lines > COUNTED_MAX,
        oldestAt: lines === 0 ? null : ago(LOG_DAYS * DAY_MS),
      }
    },
  }
}
