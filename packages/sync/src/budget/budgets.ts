// The API budget of each remote account, shared by every worker through the catalogue. Calls are reserved
// in small batches with one short statement; a reservation lapses after a slot, a tenth of its window,
// which is why windows are counted with two slots to spare (see rowhouse.sync_reserve).
import type { BudgetDescription, BudgetUsage } from '@rowhouse/connectors'
import type { BudgetUse } from '@rowhouse/contracts'
import type { Pool } from 'pg'

/** `interactive`: a person waits · `live`: changes · `bulk`: the backfill. */
export type Urgency = 'interactive' | 'live' | 'bulk'

/** Share of a window that is kept for more urgent work. */
const reserveShare: Readonly<Record<Urgency, number>> = { interactive: 0, live: 0.05, bulk: 0.2 }
/** Calls reserved at a time, where the window is wide enough. */
const BATCH_CALLS = 8

export type Grant = { readonly granted: true } | { readonly granted: false; readonly retryMs: number }

export interface RemoteAccount {
  readonly connector: string
  /** The provider's id of the account, with the origin it was reached at: sandboxes repeat ids. */
  readonly account: string
}

interface Reservation {
  calls: number
  untilMs: number
}

export class Budgets {
  readonly #pool: Pool
  readonly #now: () => number
  readonly #corrected = new Map<string, number>()
  readonly #reservations = new Map<string, Reservation>()

  constructor(pool: Pool, now: () => number) {
    this.#pool = pool
    this.#now = now
  }

  /** Takes one call, or says when to ask again. Never waits. */
  async take(account: RemoteAccount, budget: BudgetDescription, urgency: Urgency): Promise<Grant> {
    const key = `${account.connector}|${account.account}|${budget.name}|${urgency}`
    const held = this.#reservations.get(key)
    if (held !== undefined && held.calls > 0 && this.#now() < held.untilMs) {
      held.calls -= 1
      return { granted: true }
    }
    let calls = BATCH_CALLS
    let lifeMs = Number.MAX_SAFE_INTEGER
    const askedMs = this.#now()
    for (const window of windowsOf(budget)) {
      const grant = await this.#reserve(account, budget, window, urgency, calls)
      if (grant.calls === 0) return { granted: false, retryMs: grant.retryMs }
      calls = Math.min(calls, grant.calls)
      lifeMs = Math.min(lifeMs, window.windowMs / 10)
    }
    this.#reservations.set(key, { calls: calls - 1, untilMs: askedMs + lifeMs })
    return { granted: true }
  }

  /**
   * Takes over what the provider counted where it is more than we did: other programs use the account too.
   * At most once in CORRECT_EVERY_MS, and only where it is near enough to the limit to matter.
   */
  async correct(account: RemoteAccount, usage: readonly BudgetUsage[]): Promise<void> {
    for (const { budget, limit, used, windowMs } of usage) {
      const key = `${account.connector}|${account.account}|${budget}|${windowMs}`
      const nowMs = this.#now()
      if (used < limit / 2 || nowMs - (this.#corrected.get(key) ?? Number.NEGATIVE_INFINITY) < CORRECT_EVERY_MS)
        continue
      this.#corrected.set(key, nowMs)
      await this.#pool.query(windowMs === null ? CORRECT_DAY : CORRECT_WINDOW, [
        account.connector,
        account.account,
        budget,
        used,
        ...(windowMs === null ? [] : [windowMs]),
      ])
    }
  }

  /** Closes the account for everybody: the provider said to wait. */
  async close(account: RemoteAccount, retryMs: number): Promise<void> {
    const prefix = `${account.connector}|${account.account}|`
    for (const key of this.#reservations.keys()) if (key.startsWith(prefix)) this.#reservations.delete(key)
    await this.#pool.query(
      `update rowhouse.sync_budgets
       set closed_until = greatest(closed_until, clock_timestamp() + $3 * interval '1 millisecond')
       where connector = $1 and account = $2`,
      [account.connector, account.account, retryMs],
    )
  }

  async use(account: RemoteAccount): Promise<BudgetUse[]> {
    const { rows } = await this.#pool.query<{
      name: string
      window_ms: number
      used: number
      calls_max: number
      day_used: number
      day_max: number | null
      closed_until: Date | null
    }>(
      `select b.name, b.window_ms, b.calls_max, b.day_max,
         case when b.day = (clock_timestamp() at time zone 'UTC')::date then b.day_used else 0 end as day_used,
         case when b.closed_until > clock_timestamp() then b.closed_until end as closed_until,
         (select coalesce(sum(n), 0)::int from unnest(b.slots) with ordinality as s(n, i)
          where b.slot - (12 - i) >
            (extract(epoch from clock_timestamp()) * 1000)::bigint / greatest(b.window_ms / 10, 1) - 10) as used
       from rowhouse.sync_budgets b where b.connector = $1 and b.account = $2 order by b.name, b.window_ms`,
      [account.connector, account.account],
    )
    return rows.flatMap((row) => {
      const closedUntil = row.closed_until?.toISOString() ?? null
      const window: BudgetUse = {
        name: row.name,
        kind: 'window',
        windowMs: row.window_ms,
        used: row.used,
        limit: row.calls_max,
        closedUntil,
      }
      if (row.day_max === null) return [window]
      return [
        window,
        { name: row.name, kind: 'day', windowMs: null, used: row.day_used, limit: row.day_max, closedUntil },
      ]
    })
  }

  async #reserve(
    account: RemoteAccount,
    budget: BudgetDescription,
    window: { readonly calls: number; readonly windowMs: number },
    urgency: Urgency,
    want: number,
  ): Promise<{ calls: number; retryMs: number }> {
    const { rows } = await this.#pool.query<{ granted: number; retry_after_ms: number }>(
      'select * from rowhouse.sync_reserve($1, $2, $3, $4, $5, $6, $7, $8)',
      [
        account.connector,
        account.account,
        budget.name,
        window.windowMs,
        window.calls,
        budget.callsPerDay,
        Math.max(1, Math.min(want, Math.floor(window.calls / 10))),
        Math.floor(window.calls * reserveShare[urgency]),
      ],
    )
    return { calls: rows[0]?.granted ?? 0, retryMs: rows[0]?.retry_after_ms ?? 1000 }
  }
}

const CORRECT_EVERY_MS = 500
const CORRECT_DAY = `
update rowhouse.sync_budgets set day_used = greatest(day_used, $4)
where connector = $1 and account = $2 and name = $3 and day = (clock_timestamp() at time zone 'UTC')::date`
// What others used counts as used now: it leaves the window no earlier than it really does.
const CORRECT_WINDOW = `
update rowhouse.sync_budgets
set slots[12] = slots[12] + greatest(0, $4 - (select coalesce(sum(n), 0)::int from unnest(slots) n))
where connector = $1 and account = $2 and name = $3 and window_ms = $5`
const UNLIMITED_CALLS = 1_000_000
const DEFAULT_WINDOW_MS = 10_000

/** A budget without a window still counts its day. */
function windowsOf(budget: BudgetDescription): BudgetDescription['windows'] {
  return budget.windows.length > 0 ? budget.windows : [{ calls: UNLIMITED_CALLS, windowMs: DEFAULT_WINDOW_MS }]
}

const DAY_MS = 86_400_000
const POLL_SHARE = 0.1

/**
 * How often to poll so that polling takes at most a tenth of the account's day.
 *
 * @param callsPerRound calls of one round over all objects
 */
export function pollIntervalMs(
  budgets: readonly BudgetDescription[],
  callsPerRound: number,
  shortestMs: number,
): number {
  const daily = budgets.flatMap(({ callsPerDay }) => (callsPerDay === null ? [] : [callsPerDay]))
  if (daily.length === 0) return shortestMs
  return Math.max(shortestMs, Math.ceil((DAY_MS * callsPerRound) / (Math.min(...daily) * POLL_SHARE)))
}
