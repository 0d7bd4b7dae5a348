// The text of a schema that bears on isolation. Two databases with equal fingerprints hold organizations apart in the
// same way; where they differ, the difference is named.
import type { ClientBase } from 'pg'

import type { NotCovered } from '../report/report.ts'
import { fingerprintSql } from '../generated/catalogue.ts'
import { flatten } from './flatten.ts'
import { inReadOnlySnapshot } from './read-catalogue.ts'

/** Lines by the object they are about, both sorted. */
export type Fingerprint = ReadonlyMap<string, readonly string[]>

/** Reads the catalogue of the database that `client` is connected to; no user table is touched. */
export async function fingerprint(client: ClientBase): Promise<Fingerprint> {
  return inReadOnlySnapshot(client, async () => {
    const { rows } = await client.query<{ object: string; line: string }>(fingerprintSql)
    const lines = new Map<string, string[]>()
    for (const { object, line } of rows) {
      const known = lines.get(object)
      if (known === undefined) lines.set(object, [line])
      else known.push(line)
    }
    return lines
  })
}

/** From Postgres 16 on, a query over one relation comes back without the relation's name before each column. */
const unqualified = (line: string): string =>
  line.startsWith('query ') ? line.replaceAll(/(?:"(?:[^"]|"")*"|\b[\p{L}_][\p{L}\d_$]*)\.(?=["\p{L}_*])/gu, '') : line

/** Roles that the scratch server has of its own are no part of the source. */
const isRole = (object: string): boolean => object.startsWith('role ')

/**
 * What differs between a source and its copy, one entry an object.
 *
 * @param isSameServer whether both have the same roles: one that is gone was dropped by somebody since
 * @param isSameVersion whether both write queries the same way
 * @example
 * compareFingerprints(source, copy)
 * // [{ object: 'table public.notes', probe: 'copy', reason: 'it differs in the copy: − policy … / + …' }]
 */
export function compareFingerprints(
  source: Fingerprint,
  copy: Fingerprint,
  isSameServer = false,
  isSameVersion = true,
): NotCovered[] {
  const text = (line: string): string => flatten(isSameVersion ? line : unqualified(line))
  const differences: NotCovered[] = []
  for (const object of [...new Set([...source.keys(), ...copy.keys()])].toSorted()) {
    const [inSource, inCopy] = [source.get(object) ?? [], copy.get(object) ?? []]
    // Almost all: taking every text of thousands of tables apart takes seconds.
    if (inSource.length === inCopy.length && inSource.every((line, at) => line === inCopy[at])) continue
    const there = inSource.map(text)
    const here = inCopy.map(text)
    if (isRole(object) && (there.length === 0 || (here.length === 0 && isSameServer))) continue
    const lost = there.filter((line) => !here.includes(line))
    const added = here.filter((line) => !there.includes(line))
    if (lost.length + added.length === 0 && there.length === here.length) continue
    const texts = [...lost.map((line) => `− ${line}`), ...added.map((line) => `+ ${line}`)].slice(0, LINES_SHOWN_MAX)
    differences.push({ object, probe: 'copy', reason: `it differs in the copy: ${texts.join(' / ')}` })
  }
  return differences
}

const LINES_SHOWN_MAX = 4
