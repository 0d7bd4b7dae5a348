// What a sandbox can be started with, and what an account of it can be. Owns the defaults and the
// validation of options; must not know any route. Everything is resolved once, here, and frozen.
import { RowhouseError } from '@rowhouse/contracts'
import { z } from 'zod'

/** Waits; rejects never, resolves early when the signal aborts. */
export type Sleep = (durationMs: number, signal: AbortSignal) => Promise<void>

export interface SandboxOptions {
  /** Port of the one HTTP server, on 127.0.0.1. 0 takes a free one. @default 0 */
  readonly port?: number
  /** SQLite file that keeps everything across restarts. Without it, state lives in memory. @default none */
  readonly dataFile?: string
  /** Origin of every id, token and chance. Two sandboxes with one seed and one history answer alike. @default 'rowhouse' */
  readonly seed?: string
  /** Clock, in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number
  /** How latency, webhook batching and retries wait. @default timers */
  readonly sleep?: Sleep
  /** Receives one line per noteworthy event; never a payload, never a token. @default silent */
  readonly log?: (line: string) => void
}

const appSchema = z.strictObject({
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
  /** Where a code may be sent. With none, any loopback address. */
  redirectUris: z.array(z.url()).default([]),
  name: z.string().default('Client app'),
  /** Salesforce: each refresh gives a new refresh token and voids the one used. */
  rotateRefreshTokens: z.boolean().default(false),
  /** Salesforce: a refresh token that comes again after it was rotated voids the whole grant. */
  reuseRevokesGrant: z.boolean().default(false),
  /** NetSuite: what a machine may sign its assertions with, by certificate id. */
  certificates: z.array(z.strictObject({ id: z.string().min(1), publicKey: z.string().min(1) })).default([]),
})

const limitsSchema = z.strictObject({
  /** HubSpot: requests in any 10 seconds, per app and account. */
  tenSecondlyMax: z.int().positive().default(110),
  /** HubSpot: search requests in any second, per account. */
  searchSecondlyMax: z.int().positive().default(5),
  /** Requests in any 24 hours, per account. */
  dailyMax: z.int().positive().optional(),
  /** Salesforce: long requests (over 20 seconds) under way at once. */
  concurrentLongMax: z.int().positive().default(25),
  /** Salesforce: a duplicate rule that refuses contacts with an e-mail address another one has. */
  refuseDuplicates: z.boolean().default(false),
  /** NetSuite: requests under way at once; without it, what the edition allows. */
  concurrencyMax: z.int().positive().optional(),
  /** NetSuite: how a request too many is refused; all three were seen in the wild. */
  concurrencyError: z.enum(['429', '400', 'login', 'any']).default('429'),
  /** NetSuite: how long an asynchronous job waits before it is worked on. */
  asyncJobMs: z.int().nonnegative().default(0),
  /** NetSuite: the time zone SuiteQL writes and reads dates in. */
  timeZone: z.string().default('America/Los_Angeles'),
  /** HubSpot: how long a write stays invisible to search. */
  searchLagMs: z.int().nonnegative().default(0),
  /** How long an OAuth access token lives (HubSpot 30 minutes; Salesforce idles out after 2 hours). */
  accessTokenLifetimeMs: z.int().positive().optional(),
})

export const accountInputSchema = z.strictObject({
  connector: z.enum(['hubspot', 'salesforce', 'netsuite']),
  /** HubSpot portal id (digits), Salesforce organization id (15 or 18 characters) or NetSuite account id. */
  id: z.string().min(1).max(32).optional(),
  name: z.string().min(1).max(200).optional(),
  /** HubSpot: professional, free, enterprise. Salesforce: enterprise, developer, … NetSuite: base, tier1 … tier5. @default the first */
  edition: z.string().optional(),
  /** Salesforce: licensed users; each raises the daily limit. @default 0 */
  users: z.int().nonnegative().default(0),
  /** NetSuite: SuiteCloud Plus licences; each allows ten more requests at once. @default 0 */
  suiteCloudPlus: z.int().nonnegative().default(0),
  apps: z.array(appSchema).max(20).default([]),
  limits: limitsSchema.prefault({}),
})

export type AccountInput = z.input<typeof accountInputSchema>
export type App = z.output<typeof appSchema>
export type Limits = z.output<typeof limitsSchema>

export interface ResolvedOptions {
  readonly port: number
  readonly dataFile: string | undefined
  readonly seed: string
  readonly now: () => number
  readonly sleep: Sleep
  readonly log: (line: string) => void
}

export function resolveOptions(options: SandboxOptions): ResolvedOptions {
  const port = options.port ?? 0
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RowhouseError('invalid_option', `port must be a whole number from 0 to 65535, not ${String(port)}.`)
  }
  return Object.freeze({
    port,
    dataFile: options.dataFile,
    seed: options.seed ?? 'rowhouse',
    now: options.now ?? Date.now,
    sleep: options.sleep ?? sleepWithTimers,
    log: options.log ?? (() => {}),
  })
}

/** Resolves the input of createAccount and of POST /_sandbox/accounts. Throws `invalid_option`. */
export function resolveAccount(input: unknown): z.output<typeof accountInputSchema> {
  const parsed = accountInputSchema.safeParse(input)
  if (!parsed.success) {
    throw new RowhouseError('invalid_option', `The account is not valid: ${z.prettifyError(parsed.error)}`)
  }
  return parsed.data
}

function sleepWithTimers(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, durationMs)
    signal.addEventListener('abort', done, { once: true })
  })
}
