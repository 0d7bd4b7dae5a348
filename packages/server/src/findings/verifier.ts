// Runs the rules of `rowhouse verify` over the catalogue's database, one run at a time for all processes, and keeps what the
// last ones found. It reads as the control login, which sees the catalogue and no tenant's rows; it attacks nothing, because
// that needs a superuser of a server of its own.
import { verifyDatabase } from '@rowhouse/verify'
import type { VerifyReport } from '@rowhouse/verify'
import type { Catalogue } from '../catalogue/catalogue.ts'

/** A rule may take a minute; one that stands still for longer than this has lost its process. */
const STILL_MS = 180_000
const TELL_EVERY_MS = 250
const KEPT_RUNS = 20
const DRAIN_MS = 10_000

export interface Run {
  readonly state: 'running' | 'done' | 'failed'
  readonly started_at: Date
  readonly rules_done: number
  readonly rules_total: number
  readonly error: string | null
}

export interface Verifier {
  /** Begins a run, unless one is under way. */
  start(): Promise<void>
  /** The newest run, and what the newest that ended found. */
  read(): Promise<{ readonly run: Run | null; readonly report: VerifyReport | null }>
  /** Waits for a run of this process, 10 s at the longest; what is left is known as dead by the next one to start. */
  stop(): Promise<void>
}

export interface VerifierOptions {
  readonly catalogue: Pick<Catalogue, 'query'>
  /** The control login. */
  readonly url: string
  readonly onError: (error: unknown) => void
  /** @default verifyDatabase */
  readonly verify?: typeof verifyDatabase
  /** Epoch milliseconds. @default Date.now */
  readonly now?: () => number
}

export function createVerifier(options: VerifierOptions): Verifier {
  const { catalogue, url, onError, verify = verifyDatabase, now = Date.now } = options
  let running: Promise<void> = Promise.resolve()

  const run = async (id: string): Promise<void> => {
    let told: Promise<unknown> = Promise.resolve()
    let toldAtMs = 0
    const tell = (done: number, total: number): void => {
      if (now() - toldAtMs < TELL_EVERY_MS) return
      toldAtMs = now()
      told = told
        .then(() =>
          catalogue.query(
            'update rowhouse.verifications set rules_done = $2, rules_total = $3, progressed_at = clock_timestamp() where id = $1',
            [id, done, total],
          ),
        )
        .catch(onError)
    }
    try {
      const report = await verify(url, { onProgress: tell })
      await told
      await catalogue.query(
        `update rowhouse.verifications set state = 'done', report = $2, rules_done = $3, rules_total = $3, progressed_at = clock_timestamp()
         where id = $1 and state = 'running'`,
        [id, JSON.stringify(report), report.examined.rules],
      )
    } catch (error) {
      await told
      onError(error)
      await catalogue.query(
        `update rowhouse.verifications set state = 'failed', error = $2 where id = $1 and state = 'running'`,
        [id, error instanceof Error ? error.message : 'It ended without a reason.'],
      )
    }
    await catalogue.query(
      `delete from rowhouse.verifications v where v.state <> 'running'
         and v.id not in (select k.id from rowhouse.verifications k order by k.id desc limit $1)`,
      [KEPT_RUNS],
    )
  }

  return {
    async start() {
      await catalogue.query(
        `update rowhouse.verifications set state = 'failed', error = 'The process that ran it has ended.'
         where state = 'running' and progressed_at < clock_timestamp() - $1 * interval '1 millisecond'`,
        [STILL_MS],
      )
      const [begun] = await catalogue.query<{ id: string }>(
        `insert into rowhouse.verifications default values on conflict (state) where state = 'running' do nothing returning id::text`,
      )
      if (begun !== undefined) running = run(begun.id).catch(onError)
    },
    async read() {
      const [newest] = await catalogue.query<Run>(
        'select state, started_at, rules_done, rules_total, error from rowhouse.verifications order by id desc limit 1',
      )
      const [ended] = await catalogue.query<{ report: VerifyReport }>(
        `select report from rowhouse.verifications where state = 'done' order by id desc limit 1`,
      )
      return { run: newest ?? null, report: ended?.report ?? null }
    },
    async stop() {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, DRAIN_MS)
      })
      await Promise.race([running, late])
      clearTimeout(timer)
    },
  }
}
