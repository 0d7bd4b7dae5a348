// What a name on the command line means.
import { describe, expect, it } from 'vitest'

import { choose } from './part.ts'
import type { CallableFunction } from './surface/functions.ts'
import type { Relation } from './surface/relations.ts'

const relation = (schema: string, name: string, kind: Relation['kind'] = 'r') => ({ schema, name, kind }) as Relation
const fn = (name: string, given: string, isProcedure = false) =>
  ({ schema: 'app', name, signature: `app.${name}(${given})`, isProcedure }) as CallableFunction

const surface = {
  relations: [
    relation('public', 'letters'),
    relation('public', 'all letters', 'v'),
    relation('app', 'let.ters', 'm'),
    relation('skipped', 'letters'),
  ],
  functions: [fn('look', 'uuid'), fn('look', 'text'), fn('tidy', '', true)],
  triggerFunctions: [{ oid: '1', schema: 'app', name: 'note', isDefiner: true, source: '', uses: [] }],
  sequences: [{ schema: 'public', name: 'letters_seq' }],
}
const chosen = (...only: string[]): string[] => [...choose(only, surface, (schema) => schema === 'skipped').objects]

describe('a name', () => {
  it.each([
    ['public.letters', ['table public.letters']],
    ['table public.letters', ['table public.letters']],
    ['public.all letters', ['view public.all letters']],
    ['app.look', ['function app.look(uuid)', 'function app.look(text)']],
    ['app.look(text)', ['function app.look(text)']],
    ['procedure app.tidy()', ['procedure app.tidy()']],
    ['app.note', ['function app.note()']],
    ['public.*', ['table public.letters', 'view public.all letters', 'sequence public.letters_seq']],
    ['app.l*', ['materialized view app.let.ters', 'function app.look(uuid)', 'function app.look(text)']],
    // A point is a point, and not any letter.
    ['app.let.*', ['materialized view app.let.ters']],
    ['*.letters', ['table public.letters']],
  ])('%s', (only, objects) => {
    expect(chosen(only)).toEqual(objects)
  })

  it.each([
    'letters',
    'public.Letters',
    'public.letter',
    'public.',
    '',
    'skipped.letters',
    'view public.letters',
    'nowhere.*',
  ])('that nothing has is told: %s', (only) => {
    const { objects, missing } = choose(['public.letters', only], surface, (schema) => schema === 'skipped')
    expect([...objects]).toEqual(['table public.letters'])
    expect(missing).toEqual([only])
  })
})
