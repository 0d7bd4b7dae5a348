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

/** Commander has no null for an option: what its parser makes null arrives as an empty text. Here it is null again. */
export function withNulls<Options extends object>(options: Options): Options {
  const entries = Object.entries(options).map(([name, value]) => [name, value === '' ? null : (value as unknown)])
  return Object.fromEntries(entries) as Options
}
