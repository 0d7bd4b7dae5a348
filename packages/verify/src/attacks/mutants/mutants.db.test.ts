// The mutation proof: each thing that holds isolation is taken away once, and verification must notice every time, by a
// rule over the catalogue or by an attack that names what was taken. Here some of each kind are; `npm run soak -- mutants`
// runs them all and compares docs/mutants.md with what it found, or writes it. Long because one page is made of
// all of it.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withClient } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { cloneTwoWorlds } from '../../clone/clone-two-worlds.ts'
import type { TwoWorlds } from '../../clone/clone-two-worlds.ts'
import { findInTransaction, findStatically } from '../../findings/run.ts'
import { ruleOfCode } from '../../findings/rules.ts'
import type { Finding } from '../../report/report.ts'
import { tryGate } from '../gate.ts'
import { tryAround } from '../homes/attack-homes.ts'
import { moveIn } from '../homes/move-in.ts'
import { makeFleetHomes } from '../homes/test-fleet-homes.ts'
import { runAttacks } from '../run-attacks.ts'
import { buildHouse } from '../fixtures/house.ts'
import { makeProtected } from '../test-arena.ts'
import type { Protected } from '../test-arena.ts'
import { functionMutants } from './function-mutants.ts'
import { globalMutants } from './global-mutants.ts'
import { doorMutants, homeMutants } from './home-mutants.ts'
import type { FunctionMutant, GlobalMutant } from './mutant.ts'
import { handWritten } from './hand-written-mutants.ts'
import { tableMutants } from './table-mutants.ts'

interface Killed {
  readonly removes: string
  readonly by: string
  readonly rules: readonly string[]
  readonly attacks: readonly string[]
}

const codes = (findings: readonly { code: string }[]): string[] => [...new Set(findings.map(({ code }) => code))].sort()
const key = ({ code, object }: Finding): string => `${code} ${object}`
/** Those that nothing noticed, or nothing by the name of what was taken. */
const survivors = (killed: readonly Killed[]): string[] =>
  killed.filter(({ by, rules, attacks }) => ![...rules, ...attacks].includes(by)).map(({ removes }) => removes)

const isWhole = process.env['ROWHOUSE_MUTANTS'] === 'all'
/** Of the kinds that cost seconds each, every so manieth. */
const sampleOf = <T>(all: readonly T[], every: number): readonly T[] =>
  isWhole ? all : all.filter((_, place) => place % every === 0)
const page = join(import.meta.dirname, '../../../../../docs/mutants.md')
/** A loaded machine is no mutant: what takes long is waited for. */
const patience = { statementTimeoutMs: 10_000, attackSeconds: 900, shrinksMax: 0 }
const tables: Record<string, readonly Killed[]> = {}

const mutantTables = sampleOf(tableMutants, 4).map((mutant, index) => ({
  ...mutant,
  name: `mut${String(index).padStart(2, '0')}`,
}))
const put = (text: string, name: string): string => text.replaceAll('{t}', `public.${name}`).replaceAll('{n}', name)

const street = (isMutated: boolean) => (a: string, b: string) =>
  mutantTables
    .map(({ name, sql, after = '' }) =>
      put(
        `create table {t} (organization_id uuid not null default rowhouse.organization_id(), id uuid not null, name text, code text, parent uuid,
           primary key (organization_id, id), constraint {n}_code unique (organization_id, code),
           constraint {n}_parent foreign key (organization_id, parent) references {t} (organization_id, id));
         select rowhouse.protect('{t}');
         ${isMutated ? sql : ''};
         insert into {t} (organization_id, id, name, code)
           select o, gen_random_uuid(), n || ' of ' || o, 'code-' || n || '-' || o
           from unnest(array['${a}', '${b}']::uuid[]) o, unnest(array['lamp', 'door']) n;
         ${isMutated ? after : ''};`,
        name,
      ),
    )
    .join('\n')

/** B becomes another one wherever there is an id and a name of it. */
const otherRows = (b: string): string => `
  do $$ declare t regclass; begin
    set session_replication_role = replica;
    for t in select c.oid from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname like 'mut%'
        and exists (select from pg_attribute x where x.attrelid = c.oid and x.attname = 'organization_id') loop
      execute format('delete from only %s where organization_id = %L and name like ''lamp%%''', t, '${b}');
      execute format('update only %s set id = gen_random_uuid(), name = ''another '' || md5(name) where organization_id = %L', t, '${b}');
      if exists (select from pg_attribute x where x.attrelid = t and x.attname = 'code') then
        execute format('update only %s set code = md5(code) where organization_id = %L', t, '${b}');
      end if;
    end loop;
    reset session_replication_role;
    for t in select c.oid from pg_class c where c.relkind = 'm' and c.relnamespace = 'public'::regnamespace loop
      execute format('refresh materialized view %s', t);
    end loop;
  end $$`

describe('tables that protect made, each with one thing taken away', () => {
  it('are noticed, every one', async () => {
    const ground = await makeProtected(street(true), otherRows)
    try {
      const owners = new Map(ground.arena.owners)
      for (const { name, owns = {} } of mutantTables) {
        for (const relation of Object.keys(owns)) {
          const owner = ground.arena.owners.get(`public.${name}`)
          if (owner !== undefined) owners.set(put(relation, name), owner)
        }
      }
      const rules = await withClient(ground.first.adminUrl, (admin) => findStatically(admin))
      const attacks = await runAttacks(
        {
          ...ground.arena,
          owners,
          contexts: ground.arena.contexts.slice(0, 1),
          skipSchemas: new Map([
            ['rowhouse', 'its own mutants are below'],
            ['rowhouse_home', 'its own mutants are below'],
          ]),
        },
        patience,
      )
      const of = (findings: readonly Finding[], name: string): Finding[] =>
        findings.filter(({ object, message }) => new RegExp(`\\b${name}(?!\\d)`).test(`${object} ${message}`))
      tables['Tables'] = mutantTables.map(({ name, removes, by }) => ({
        removes,
        by,
        rules: codes(of(rules.findings, name)),
        attacks: codes(of(attacks.findings, name)),
      }))
      expect(survivors(tables['Tables'])).toEqual([])
    } finally {
      await ground.drop()
    }
  }, 900_000)
})

describe('a database as it is installed, with one thing taken away', () => {
  let ground: Protected
  let admin: Client
  let baseline: Set<string>
  beforeAll(async () => {
    ground = await makeProtected()
    await withClient(ground.first.adminUrl, async (client) => {
      await client.query('begin')
      baseline = new Set((await judge(client)).map(key))
      await client.query('rollback')
    })
  })
  afterAll(() => ground.drop())
  const fresh = (findings: readonly Finding[]): Finding[] => findings.filter((finding) => !baseline.has(key(finding)))

  it('notices a line taken out of the gate, the seal or the door', async () => {
    const killed: Killed[] = []
    await withClient(ground.first.adminUrl, async (client) => {
      admin = client
      expect((await tryGate(admin, ground.arena)).findings).toEqual([])
      for (const mutant of functionMutants) {
        const { removes, by, says } = mutant
        const restore = await replaceFunctions(admin, mutant)
        const gate = await tryGate(admin, ground.arena)
        const saying = gate.findings.filter(({ object, seen }) => says.test(`${object} ${seen}`))
        expect([removes, codes(saying.map(({ rule }) => rule))]).toEqual([removes, [by]])
        killed.push({ removes, by, rules: [], attacks: codes(gate.findings.map(({ rule }) => rule)) })
        await restore()
      }
      expect((await tryGate(admin, ground.arena)).findings).toEqual([])
    })
    tables['Gate, seal and door'] = killed
    expect(survivors(killed)).toEqual([])
  }, 300_000)

  it('notices a role, a privilege or a policy of the catalogue', async () => {
    const naming = (findings: readonly Finding[], { names }: GlobalMutant): Finding[] =>
      findings.filter(({ object, message }) => `${object} ${message}`.includes(names))
    const found = new Map<GlobalMutant, Killed>()
    // An attack takes seconds: it is asked where no rule has noticed.
    const unnoticed: GlobalMutant[] = []
    const attacked = new Set<Killed>()
    const misnamed: string[] = []
    for (const mutant of globalMutants) {
      const { removes, by } = mutant
      // In a transaction that is rolled back: roles belong to the cluster, and other tests use it.
      const rules = await withClient(ground.first.adminUrl, async (client) => {
        await client.query('begin')
        await client.query(mutant.sql)
        const findings = await judge(client)
        await client.query('rollback')
        return fresh(findings)
      })
      found.set(mutant, { removes, by, rules: codes(rules), attacks: [] })
      if (rules.length === 0) unnoticed.push(mutant)
      else if (!codes(naming(rules, mutant)).includes(by)) misnamed.push(removes)
    }
    for (const batch of apart(unnoticed).slice(0, isWhole ? undefined : 1)) {
      for (const url of ground.urls)
        await withClient(url, (client) => client.query(batch.map(({ sql }) => sql).join(';\n')))
      const { findings } = await runAttacks(
        {
          ...ground.arena,
          contexts: ground.arena.contexts.slice(0, 1),
          skipSchemas: new Map([['public', 'intact']]),
        },
        {
          ...patience,
          commits: false,
          // Each is to be noticed at what it opens: the rest is as it was.
          ...(!isWhole && { only: batch.flatMap((mutant) => touches(mutant).map((name) => `*${name}*`)) }),
        },
      )
      for (const mutant of batch) {
        const { removes, by } = mutant
        const killed = { removes, by, rules: [], attacks: codes(naming(findings, mutant)) }
        found.set(mutant, killed)
        attacked.add(killed)
      }
      for (const url of ground.urls)
        await withClient(url, (client) => client.query(batch.map(({ undo }) => undo).join(';\n')))
    }
    const killed = [...found.values()].filter((one) => isWhole || one.rules.length > 0 || attacked.has(one))
    tables['Roles, privileges, catalogue'] = killed
    expect(misnamed).toEqual([])
    expect(survivors(killed)).toEqual([])
  }, 900_000)
})

/** What the rules say and, of what only the database itself asks, rowhouse.findings(). */
async function judge(client: Client): Promise<Finding[]> {
  const { rows } = await client.query<Finding>(
    `select 'rowhouse.findings()' as rule, f.code, f.severity, f.object, f.message, f.fix, 'static' as source from rowhouse.findings() f`,
  )
  const { findings } = await findInTransaction(client, {})
  return [...findings, ...rows.filter(({ code }) => ruleOfCode(code) === undefined)]
}

const touches = ({ names, opens = [] }: GlobalMutant): string[] => [names, ...opens]

/** Mutants whose findings can be told apart by the object that they name, together. */
function apart(mutants: readonly GlobalMutant[]): GlobalMutant[][] {
  const batches: GlobalMutant[][] = []
  for (const mutant of mutants) {
    const batch = batches.find(
      (others) => !others.some((other) => touches(other).some((name) => touches(mutant).includes(name))),
    )
    if (batch === undefined) batches.push([mutant])
    else batch.push(mutant)
  }
  return batches
}

describe('homes that the fleet made, with one thing taken away', () => {
  it('are noticed, every border and every door', async () => {
    const made = await makeFleetHomes('schema')
    const [a, b] = made.homes
    const put = (text: string): string =>
      text
        .replaceAll('{a}', a.schema)
        .replaceAll('{b}', b.schema)
        .replaceAll('{A}', a.login)
        .replaceAll('{B}', b.login)
        .replaceAll('{owner}', 'rowhouse_owner')
    const rulesWith = (sql: string): Promise<Finding[]> =>
      withClient(made.catalogue.adminUrl, async (client) => {
        // Past the guard, which before Postgres 17 holds a superuser too.
        await client.query('begin; set local session_replication_role = replica')
        await client.query(put(sql))
        const findings = await judge(client)
        await client.query('rollback')
        return findings
      })
    let worlds: TwoWorlds | undefined
    try {
      expect(await rulesWith('select 1')).toEqual([])
      // Before the worlds are there: in them the logins of homes have privileges too, in other databases than their own.
      const rules = new Map<string, readonly string[]>()
      for (const { removes, sql } of homeMutants) rules.set(removes, codes(await rulesWith(sql)))

      worlds = await cloneTwoWorlds(made.catalogue.adminUrl, { scratch: 'same-server' })
      const [ground, homes] = [worlds, worlds.homes as NonNullable<TwoWorlds['homes']>]
      await moveIn(ground, homes)
      const around = async (): Promise<string[]> => codes((await tryAround(ground, homes)).findings)
      expect(await around()).toEqual([])
      const killed: Killed[] = []
      await withClient(ground.world1.adminUrl, async (client) => {
        await client.query('set session_replication_role = replica')
        for (const { removes, by, sql, undo } of homeMutants) {
          await client.query(put(sql))
          killed.push({ removes, by, rules: rules.get(removes) ?? [], attacks: await around() })
          await client.query(put(undo))
        }
        expect(await around()).toEqual([])
        for (const mutant of doorMutants) {
          const restore = await replaceFunctions(client, mutant)
          const { findings } = await tryAround(ground, homes)
          const saying = findings.filter(({ object, message }) => mutant.says.test(`${object} ${message}`))
          expect([mutant.removes, codes(saying)]).toEqual([mutant.removes, [mutant.by]])
          killed.push({ removes: mutant.removes, by: mutant.by, rules: [], attacks: codes(findings) })
          await restore()
        }
        expect(await around()).toEqual([])
      })
      tables['Homes of their own'] = killed
      expect(survivors(killed)).toEqual([])
    } finally {
      await worlds?.close()
      await made.drop()
    }
  }, 300_000)
})

/** Changes the text of functions of the schema rowhouse; gives what puts them back. */
async function replaceFunctions(
  client: Client,
  { removes, functions, from, to }: FunctionMutant,
): Promise<() => Promise<void>> {
  const { rows } = await client.query<{ definition: string }>(
    `select pg_get_functiondef(p.oid) as definition from pg_proc p
     where p.pronamespace = 'rowhouse'::regnamespace and p.proname = any ($1)`,
    [functions],
  )
  const before = rows.map(({ definition }) => definition)
  const after = before.map((definition) => definition.replaceAll(new RegExp(from, 'g'), to))
  expect([removes, after]).not.toEqual([removes, before])
  await client.query(after.join(';\n'))
  return async () => void (await client.query(before.join(';\n')))
}

describe('hand-written schemas with one thing taken away', () => {
  it.each(handWritten)(
    'are noticed, every one: $name',
    async ({ name, apart, contexts, owners, after, mutants }) => {
      const look = async (hole: string): Promise<{ rules: Finding[]; attacks: Finding[] }> => {
        const house = await buildHouse({
          hole: `${apart} ${hole}`,
          contexts,
          ...(owners === undefined ? {} : { owners }),
          ...(after === undefined ? {} : { after }),
        })
        try {
          const rules = await withClient(house.arena.worlds[0], (client) =>
            findStatically(client, { roles: [house.login] }),
          )
          const { findings } = await runAttacks(house.arena, { ...patience, commits: false })
          const anonymous = (found: readonly Finding[]): Finding[] =>
            found.map((finding) => ({
              ...finding,
              object: finding.object.replaceAll(/attacked_\w+|rowhouse_world_\w+/g, 'it'),
            }))
          return { rules: anonymous(rules.findings), attacks: anonymous(findings) }
        } finally {
          await house.drop()
        }
      }
      const intact = await look('')
      const known = new Set([...intact.rules, ...intact.attacks].map(key))
      // What an intact one is told: its context is a setting. Nothing else.
      expect(codes(intact.attacks).filter((code) => code !== 'context_is_a_setting')).toEqual([])
      const killed: Killed[] = []
      for (const { removes, by, hole } of sampleOf(mutants, 8)) {
        const found = await look(hole)
        const fresh = (findings: readonly Finding[]): Finding[] =>
          findings.filter((finding) => !known.has(key(finding)))
        killed.push({ removes, by, rules: codes(fresh(found.rules)), attacks: codes(fresh(found.attacks)) })
      }
      tables[`By hand: an organization in a ${name === 'claims' ? 'claim of the JWT' : name}`] = killed
      expect(survivors(killed)).toEqual([])
    },
    900_000,
  )
})

describe('docs/mutants.md', () => {
  it('says what was found', async () => {
    const text = isWhole ? pageOf(tables) : await readFile(page, 'utf8')
    await expect(text).toMatchFileSnapshot(page)
    // What was run here stands in the page as it was found, by the same name, and the page leaves no mutant out.
    for (const { removes, by } of Object.values(tables).flat()) {
      expect(
        text.split('\n').filter((line) => line.startsWith(`| ${removes} |`) && line.includes(`**\`${by}\`**`)),
      ).not.toEqual([])
    }
    const removed = [...text.matchAll(/^\| (?!taken away|-)(.+?) \|/gm)].map(([, removes]) => removes)
    const all = [
      tableMutants,
      functionMutants,
      globalMutants,
      homeMutants,
      doorMutants,
      ...handWritten.map(({ mutants }) => mutants),
    ].flat()
    expect(removed).toEqual(all.map(({ removes }) => removes))
    expect(text).toContain(`**${all.length} of ${all.length} noticed**`)
  })
})

function pageOf(found: Readonly<Record<string, readonly Killed[]>>): string {
  const all = Object.values(found).flat()
  const list = (names: readonly string[], by: string): string =>
    names.length === 0 ? '–' : names.map((name) => (name === by ? `**\`${name}\`**` : `\`${name}\``)).join(', ')
  return [
    '# Mutants',
    '',
    'Each line takes away one thing that holds isolation; beside it are the rules over the catalogue and the attacks that',
    'notice, and in bold the one that names what was taken. A mutant that is noticed by another name alone counts as missed.',
    'The gate has no rules: its functions are tried. Where a rule notices a role or a privilege, it is not attacked.',
    '',
    '`npm run soak -- mutants` makes them all, and fails when one survives or this page says something else; with `--write` it',
    'writes the page. `npm test` makes some of every kind.',
    '',
    `**${all.length - survivors(all).length} of ${all.length} noticed**: ${all.filter(({ rules }) => rules.length > 0).length} by a rule, ${all.filter(({ attacks }) => attacks.length > 0).length} by an attack.`,
    '',
    ...Object.entries(found).flatMap(([title, killed]) => [
      `## ${title}`,
      '',
      '| taken away | rules | attacks |',
      '|---|---|---|',
      ...killed.map(({ removes, by, rules, attacks }) => `| ${removes} | ${list(rules, by)} | ${list(attacks, by)} |`),
      '',
    ]),
  ].join('\n')
}
