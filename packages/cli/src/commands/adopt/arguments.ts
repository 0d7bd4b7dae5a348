// What was typed after `rowhouse adopt`, as the options of adopt().
import { RowhouseError } from '@rowhouse/contracts'
import { defaultPace, loginUrl } from '@rowhouse/database'
import type { AdoptOptions, Pace } from '@rowhouse/database'
import { requireUrl } from '../../environment.ts'
import { requireSigningKey } from '../../signing-key.ts'

export interface AdoptCommandOptions {
  readonly from?: readonly string[]
  readonly parent?: readonly string[]
  readonly orphansTo?: string
  readonly protect?: string
  readonly published?: boolean
  readonly fireTriggers?: boolean
  readonly plan?: boolean
  readonly undo?: boolean
  readonly yes?: boolean
  readonly json?: boolean
  readonly batchMs: string
  readonly rest: string
  readonly lockTimeout: string
  readonly lockHold: string
}

/** @throws RowhouseError invalid_option */
export function readAdoptOptions(tables: readonly string[], options: AdoptCommandOptions): AdoptOptions {
  return {
    tables,
    from: byTable('--from', tables, options.from ?? []),
    parent: byTable('--parent', tables, options.parent ?? []),
    ...(options.orphansTo !== undefined && { orphansTo: options.orphansTo }),
    ...(options.protect !== undefined && { protect: readObject(options.protect) }),
    published: options.published === true,
    fireTriggers: options.fireTriggers === true,
  }
}

/** `table=value`; the table may be left out when only one is named. */
function byTable(flag: string, tables: readonly string[], given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const table = tables.find((name) => text.startsWith(`${name}=`))
      if (table !== undefined) return [table, text.slice(table.length + 1)]
      const [only] = tables
      if (tables.length === 1 && only !== undefined) return [only, text]
      throw new RowhouseError('invalid_option', `${flag} ${text} does not say which table it is for.`, {
        hint: `Write ${flag} '<table>=…' with one of ${tables.join(', ')}.`,
      })
    }),
  )
}

function readObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw new RowhouseError('invalid_option', `--protect takes a JSON object, not ${text}.`)
}

/** @throws RowhouseError invalid_option */
export function readPace({ batchMs, rest, lockTimeout, lockHold }: AdoptCommandOptions): Pace {
  const number = (flag: string, text: string, min: number, max: number): number => {
    const value = Number(text)
    if (text !== '' && value >= min && value <= max) return value
    throw new RowhouseError('invalid_option', `${flag} takes a number from ${min} to ${max}, not ${text}.`)
  }
  return {
    ...defaultPace,
    batchMs: number('--batch-ms', batchMs, 5, 10_000),
    rest: number('--rest', rest, 0, 0.95),
    switchTimeoutMs: Math.round(number('--lock-hold', lockHold, 10, 60_000)),
    lockTimeoutMs: Math.round(number('--lock-timeout', lockTimeout, 1, 10_000)),
  }
}

/**
 * ROWHOUSE_URL as it is: a superuser, the owner of the tables, postgres on Supabase. The logins of the runtime may not
 * change tables: in their place the migrator's is used, whose password follows from the signing key.
 *
 * @throws RowhouseError url_missing, signing_key_missing
 */
export function adoptUrl(environment: NodeJS.ProcessEnv): string {
  const url = requireUrl(environment)
  const { username } = new URL(url)
  if (username !== 'rowhouse_app' && username !== 'rowhouse_control') return url
  return loginUrl(url, 'rowhouse_migrator', requireSigningKey(environment))
}
