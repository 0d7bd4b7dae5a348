// What was typed after `rowhouse migrate`, as the pace of a rollout.
import { RowhouseError } from '@rowhouse/contracts'
import { loginUrl } from '@rowhouse/database'
import type { RolloutPace } from '@rowhouse/fleet'
import { requireUrl } from '../../environment.ts'
import { requireSigningKey } from '../../signing-key.ts'

export interface PacedOptions {
  readonly dir?: string
  readonly json?: boolean
  readonly canary?: string
  readonly waves: string
  readonly errors: string
  readonly connections: string
  readonly databases: string
  readonly lockTimeout: string
  readonly lockAttempts: string
  readonly judgeTimeout: string
}

/** @throws RowhouseError invalid_option for what is no number; bounds are rollOut()'s affair */
export function readPaceOptions(options: PacedOptions): Partial<RolloutPace> {
  return {
    canaries: list(options.canary ?? ''),
    waves: list(options.waves).map((share) => number('--waves', share)),
    errors: options.errors.endsWith('%')
      ? `${number('--errors', options.errors.slice(0, -1))}%`
      : number('--errors', options.errors),
    connections: number('--connections', options.connections),
    databases: number('--databases', options.databases),
    lockTimeoutMs: number('--lock-timeout', options.lockTimeout),
    lockAttempts: number('--lock-attempts', options.lockAttempts),
    judgeTimeoutMs: number('--judge-timeout', options.judgeTimeout),
  }
}

const list = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')

function number(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new RowhouseError('invalid_option', `${flag} takes a number, not '${text}'.`)
}

/** The catalogue, as the login that migrates. @throws RowhouseError url_missing, signing_key_missing */
export const catalogueUrl = (): string =>
  loginUrl(requireUrl(process.env), 'rowhouse_migrator', requireSigningKey(process.env))
