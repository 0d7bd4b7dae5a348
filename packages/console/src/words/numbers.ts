// Counts and shares in words and digits.

const whole = new Intl.NumberFormat('en')

/** `1,234,567`. */
export const formatCount = (count: number): string => whole.format(count)

const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `640 B`, `1.4 MB`; powers of a thousand. */
export function formatBytes(bytes: number): string {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  const amount = bytes / 1000 ** power
  return `${power === 0 || amount >= 10 ? Math.round(amount) : amount.toFixed(1)} ${units[power]}`
}

/** `1 record`, `1,200 records`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** Share of a whole in percent, 0 to 100; never 100 before all is done, never 0 once something is. */
export function percentOf(part: number, whole: number): number {
  if (whole <= 0 || part <= 0) return 0
  if (part >= whole) return 100
  return Math.min(99, Math.max(1, Math.round((part / whole) * 100)))
}
