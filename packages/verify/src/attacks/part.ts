// A part of a schema, attacked alone because somebody named it: while one finding is mended, or where the whole takes hours.
// All of the schema is copied and planted, so that ways through it are open; only what is tried is less, and it is counted.
import { RowhouseError } from '@rowhouse/contracts'

import { connect } from '../connect.ts'
import type { Part } from '../report/report.ts'
import { objectOfFunction } from './probes/functions.ts'
import { objectOf } from './probes/target.ts'
import { nameOf } from './surface/relations.ts'
import { readSurface } from './surface/surface.ts'
import type { Surface } from './surface/surface.ts'
import type { Cell } from './tally.ts'

export interface Chosen {
  /** As findings name them: `table public.contacts`. */
  readonly objects: ReadonlySet<string>
  /** What was asked for and is not there. */
  readonly missing: readonly string[]
}

const NAMES_SHOWN = 5

type Named = Pick<Surface, 'relations' | 'functions' | 'triggerFunctions' | 'sequences'>

/**
 * @param only `public.contacts`, `public.f`, `public.f(uuid)`, `app.*`, or as a finding says it: `table public.contacts`
 * @param isSkipped whether nothing of the schema is attacked
 */
export function choose(only: readonly string[], surface: Named, isSkipped = (_schema: string) => false): Chosen {
  const known = namesOf(surface, isSkipped)
  const objects = new Set<string>()
  const missing = only.filter((wanted) => {
    const found = known.filter(({ names }) => names.some(matching(wanted)))
    for (const { object } of found) objects.add(object)
    return found.length === 0
  })
  return { objects, missing }
}

/**
 * Asked of the database under test, before anything is copied.
 *
 * @throws RowhouseError invalid_option for a name that nothing there has; what connect() throws
 */
export async function requireNamed(url: string, only: readonly string[]): Promise<void> {
  const client = await connect(url)
  try {
    const surface = await readSurface(client, [])
    const { missing } = choose(only, surface)
    if (missing.length === 0 && only.length > 0) return
    if (only.length === 0) throw new RowhouseError('invalid_option', 'No object is named that is to be attacked alone.')
    const near = namesOf(surface)
      .flatMap(({ names: [, name = ''] }) => name)
      .filter((name) => missing.some((wanted) => name.endsWith(`.${wanted}`)))
    throw new RowhouseError('invalid_option', `Nothing in the database is called ${missing.join(', ')}.`, {
      hint:
        near.length > 0
          ? `There is ${[...new Set(near)].slice(0, NAMES_SHOWN).join(', ')}.`
          : 'Tables, views, functions and sequences are named with their schema: public.contacts, public.f, app.*',
    })
  } finally {
    await client.end()
  }
}

export function partOf(only: readonly string[], { objects }: Chosen, leftOut: readonly Cell[]): Part {
  return {
    only,
    objects: [...objects].toSorted(),
    leftOutProbes: leftOut.length,
    leftOutObjects: new Set(leftOut.map(({ probe }) => probe.object)).size,
  }
}

/** Each with what somebody may call it, the object of a finding first. */
function namesOf(
  { relations, functions, triggerFunctions, sequences }: Named,
  isSkipped = (_schema: string): boolean => false,
): { readonly object: string; readonly names: readonly string[] }[] {
  const all = [
    ...relations.map((one) => ({ schema: one.schema, object: objectOf(one), names: [nameOf(one)] })),
    ...functions.map((one) => ({
      schema: one.schema,
      object: objectOfFunction(one),
      names: [nameOf(one), one.signature],
    })),
    ...triggerFunctions.map((one) => ({
      schema: one.schema,
      object: `function ${nameOf(one)}()`,
      names: [nameOf(one), `${nameOf(one)}()`],
    })),
    ...sequences.map((one) => ({ schema: one.schema, object: `sequence ${nameOf(one)}`, names: [nameOf(one)] })),
  ]
  return all
    .filter(({ schema }) => !isSkipped(schema))
    .map(({ object, names }) => ({ object, names: [object, ...names] }))
}

/** A star stands for any letters. */
function matching(wanted: string): (name: string) => boolean {
  if (!wanted.includes('*')) return (name) => name === wanted
  const parts = wanted.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
  const pattern = new RegExp(`^${parts.join('.*')}$`, 's')
  return (name) => pattern.test(name)
}
