// Reading one variable of the environment, and refusing one.
import { RowhouseError } from '@rowhouse/contracts'
import type { ErrorCode } from '@rowhouse/contracts'

const keyLengthMin = 32

export type Environment = Readonly<Record<string, string | undefined>>

export function text(env: Environment, name: string): string | null {
  const value = env[name]?.trim()
  return value === undefined || value === '' ? null : value
}

export function key(env: Environment, name: string, missing: ErrorCode, tooShort: ErrorCode): string {
  const value = env[name]
  if (value === undefined || value === '') throw new RowhouseError(missing)
  if (value.length < keyLengthMin) throw new RowhouseError(tooShort)
  return value
}

export function httpUrl(env: Environment, name: string): string | null {
  const value = text(env, name)
  if (value === null) return null
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) throw refuse(name, 'an http or https URL')
  return value.replace(/\/+$/, '')
}

export function refuse(name: string, takes: string): RowhouseError {
  return new RowhouseError('invalid_option', `${name} must be ${takes}.`, { details: { option: name } })
}
