// What is tried where the catalogue says that nothing is in reach: little, but never nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { buildHouse } from './fixtures/house.ts'
import { runAttacks } from './run-attacks.ts'
import type { HandMade } from './test-arena.ts'

const LOOK = `returns setof text language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$ begin return query select p.code from app.projects p where p.name = given; end $$`

describe('what a context has no privilege on', () => {
  let house: HandMade
  const tried = new Map<string, Set<string>>()
  let codes: string[]
  beforeAll(async () => {
    house = await buildHouse({
      hole: `
        create function app.open(given text) ${LOOK};
        create function app.closed(given text) ${LOOK};
        create function app.far(given text) ${LOOK};
        create schema far; alter function app.far(text) set schema far;
        revoke execute on all functions in schema app from public;
        grant execute on function app.open(text) to {login};
        create table app.secrets (organization_id uuid not null, id uuid not null, name text, primary key (organization_id, id))`,
    })
    const { findings } = await runAttacks(house.arena, {
      commits: false,
      shrinksMax: 0,
      onProbe: ({ object, probe, outcome }) =>
        tried.set(object, (tried.get(object) ?? new Set()).add(`${probe}: ${outcome}`)),
    })
    codes = findings.map(({ code, object }) => `${code}: ${object}`)
  })
  afterAll(() => house.drop())

  it('is tried by one call where it is a function: not granted, or in a schema that is not', () => {
    expect(tried.get('function app.closed(text)')).toEqual(new Set(['call 1: same']))
    expect(tried.get('function far.far(text)')).toEqual(new Set(['call 1: same']))
  })

  it('is tried by seven probes where it is a table', () => {
    const probes = tried.get('table app.secrets') ?? new Set()
    expect(probes.size).toBeGreaterThan(0)
    expect(probes.size).toBeLessThanOrEqual(7)
    expect(tried.get('table app.projects')?.size).toBeGreaterThan(40)
  })

  it('is tried whole once it is granted, and what it opens is found', () => {
    expect(tried.get('function app.open(text)')?.size).toBeGreaterThan(5)
    expect(codes).toContain('function_shows_another_organization: function app.open(text)')
    expect(codes.filter((line) => line.includes('closed') || line.includes('far'))).toEqual([])
  })
})
