// A bar with what is known beside it, in as many columns as there are.

const BAR_MAX = 30
const BAR_MIN = 10

/**
 * `  [######........] 43 %  430/1000 homes, 12 s left`
 *
 * @param share done, 0 to 1
 * @param texts what to say beside it, the most first; the first that leaves room for a bar is said, else the last without one
 */
export function renderBar(share: number, texts: readonly string[], width: number): string {
  const percent = `${Math.floor(share * 100)} %`
  for (const text of texts) {
    const room = Math.min(BAR_MAX, width - `  [] ${percent}  ${text}`.length)
    if (room < BAR_MIN) continue
    const filled = Math.round(share * room)
    return `  [${'#'.repeat(filled)}${'.'.repeat(room - filled)}] ${percent}  ${text}`
  }
  return `  ${percent}  ${texts.at(-1) ?? ''}`
}
