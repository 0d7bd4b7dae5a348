// Instants as the field of a date and time has them: in the clock of whoever looks, to the minute. Pure.

const two = (value: number): string => String(value).padStart(2, '0')

/** `2026-03-10T12:00`; empty for none. */
export function toField(instant: string | undefined): string {
  if (instant === undefined) return ''
  const at = new Date(instant)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`
}

/** Undefined for what is none yet. */
export function fromField(text: string): string | undefined {
  const at = Date.parse(text)
  return text === '' || Number.isNaN(at) ? undefined : new Date(at).toISOString()
}
