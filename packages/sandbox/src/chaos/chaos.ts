// Trouble on demand, per account: latency, refusals, server errors, answers that never come. Owns the
// settings and the dice; must not know how a CRM words a 429. The dice are seeded, so a run repeats.
import { z } from 'zod'
import type { Seeded } from '../store/seeded.ts'
import type { Sleep } from '../options.ts'
import type { Shelf, Store } from '../store/store.ts'
import { Pages, errorBody, htmlPage, slowly, truncated } from './spoil.ts'
import type { Spoilt } from './spoil.ts'

const rate = z.number().min(0).max(1).default(0)

export const chaosSchema = z.strictObject({
  account: z.string().min(1),
  /** Added before every request is worked on. @default 0 */
  latencyMs: z.number().min(0).max(120_000).default(0),
  /** Share of requests refused with the CRM's own rate-limit answer. @default 0 */
  status429Rate: rate,
  /** Share of requests answered with a server error, nothing done. @default 0 */
  status5xxRate: rate,
  /** Share of requests that are not worked on and never answered. @default 0 */
  timeoutBeforeRate: rate,
  /** Share of requests that are worked on, committed, and never answered. @default 0 */
  timeoutAfterRate: rate,
  /** Share of answers whose body comes in small pieces, with `slowPieceMs` between them. @default 0 */
  slowBodyRate: rate,
  /** Wait between the pieces of a slow body. @default 100 */
  slowPieceMs: z.number().min(0).max(60_000).default(100),
  /** Share of answers that are a page of HTML with status 200; what was asked is done. @default 0 */
  htmlRate: rate,
  /** Share of answers that are an error in JSON with status 200; what was asked is done. @default 0 */
  errorBodyRate: rate,
  /** Share of answers whose JSON ends in the middle. @default 0 */
  truncatedRate: rate,
  /** Share of next pages that are the page before once more. @default 0 */
  repeatedPageRate: rate,
  /** Salesforce: share of updates refused because somebody else holds the row. @default 0 */
  rowLockRate: rate,
  /** How long an unanswered request hangs before its connection is cut. @default 0 */
  timeoutHoldMs: z.number().min(0).max(120_000).default(0),
  /** true voids every access token issued so far, 'all' the refresh tokens too; false lets the standing ones work again. */
  revokeTokens: z.union([z.boolean(), z.literal('all')]).optional(),
})

export type ChaosInput = z.input<typeof chaosSchema>
export type ChaosSettings = Omit<z.output<typeof chaosSchema>, 'account' | 'revokeTokens'>

/** What happens to one request. Exactly one dice roll decides before, one after. */
export type Fate = 'proceed' | 'refuse' | 'fail' | 'silence'

const calm: ChaosSettings = {
  latencyMs: 0,
  status429Rate: 0,
  status5xxRate: 0,
  timeoutBeforeRate: 0,
  timeoutAfterRate: 0,
  slowBodyRate: 0,
  slowPieceMs: 100,
  htmlRate: 0,
  errorBodyRate: 0,
  truncatedRate: 0,
  repeatedPageRate: 0,
  rowLockRate: 0,
  timeoutHoldMs: 0,
}

export class Chaos {
  readonly #settings: Shelf<ChaosSettings>
  readonly #seeded: Seeded
  readonly #pages = new Pages()

  constructor(store: Store, seeded: Seeded) {
    this.#settings = store.shelf('', 'chaos')
    this.#seeded = seeded
  }

  /** Replaces the settings of the account: what is not named is off. */
  set(account: string, settings: ChaosSettings): void {
    this.#settings.set(account, settings)
  }

  settings(account: string): ChaosSettings {
    return this.#settings.get(account) ?? calm
  }

  clear(account: string): void {
    this.#settings.delete(account)
  }

  isRowLocked(account: string): boolean {
    const { rowLockRate } = this.settings(account)
    return rowLockRate > 0 && this.#seeded.chance() < rowLockRate
  }

  before(account: string): Fate {
    const { timeoutBeforeRate, status429Rate, status5xxRate } = this.settings(account)
    if (timeoutBeforeRate + status429Rate + status5xxRate === 0) return 'proceed'
    const roll = this.#seeded.chance()
    if (roll < timeoutBeforeRate) return 'silence'
    if (roll < timeoutBeforeRate + status429Rate) return 'refuse'
    return roll < timeoutBeforeRate + status429Rate + status5xxRate ? 'fail' : 'proceed'
  }

  after(account: string): Fate {
    const { timeoutAfterRate } = this.settings(account)
    return timeoutAfterRate > 0 && this.#seeded.chance() < timeoutAfterRate ? 'silence' : 'proceed'
  }

  /** What becomes of an answer on its way, when trouble is on; undefined leaves it as it is. */
  async spoil(
    account: string,
    method: string,
    url: string,
    response: Response,
    time: { readonly sleep: Sleep; readonly signal: AbortSignal },
  ): Promise<Spoilt | undefined> {
    const { errorBodyRate, htmlRate, truncatedRate, repeatedPageRate, slowBodyRate, slowPieceMs } =
      this.settings(account)
    // One that is done without a body has none to be spoilt, but may be told as an error all the same.
    if (errorBodyRate > 0 && this.#seeded.chance() < errorBodyRate) return errorBody()
    if (htmlRate + truncatedRate + repeatedPageRate + slowBodyRate === 0 || response.body === null) return undefined
    const repeated = repeatedPageRate > 0 ? await this.#pages.seen(account, method, url, response) : undefined
    const roll = this.#seeded.chance()
    if (roll < htmlRate) return htmlPage()
    if (roll < htmlRate + truncatedRate) return truncated(response)
    if (roll < htmlRate + truncatedRate + slowBodyRate) return slowly(response, slowPieceMs, time)
    return repeated && roll < htmlRate + truncatedRate + slowBodyRate + repeatedPageRate ? repeated : undefined
  }
}
