// `rowhouse doctor`: is everything as it should be? Looks, changes nothing.
import type { Command } from 'commander'
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import { loginUrl, schemaVersion } from '@rowhouse/database'
import { Client } from 'pg'
import { createRowhouse } from 'rowhouse'
import { requireUrl } from '../environment.ts'
import { makePrinter } from '../output/printer.ts'
import { requireSigningKey } from '../signing-key.ts'

export interface Check {
  readonly check: string
  readonly status: 'ok' | 'warning' | 'error'
  readonly message: string
  readonly fix: string | null
}

/** Releases before these lack a security fix that matters to isolation (CVE-2024-10976, CVE-2025-8713 and later). */
const safeVersions: Record<number, number> = { 15: 20, 16: 16, 17: 12, 18: 7 }

export function defineDoctor(doctor: Command): void {
  doctor.option('--json', 'print JSON').action(async (options: { readonly json?: boolean }) => {
    const checks = await examine(requireUrl(process.env), requireSigningKey(process.env))
    if (checks.some(({ status }) => status === 'error')) process.exitCode = 1
    makePrinter(options.json === true).print(checks, () => renderChecks(checks))
  })
}

/** @throws RowhouseError database_unreachable and what else keeps it from looking at all */
export async function examine(url: string, signingKey: string): Promise<Check[]> {
  const checks: Check[] = []
  const client = new Client({
    connectionString: loginUrl(url, 'rowhouse_control', signingKey),
    connectionTimeoutMillis: 10_000,
  })
  try {
    await client.connect()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const refused = (cause as { code?: string }).code?.startsWith('28') === true
    throw new RowhouseError(
      refused ? 'database_login_refused' : 'database_unreachable',
      `rowhouse_control cannot log in: ${reason}`,
      {
        cause,
        ...(refused && { hint: 'Run rowhouse install with this signing key.' }),
      },
    )
  }
  try {
    checks.push(await checkVersion(client), await checkSchema(client))
    checks.push(await checkRuntime(loginUrl(url, 'rowhouse_app', signingKey), signingKey))
    checks.push(...(await checkIssuer(process.env)), ...(await checkFindings(client)))
    checks.push(...(await checkCredentialStore(process.env, loginUrl(url, 'rowhouse_control', signingKey))))
  } finally {
    await client.end()
  }
  return checks
}

async function checkVersion(client: Client): Promise<Check> {
  const { rows } = await client.query<{ number: string; version: string }>(
    `select current_setting('server_version_num') as number, split_part(current_setting('server_version'), ' ', 1) as version`,
  )
  const { number, version } = rows[0] as { number: string; version: string }
  const [major, minor] = [Math.floor(Number(number) / 10_000), Number(number) % 10_000]
  const safe = safeVersions[major]
  const old = safe !== undefined && minor < safe
  return {
    check: 'postgres_version',
    status: old ? 'warning' : 'ok',
    message: `Postgres ${version}`,
    fix: old ? `Upgrade to ${major}.${safe} or newer: it has security fixes that matter to isolation.` : null,
  }
}

async function checkSchema(client: Client): Promise<Check> {
  const { rows } = await client.query<{ schema_version: number }>('select schema_version from rowhouse.handshake()')
  const installed = rows[0]?.schema_version ?? 0
  return {
    check: 'schema_version',
    status: installed === schemaVersion ? 'ok' : 'error',
    message: `schema version ${installed}, this program knows ${schemaVersion}`,
    fix:
      installed === schemaVersion
        ? null
        : installed < schemaVersion
          ? 'Run: rowhouse upgrade'
          : 'Upgrade this program.',
  }
}

/** The runtime's own handshake: login, keys, clock. An organization that cannot exist is the answer of a sound one. */
async function checkRuntime(appUrl: string, signingKey: string): Promise<Check> {
  const rowhouse = createRowhouse({ url: appUrl, signingKey })
  try {
    await rowhouse.as({ organizationId: '00000000-0000-4000-8000-000000000000', service: 'doctor' }).query('select 1')
  } catch (error) {
    if (!isRowhouseError(error)) throw error
    if (error.code !== 'organization_not_found')
      return { check: 'runtime', status: 'error', message: `${error.code}: ${error.message}`, fix: error.hint }
  } finally {
    await rowhouse.close()
  }
  return {
    check: 'runtime',
    status: 'ok',
    message: 'rowhouse_app logs in, row-level security holds it, keys and clock agree',
    fix: null,
  }
}

/** Nothing to check where no identity provider is configured. */
async function checkIssuer(environment: NodeJS.ProcessEnv): Promise<Check[]> {
  if (environment['ROWHOUSE_ISSUER'] === undefined) return []
  const rowhouse = createRowhouse({ url: requireUrl(environment), signingKey: requireSigningKey(environment) })
  try {
    await rowhouse.checkIssuer()
  } catch (error) {
    if (!isRowhouseError(error)) throw error
    return [{ check: 'issuer', status: 'error', message: `${error.code}: ${error.message}`, fix: error.hint }]
  } finally {
    await rowhouse.close()
  }
  return [{ check: 'issuer', status: 'ok', message: 'the identity provider publishes its keys', fix: null }]
}

async function checkFindings(client: Client): Promise<Check[]> {
  const { rows } = await client.query<{
    code: string
    severity: string
    object: string
    message: string
    fix: string | null
  }>('select code, severity, object, message, fix from rowhouse.findings() order by code, object')
  if (rows.length === 0)
    return [{ check: 'findings', status: 'ok', message: 'every protected table is as protect() made it', fix: null }]
  return rows.map(({ code, severity, object, message, fix }) => ({
    check: code,
    status: severity === 'error' ? 'error' : 'warning',
    message: `${object}: ${message}`,
    fix,
  }))
}

/** The store that is set up, and what rests in others. */
async function checkCredentialStore(environment: NodeJS.ProcessEnv, controlUrl: string): Promise<Check[]> {
  const { readStoreConfig } = await import('@rowhouse/server')
  const { examineStore } = await import('@rowhouse/sync')
  const check = 'credential_store'
  try {
    const found = await examineStore(readStoreConfig(environment), controlUrl)
    const checks: Check[] = [
      { check, status: found.ok ? 'ok' : 'error', message: `${found.store}: ${found.message}`, fix: found.fix },
    ]
    if (found.unreachable > 0)
      checks.push({
        check: 'credential_store_other',
        status: 'error',
        message: `${found.unreachable} connections have their credentials in hashicorp_vault, which is not set up here`,
        fix: 'Set VAULT_ADDR and a way to log in, and run: rowhouse key move-store',
      })
    else if (found.elsewhere > 0)
      checks.push({
        check: 'credential_store_other',
        status: 'warning',
        message: `${found.elsewhere} connections have their credentials in another store`,
        fix: 'Run: rowhouse key move-store',
      })
    return checks
  } catch (error) {
    if (!isRowhouseError(error)) throw error
    return [{ check, status: 'error', message: `${error.code}: ${error.message}`, fix: error.hint }]
  }
}

export function renderChecks(checks: readonly Check[]): string {
  const marks = { ok: 'ok     ', warning: 'warning', error: 'error  ' }
  const lines = checks.map(
    ({ check, status, message, fix }) =>
      `${marks[status]}  ${check}: ${message}${fix === null ? '' : `\n         ${fix}`}`,
  )
  const errors = checks.filter(({ status }) => status === 'error').length
  return `${lines.join('\n')}\n\n${errors === 0 ? 'Nothing is broken.' : `${errors} ${errors === 1 ? 'thing is' : 'things are'} broken.`}\n`
}
