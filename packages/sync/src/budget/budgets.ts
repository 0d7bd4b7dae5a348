// The API budget of each remote account, shared by every worker through the catalogue. Calls are reserved
// in small batches with one short statement; a reservation lapses after a slot, a tenth of its window,
// which is why windows are counted with two slots to spare (see rowhouse.sync_reserve).
import type { BudgetDescription, BudgetUsage } from '@rowhouse/connectors'
import type { BudgetUse } from '@rowhouse/contracts'
import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'

/** `interactive`: a person waits · `live`: changes · `bulk`: the backfill. */
export type Urgency = 'interactive' | 'live' | 'bulk'

/** Share of a window that is kept for more urgent work. */
const reserveShare: Readonly<Record<Urgency, number>> = { interactive: 0, live: 0.05, bulk: 0.2 }
/** Calls reserved at a time, where the window is wide enough. */
const BATCH_CALLS = 8

export type Grant =
  /** `release` gives back what is held while the call is under way; absent where nothing is. */
  | { readonly granted: true; readonly release?: () => Promise<void> }
  | { readonly granted: false; readonly retryMs: number }

export interface RemoteAccount {
  readonly connector: string
  /** The provider's id of the account, with the origin it was reached at: sandboxes repeat ids. */
  readonly account: string
}

interface Reservation {
  calls: number
  untilMs: number
}

export interface KnownAccount {
  readonly callsPerDay: Readonly<Record<string, number>>
  readonly connections: number
}

export class Budgets {
  readonly #pool: Pool
  readonly #now: () => number
  readonly #corrected = new Map<string, number>()
  readonly #reservations = new Map<string, Reservation>()
  /** Reservations under way: calls that leave together ask once. */
  readonly #asking = new Map<string, Promise<Grant>>()
  readonly #learned = new Map<string, number>()
  readonly #known = new Map<string, { readonly account: KnownAccount; readonly untilMs: number }>()

  constructor(pool: Pool, now: () => number) {
    this.#pool = pool
    this.#now = now
  }

  /** Takes one call, or says when to ask again. Never waits. Where calls under way are limited, `release` ends one. */
  async take(account: RemoteAccount, budget: BudgetDescription, urgency: Urgency): Promise<Grant> {
    if (budget.concurrent === null) return this.#takeCall(account, budget, urgency)
    const holder = randomUUID()
    const { rows } = await this.#pool.query<{ taken: boolean }>(
      'select rowhouse.sync_take_slot($1, $2, $3, $4, $5, $6, $7) as taken',
      [
        account.connector,
        account.account,
        budget.name,
        budget.concurrent,
        Math.floor(budget.concurrent * reserveShare[urgency]),
        holder,
        SLOT_HELD_MS,
      ],
    )
    if (rows[0]?.taken !== true) return { granted: false, retryMs: SLOT_RETRY_MS }
    const release = async (): Promise<void> => {
      await this.#pool.query(`update rowhouse.sync_slots set held_until = '-infinity' where holder = $1`, [holder])
    }
    try {
      const grant = await this.#takeCall(account, budget, urgency)
      if (grant.granted) return { granted: true, release }
      await release()
      return grant
    } catch (error) {
      // The call is not made; the slot lapses by itself where it cannot be given back now.
      await release().catch(() => {})
      throw error
    }
  }

  /** A call will be taken in a moment: what it needs to be reserved for is asked for meanwhile. */
  expect(account: RemoteAccount, budget: BudgetDescription, urgency: Urgency): void {
    const key = keyOf(account, budget, urgency)
    if (this.#held(key) !== null || this.#asking.has(key)) return
    // What it fails with, the call will meet.
    this.#ask(key, account, budget, urgency, 0).catch(() => {})
  }

  async #takeCall(account: RemoteAccount, budget: BudgetDescription, urgency: Urgency): Promise<Grant> {
    const key = keyOf(account, budget, urgency)
    const held = this.#held(key)
    if (held !== null) {
      held.calls -= 1
      return { granted: true }
    }
    const asking = this.#asking.get(key)
    if (asking === undefined) return this.#ask(key, account, budget, urgency, 1)
    const grant = await asking
    // What was reserved may be used up or over by now: then this one asks.
    return grant.granted ? this.#takeCall(account, budget, urgency) : grant
  }

  #held(key: string): Reservation | null {
    const held = this.#reservations.get(key)
    return held !== undefined && held.calls > 0 && this.#now() < held.untilMs ? held : null
  }

  /** @param taken calls of it that are made at once */
  #ask(key: string, account: RemoteAccount, budget: BudgetDescription, urgency: Urgency, taken: 0 | 1): Promise<Grant> {
    const asking = this.#reserveCalls(key, account, budget, urgency, taken).finally(() => this.#asking.delete(key))
    this.#asking.set(key, asking)
    return asking
  }

  async #reserveCalls(
    key: string,
    account: RemoteAccount,
    budget: BudgetDescription,
    urgency: Urgency,
    taken: 0 | 1,
  ): Promise<Grant> {
    let calls = BATCH_CALLS
    let lifeMs = Number.MAX_SAFE_INTEGER
    const askedMs = this.#now()
    for (const window of windowsOf(budget)) {
      const grant = await this.#reserve(account, budget, window, urgency, calls)
      if (grant.calls === 0) return { granted: false, retryMs: grant.retryMs }
      calls = Math.min(calls, grant.calls)
      lifeMs = Math.min(lifeMs, window.windowMs / 10)
    }
    this.#reservations.set(key, { calls: calls - taken, untilMs: askedMs + lifeMs })
    return { granted: true }
  }

  /**
   * Takes over what the provider says: its limit of the day whenever it is a new one, and its count where it is
   * more than ours, because other programs use the account too; of a day also where it is less, because its day may
   * begin at another hour, or be the last 24. The count at most once in CORRECT_EVERY_MS, where it is near enough to the
   * limit to matter, and once in LOWER_EVERY_MS elsewhere.
   */
  async correct(account: RemoteAccount, usage: readonly BudgetUsage[]): Promise<void> {
    for (const { budget, limit, used, windowMs } of usage) {
      const key = `${account.connector}|${account.account}|${budget}|${windowMs}`
      const nowMs = this.#now()
      if (windowMs === null) await this.#learn(account, budget, limit)
      if (used < limit / 2 && windowMs !== null) continue
      const everyMs = used < limit / 2 ? LOWER_EVERY_MS : CORRECT_EVERY_MS
      if (nowMs - (this.#corrected.get(key) ?? Number.NEGATIVE_INFINITY) < everyMs) continue
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

  /**
   * What the account really allows a day, by name of the budget, where the provider has said so, and how many
   * running connections share it. Asked at most once in KNOWN_FOR_MS, and after a new limit was told.
   */
  async known(account: RemoteAccount): Promise<KnownAccount> {
    const key = `${account.connector}|${account.account}`
    const held = this.#known.get(key)
    if (held !== undefined && this.#now() < held.untilMs) return held.account
    const { rows } = await this.#pool.query<{ learned: Record<string, number> | null; connections: number }>(KNOWN, [
      account.connector,
      account.account,
    ])
    const known = { callsPerDay: rows[0]?.learned ?? {}, connections: Math.max(1, rows[0]?.connections ?? 1) }
    this.#known.set(key, { account: known, untilMs: this.#now() + KNOWN_FOR_MS })
    return known
  }

  async #learn(account: RemoteAccount, budget: string, callsPerDay: number): Promise<void> {
    const key = `${account.connector}|${account.account}`
    if (this.#learned.get(`${key}|${budget}`) === callsPerDay) return
    const { rowCount } = await this.#pool.query(LEARN_DAY, [account.connector, account.account, budget, callsPerDay])
    if (rowCount === 0) return
    this.#learned.set(`${key}|${budget}`, callsPerDay)
    this.#known.delete(key)
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
    const slots = await this.#pool.query<{ name: string; used: number; limit: number }>(
      `select s.name, count(*) filter (where s.held_until > clock_timestamp())::int as used, max(s.slots_max) as limit
       from rowhouse.sync_slots s where s.connector = $1 and s.account = $2 group by s.name order by s.name`,
      [account.connector, account.account],
    )
    const underWay = slots.rows.map((row): BudgetUse => ({
      ...row,
      kind: 'concurrent',
      windowMs: null,
      closedUntil: null,
    }))
    const windows = rows.flatMap((row): BudgetUse[] => {
      const closedUntil = row.closed_until?.toISOString() ?? null
      const window: BudgetUse = {
        name: row.name,
        kind: 'window',
        windowMs: row.window_ms,
        used: row.used,
        limit: row.calls_max,
        closedUntil,
      }
      // A window that stands in for none is no limit anybody has.
      const limited = row.calls_max < UNLIMITED_CALLS ? [window] : []
      if (row.day_max === null) return limited
      return [
        ...limited,
        { name: row.name, kind: 'day', windowMs: null, used: row.day_used, limit: row.day_max, closedUntil },
      ]
    })
    return [...windows, ...underWay]
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

const keyOf = ({ account, connector }: RemoteAccount, { name }: BudgetDescription, urgency: Urgency): string =>
  `${connector}|${account}|${name}|${urgency}`

/** Longer than any call may take; a slot of a worker that died is free after it. */
const SLOT_HELD_MS = 60_000
/** A call takes a good part of a second where calls are limited this way. */
const SLOT_RETRY_MS = 50
const CORRECT_EVERY_MS = 500
const LOWER_EVERY_MS = 60_000
const KNOWN_FOR_MS = 60_000
const KNOWN = `
select
  (select jsonb_object_agg(b.name, b.day_learned) from rowhouse.sync_budgets b
   where b.connector = $1 and b.account = $2 and b.day_learned is not null) as learned,
  (select count(*)::int from rowhouse.connections c
   where c.connector = $1 and c.account || '@' || substring(c.base_url from '^[a-z]+://[^/]+') = $2
     and c.state not in ('disconnected', 'paused')) as connections`
const LEARN_DAY = `
update rowhouse.sync_budgets set day_learned = $4
where connector = $1 and account = $2 and name = $3`
// Calls that are reserved and not made yet are none of the provider's count: a little less than ours is the same.
const CORRECT_DAY = `
update rowhouse.sync_budgets set day_used = $4
where connector = $1 and account = $2 and name = $3 and day = (clock_timestamp() at time zone 'UTC')::date
  and (day_used < $4 or day_used > $4 + greatest(day_used / 50, 64))`
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
