// How often to poll: so that polling takes at most a tenth of what the account's day really allows, shared by all
// connections to the account. Pure; the limits are the provider's own where it has told them.
import type { BudgetDescription, Connector } from '@rowhouse/connectors'
import type { KnownAccount } from './budgets.ts'

const DAY_MS = 86_400_000
const POLL_SHARE = 0.1
/** Where deletions cost calls of their own, they are asked for on every so many polls. */
export const DELETED_EVERY_ROUNDS = 5

/** Calls of one round over this many objects, on average. */
export function callsPerRound(connector: Pick<Connector, 'pollAll'>, objects: number): number {
  return connector.pollAll?.callsOf(objects) ?? objects * (1 + 1 / DELETED_EVERY_ROUNDS)
}

/** Milliseconds from one round to the next; `known` null before the provider has told anything. */
export function pollIntervalMs(
  budgets: readonly BudgetDescription[],
  known: KnownAccount | null,
  callsOfRound: number,
  shortestMs: number,
): number {
  const daily = budgets.flatMap(({ name, callsPerDay }) => known?.callsPerDay[name] ?? callsPerDay ?? [])
  if (daily.length === 0) return shortestMs
  const share = (Math.min(...daily) * POLL_SHARE) / (known?.connections ?? 1)
  return Math.max(shortestMs, Math.ceil((DAY_MS * callsOfRound) / share))
}

/** While a stream tells of changes, polls only make up for what it may leave out. */
export const relaxedIntervalMs = (intervalMs: number, slowestMs: number): number => Math.max(intervalMs, slowestMs)
