// Findings that somebody accepted, with a reason and a day it ends: a file beside the code, reviewed like code.
import { RowhouseError } from '@rowhouse/contracts'
import type { AcceptedFinding, Finding } from './report.ts'

interface Entry {
  readonly code: string
  readonly object: string
  readonly reason: string
  /** The last day it is accepted, `2026-12-31`. */
  readonly expires: string
}

export interface Baseline {
  readonly version: 1
  readonly accepted: readonly Entry[]
}

/** What a new baseline says until somebody has written why. It is no reason, so parseBaseline refuses it. */
export const REASON_MISSING = 'Write here why this is accepted.'
const DAYS_BY_DEFAULT = 90

/** @throws RowhouseError invalid_option, naming the entry, for anything but a whole baseline */
export function parseBaseline(text: string): Baseline {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid(`it is not JSON: ${String(cause)}`, cause)
  }
  const { version, accepted } = (value ?? {}) as Partial<Baseline>
  if (version !== 1 || !Array.isArray(accepted)) throw invalid('it wants {"version": 1, "accepted": […]}')
  for (const [at, entry] of (accepted as Partial<Entry>[]).entries()) {
    for (const field of ['code', 'object', 'reason', 'expires'] as const)
      if (typeof entry?.[field] !== 'string' || entry[field].trim() === '')
        throw invalid(`entry ${at + 1} has no ${field}`)
    const { expires, object, reason } = entry as Entry
    if (!/^\d{4}-\d\d-\d\d$/.test(expires) || Number.isNaN(Date.parse(expires)))
      throw invalid(`entry ${at + 1} (${object}) expires on ${expires}, which is no day like 2026-12-31`)
    if (reason === REASON_MISSING) throw invalid(`entry ${at + 1} (${object}) still waits for its reason`)
  }
  return { version: 1, accepted: accepted as readonly Entry[] }
}

const invalid = (why: string, cause?: unknown): RowhouseError =>
  new RowhouseError('invalid_option', `The baseline cannot be used: ${why}.`, {
    ...(cause !== undefined && { cause }),
    hint: 'Begin one with --baseline-write FILE, then write a reason for each entry.',
  })

export interface Judged {
  readonly findings: readonly Finding[]
  readonly accepted: readonly AcceptedFinding[]
  readonly warnings: readonly string[]
}

/** Sets accepted findings apart. One that has expired counts again and says so; one that is not found is a warning. */
export function applyBaseline(findings: readonly Finding[], baseline: Baseline, today: string): Judged {
  const accepted: AcceptedFinding[] = []
  const warnings: string[] = []
  const used = new Set<Entry>()
  const counted = findings.flatMap((finding): Finding[] => {
    const entry = baseline.accepted.find(({ code, object }) => code === finding.code && object === finding.object)
    if (entry === undefined) return [finding]
    used.add(entry)
    const { reason, expires } = entry
    if (expires >= today) {
      accepted.push({ ...finding, reason, expires })
      return []
    }
    warnings.push(`${finding.code} on ${finding.object} was accepted until ${expires} (${reason}): it counts again.`)
    return [{ ...finding, message: `${finding.message} (Accepted until ${expires}, which has passed: ${reason})` }]
  })
  for (const entry of baseline.accepted)
    if (!used.has(entry))
      warnings.push(`${entry.code} on ${entry.object} is accepted in the baseline, and is not found: remove it.`)
  return { findings: counted, accepted, warnings }
}

/** A baseline of everything found, to begin with; beside the entries of an older one, which keep their reasons and days. */
export function writeBaseline(findings: readonly Finding[], today: string, old?: Baseline): string {
  const expires = new Date(Date.parse(today) + DAYS_BY_DEFAULT * 86_400_000).toISOString().slice(0, 10)
  const begun = findings.map(({ code, object }) => ({ code, object, reason: REASON_MISSING, expires }))
  const isBegun = ({ code, object }: Entry): boolean =>
    begun.some((entry) => entry.code === code && entry.object === object)
  const accepted = [...(old?.accepted ?? []).filter((entry) => !isBegun(entry)), ...begun]
  return `${JSON.stringify({ version: 1, accepted }, null, 2)}\n`
}
