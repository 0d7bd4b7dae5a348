// What commands read from the environment, each with its own refusal.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'
import { createClient } from '@rowhouse/client'
import type { Client } from '@rowhouse/client'

export const DEFAULT_PORT = 4100
export const DEFAULT_FOLDER = '.rowhouse'

/**
 * `ROWHOUSE_URL`, else the database of the development stack that runs in this folder.
 *
 * @throws RowhouseError url_missing, invalid_option
 */
export function requireUrl(environment: NodeJS.ProcessEnv): string {
  const url = stackOf(environment)?.databaseUrl ?? environment['ROWHOUSE_URL']
  if (url === undefined || url === '') throw new RowhouseError('url_missing')
  if (!URL.canParse(url))
    throw new RowhouseError('invalid_option', 'ROWHOUSE_URL is not a URL.', {
      hint: 'It looks like this: postgres://user:password@host:5432/database',
    })
  return url
}

/** A port from an option or the environment. @throws RowhouseError invalid_option */
export function readPort(option: string | undefined, environment: NodeJS.ProcessEnv): number {
  const given = option ?? environment['ROWHOUSE_PORT'] ?? String(DEFAULT_PORT)
  const port = Number(given)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RowhouseError('invalid_option', `${given} is no port: a whole number from 0 to 65535.`)
  return port
}

/**
 * The API that commands talk to: `ROWHOUSE_PUBLIC_URL` with `ROWHOUSE_OPERATOR_KEY`, else the development
 * stack that runs in this folder.
 *
 * @throws RowhouseError operator_key_missing
 */
export function openApi(environment: NodeJS.ProcessEnv, folder: string = DEFAULT_FOLDER): Client {
  const operatorKey = environment['ROWHOUSE_OPERATOR_KEY']
  const stack = operatorKey === undefined ? readStack(folder) : null
  if (operatorKey === undefined && stack === null)
    throw new RowhouseError('operator_key_missing', undefined, {
      hint: 'Set ROWHOUSE_OPERATOR_KEY and ROWHOUSE_PUBLIC_URL, or start a development stack here: rowhouse dev',
    })
  const headers = { authorization: `Bearer ${operatorKey ?? stack?.operatorKey}` }
  return createClient({ baseUrl: apiUrl(environment, folder), headers })
}

/** Where the API and the console are, without a slash at the end. @throws RowhouseError invalid_option */
export function apiUrl(environment: NodeJS.ProcessEnv, folder: string = DEFAULT_FOLDER): string {
  const stack = environment['ROWHOUSE_OPERATOR_KEY'] === undefined ? readStack(folder) : null
  const url = stack?.api ?? environment['ROWHOUSE_PUBLIC_URL'] ?? `http://127.0.0.1:${readPort(undefined, environment)}`
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new RowhouseError('invalid_option', 'ROWHOUSE_PUBLIC_URL is not a URL.', {
      hint: 'It looks like this: https://rowhouse.example.com',
    })
  return url.replace(/\/+$/, '')
}

interface RunningStack {
  readonly api: string
  readonly operatorKey: string
  /** As the tenant login; the passwords of the others follow from the signing key. */
  readonly databaseUrl: string
  readonly signingKey: string
}

/** The development stack of this folder, where no database is named: a URL never goes with the key of another database. */
export const stackOf = (environment: NodeJS.ProcessEnv): RunningStack | null =>
  (environment['ROWHOUSE_URL'] ?? '') === '' ? readStack(DEFAULT_FOLDER) : null

function readStack(folder: string): RunningStack | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'ready.json'), 'utf8')) as RunningStack
  } catch {
    return null
  }
}
