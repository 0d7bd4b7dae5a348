// One verification: connect, ask the rules, set accepted findings apart, say what it comes to.
import { RowhouseError } from '@rowhouse/contracts'
import { Client } from 'pg'
import { findStatically } from './findings/run.ts'
import { chooseRules, ruleOfCode } from './findings/rules.ts'
import type { Rule } from './findings/rules.ts'
import type { RunOptions } from './findings/run.ts'
import { applyBaseline } from './report/baseline.ts'
import type { Baseline } from './report/baseline.ts'
import { outcomeOf } from './report/outcome.ts'
import type { Severity, VerifyReport } from './report/report.ts'

export interface VerifyOptions extends RunOptions {
  /** The database under test, as any login; it is read only. */
  readonly url: string
  /** The least severity that makes the outcome `findings`. @default 'warning' */
  readonly failOn?: Severity
  readonly baseline?: Baseline
  /** @default the clock */
  readonly now?: () => Date
}

const CONNECT_TIMEOUT_MS = 15_000
const APPLICATION_NAME = 'rowhouse verify'

/**
 * Asks every rule of a database, Rowhouse installed or not, and changes nothing.
 *
 * @example const { outcome, findings } = await verify({ url: process.env.DATABASE_URL })
 * @throws RowhouseError database_unreachable, database_login_refused, postgres_too_old, invalid_option
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const now = options.now ?? (() => new Date())
  const started = now()
  const client = await connect(options.url)
  try {
    const { model, findings: found, undecided } = await findStatically(client, options)
    const rowhouse = model.rowhouse ? await schemaVersionOf(client) : null
    const today = started.toISOString().slice(0, 10)
    const chosen = chooseRules(options.rules)
    const { findings, accepted, warnings } = applyBaseline(found, onlyOf(options.baseline, chosen), today)
    return {
      version: 1,
      startedAt: started.toISOString(),
      durationMs: now().getTime() - started.getTime(),
      database: {
        name: model.database,
        serverVersion: model.version,
        rowhouse,
        supabase: model.supabase,
        login: model.login,
      },
      examined: {
        rules: chosen.length,
        tables: model.tables.map(({ name }) => name),
        tenantTable: model.tenantTable,
        roles: model.roles.map(({ name }) => name),
        tenantSchemas: model.tenantSchemas.map(({ name }) => name),
      },
      findings,
      accepted,
      warnings,
      attack: null,
      outcome: outcomeOf(findings, undecided, options.failOn ?? 'warning'),
      undecided,
    }
  } finally {
    await client.end()
  }
}

/** An entry of a rule that was not asked is neither found nor missing. */
const onlyOf = (baseline: Baseline | undefined, chosen: readonly Rule[]): Baseline => ({
  version: 1,
  accepted: (baseline?.accepted ?? []).filter(
    ({ code }) => ruleOfCode(code) === undefined || chosen.some((rule) => rule.code === code),
  ),
})

async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: APPLICATION_NAME,
  })
  // A connection that breaks between two queries fails the next one; without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ number: string }>(`select current_setting('server_version_num') as number`)
    if (Number(rows[0]?.number) < 150_000) throw new RowhouseError('postgres_too_old')
    return client
  } catch (cause) {
    await client.end().catch(() => {})
    if (cause instanceof RowhouseError) throw cause
    const refused = (cause as { code?: string }).code?.startsWith('28') === true
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RowhouseError(refused ? 'database_login_refused' : 'database_unreachable', `Cannot connect: ${reason}`, {
      cause,
    })
  }
}

/** Null where this login may not read it. */
async function schemaVersionOf(client: Client): Promise<number | null> {
  try {
    const { rows } = await client.query<{ version: number }>('select max(version) as version from rowhouse.migrations')
    return rows[0]?.version ?? null
  } catch {
    return null
  }
}
