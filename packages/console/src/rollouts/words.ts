// What a rollout's state is called, and which of them may be gone on with.
import type { Rollout } from '@rowhouse/contracts'
import type { Tone } from '../words/connection.ts'

export const stateWords: Record<Rollout['state'], { readonly word: string; readonly tone: Tone }> = {
  running: { word: 'Running', tone: 'busy' },
  interrupted: { word: 'Interrupted', tone: 'warn' },
  stopped: { word: 'Stopped', tone: 'bad' },
  incomplete: { word: 'Incomplete', tone: 'warn' },
  done: { word: 'Done', tone: 'ok' },
  superseded: { word: 'Taken over by a later one', tone: 'off' },
}

export const isResumable = ({ state }: Rollout): boolean =>
  state === 'interrupted' || state === 'stopped' || state === 'incomplete'

/** `2026-01-31 12:00:00 UTC`, of a version that is a moment of this century; else as it is, as those that are only counted. */
export function formatVersion(version: string): string {
  const [, year, month, day, hour, minute, second] = /^(20\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(version) ?? []
  return year === undefined ? version : `${year}-${month}-${day} ${hour}:${minute}:${second} UTC`
}

export interface Seen {
  readonly atMs: number
  readonly done: number
}

/** Time that the homes that are left will take, by those that were done while one looked; null while nothing is known. */
export function leftMs(first: Seen | null, now: Seen, left: number): number | null {
  if (first === null || now.done <= first.done || now.atMs <= first.atMs) return null
  return Math.round(((now.atMs - first.atMs) / (now.done - first.done)) * left)
}
