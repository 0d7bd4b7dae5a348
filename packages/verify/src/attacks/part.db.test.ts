// A part of a schema, attacked alone: what is named is attacked as ever, through all that lies around it; the rest is counted.
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { verifyDatabase } from '../verify-database.ts'
import { buildHouse } from './fixtures/house.ts'
import { runAttacks } from './run-attacks.ts'
import type { AttackResult } from './options.ts'
import type { HandMade } from './test-arena.ts'

/** Two holes beside each other, and a function that shows one table's rows by its own way. */
const HOLES = `
  create policy everybody on app.projects for select using (true);
  create policy everybody on app.tasks for select using (true);
  create function app.look() returns setof text language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$ begin return query select p.name from app.projects p; end $$;
  revoke execute on function app.look() from public;
  grant execute on function app.look() to {login}`
const found = ({ findings }: AttackResult): string[] => findings.map(({ code, object }) => `${code}: ${object}`)

describe('a part of a schema', () => {
  let house: HandMade
  let whole: AttackResult
  const attack = (only?: readonly string[]): Promise<AttackResult> =>
    runAttacks(house.arena, { commits: false, shrinksMax: 0, ...(only !== undefined && { only }) })
  beforeAll(async () => {
    house = await buildHouse({ hole: HOLES })
    whole = await attack()
  })
  afterAll(() => house.drop())

  it('is attacked as it is in the whole, and nothing else is; what is left out is counted', async () => {
    const mine = (object: string) => found(whole).filter((line) => line.endsWith(`: ${object}`))
    for (const object of ['table app.tasks', 'function app.look()']) {
      const { findings, coverage, undecided } = await attack([object])
      expect(undecided).toEqual([])
      expect(mine(object)).not.toEqual([])
      expect(found({ findings } as AttackResult)).toEqual(mine(object))
      expect(coverage.objects).toBe(1)
      expect(coverage.part).toMatchObject({ only: [object], objects: [object] })
      expect(coverage.cells + (coverage.part?.leftOutProbes ?? 0)).toBe(whole.coverage.cells)
      expect(coverage.part?.leftOutObjects).toBe(whole.coverage.objects - 1)
    }
    expect(whole.coverage.part).toBeUndefined()
  })

  it('says of a context that it is A’s by what A sees elsewhere, where what is named is nobody’s to see', async () => {
    const { findings, undecided, coverage } = await attack(['private.logins'])
    expect([findings, undecided]).toEqual([[], []])
    expect(coverage.cells).toBeGreaterThan(0)
  })

  it('is undecided where a name fits nothing in scratch', async () => {
    const { undecided, coverage } = await attack(['app.tasks', 'app.nothing'])
    expect(undecided).toEqual(['Nothing in the scratch databases is called app.nothing, so it was not attacked.'])
    expect(coverage.notCovered).toContainEqual(expect.objectContaining({ object: 'app.nothing', probe: 'all' }))
  })
})

describe('a part of a database', () => {
  const database = useTestDatabase()
  const plain = (): { name: string; login: string; url: string } => {
    const name = `${database().name}_part`
    return {
      name,
      login: `part_${name}`,
      url: Object.assign(new URL(database().adminUrl), { pathname: `/${name}` }).href,
    }
  }
  beforeAll(async () => {
    const { name, login, url } = plain()
    await withClient(database().adminUrl, (admin) => admin.query(`create database ${name}`))
    await withClient(url, (admin) =>
      admin.query(`create role ${login} login;
        create table letters (tenant_id uuid not null, id uuid not null, title text not null, primary key (tenant_id, id));
        create table stamps (tenant_id uuid not null, id uuid not null, value int not null, primary key (tenant_id, id));
        alter table letters enable row level security, force row level security;
        create policy own on letters using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
        grant select, insert, update, delete on letters, stamps to ${login}`),
    )
  })
  afterAll(() =>
    withClient(database().adminUrl, async (admin) => {
      await admin.query(`drop database if exists ${plain().name} with (force)`)
      await admin.query(`drop role if exists ${plain().login}`)
    }),
  )
  const verify = (only: readonly string[]) =>
    verifyDatabase(plain().url, {
      // The rules speak of all of it, whatever is attacked.
      rules: ['V0209'],
      baseline: {
        version: 1,
        accepted: ['table public.letters', 'table public.stamps'].map((object) => ({
          code: 'rows_of_another_organization_seen',
          object,
          reason: 'For a test.',
          expires: '9999-12-31',
        })),
      },
      attack: { only, shrinksMax: 0, clone: { scratch: 'same-server' } },
    })

  it('with nothing found is no proof, and misses nothing in the baseline that it did not look at', async () => {
    const { findings, outcome, undecided, attack, warnings } = await verify(['public.letters'])
    expect([findings, outcome, undecided]).toEqual([[], 'undecided', []])
    expect(attack?.part?.objects).toEqual(['table public.letters'])
    expect(attack?.part?.leftOutProbes).toBeGreaterThan(50)
    expect(warnings).toEqual([
      expect.stringContaining('table public.letters is accepted in the baseline, and is not found'),
    ])
  })

  it('counts what is found there', async () => {
    const { findings, accepted, outcome } = await verify(['public.*'])
    expect(accepted.map(({ code, object }) => `${code}: ${object}`)).toEqual([
      'rows_of_another_organization_seen: table public.stamps',
    ])
    expect(findings.map(({ object }) => object)).toContain('table public.stamps')
    expect(outcome).toBe('findings')
  })

  it.each([
    [['letters'], 'Nothing in the database is called letters.', 'There is public.letters.'],
    [['public.letters', 'nowhere.*'], 'Nothing in the database is called nowhere.*.', 'are named with their schema'],
    [[], 'No object is named', ''],
  ])('%s is refused before anything is copied', async (only, message, hint) => {
    const steps: string[] = []
    const refused = verifyDatabase(plain().url, {
      attack: { only, clone: { scratch: 'same-server', onProgress: (step) => steps.push(step) } },
    })
    await expect(refused).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    })
    expect(steps).toEqual([])
  })
})
