// HubSpot's own count of a budget, from the headers of an answer. Search answers carry none.
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
import type { BudgetUsage } from '../kit/connector.ts'
import type { HttpAnswer } from '../kit/http.ts'
import { countOf } from '../kit/reading.ts'

export function usage({ headers }: HttpAnswer): readonly BudgetUsage[] {
  const count = (name: string): number | null => countOf(headers[`x-hubspot-ratelimit-${name}`])
  const windowMs = count('interval-milliseconds')
  return [
    { limit: count('max'), remaining: count('remaining'), windowMs },
    { limit: count('daily'), remaining: count('daily-remaining'), windowMs: null },
  ].flatMap(({ limit, remaining, windowMs: span }, index) =>
    limit === null || remaining === null || (index === 0 && span === null)
      ? []
      : [{ budget: 'default', windowMs: span, used: Math.max(0, limit - remaining), limit }],
  )
}
