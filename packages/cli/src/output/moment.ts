// Times and durations as people say them.

const steps = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'min', ms: 60_000 },
  { unit: 's', ms: 1000 },
] as const

/** `340 ms`, `12 s`, `3 min`, `2 h`, `5 d`. */
export function renderDuration(durationMs: number): string {
  const step = steps.find(({ ms }) => durationMs >= ms)
  return step === undefined ? `${Math.round(durationMs)} ms` : `${Math.floor(durationMs / step.ms)} ${step.unit}`
}

/** How far one side is behind the other: `in step`, `3 min`. */
export const renderLag = (lagMs: number): string => (lagMs === 0 ? 'in step' : renderDuration(lagMs))

/** `3 min ago`, or `never`. */
export function renderAgo(at: string | null, nowMs: number): string {
  if (at === null) return 'never'
  const ageMs = nowMs - Date.parse(at)
  return ageMs < 1000 ? 'just now' : `${renderDuration(ageMs)} ago`
}
