// Options that are lists and numbers, read once for every command that takes them.
import { InvalidArgumentError } from 'commander'

export const list = (text: string): string[] =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')

export function wholeNumber(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('It takes a whole number.')
  return Number(text)
}

/** `none` takes a bound away. */
export const numberOrNone = (text: string): number | null => (text === 'none' ? null : wholeNumber(text))

/** `any` takes a wish away. */
export const nameOrAny = (text: string): string | null => (text === 'any' ? null : text)
