// The mutation proof: each thing that holds isolation is taken away once, and verification must notice every time, by a
// rule over the catalogue or by an attack. docs/mutants.md is what this test found; -u writes it anew.
import { join } from 'node:path'
import { withClient } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { findInTransaction, findStatically } from '../../findings/run.ts'
import type { Finding } from '../../report/report.ts'
import { tryGate } from '../gate.ts'
import { runAttacks } from '../run-attacks.ts'
import { buildHouse } from '../fixtures/house.ts'
import { makeProtected } from '../test-arena.ts'
import type { Protected } from '../test-arena.ts'
import { functionMutants } from './function-mutants.ts'
import { globalMutants } from './global-mutants.ts'
import { handWritten } from './hand-written-mutants.ts'
import { tableMutants } from './table-mutants.ts'

interface Killed {
  readonly removes: string
  readonly rules: readonly string[]
  readonly attacks: readonly string[]
}

const codes = (findings: readonly { code: string }[]): string[] => [...new Set(findings.map(({ code }) => code))].sort()
const key = ({ code, object }: Finding): string => `${code} ${object}`
const survivors = (killed: readonly Killed[]): string[] =>
  killed.filter(({ rules, attacks }) => rules.length + attacks.length === 0).map(({ removes }) => removes)
const tables: Record<string, readonly Killed[]> = {}

const mutantTables = tableMutants.map((mutant, index) => ({ ...mutant, name: `mut${String(index).padStart(2, '0')}` }))
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
        { shrinksMax: 0 },
      )
      const of = (findings: readonly Finding[], name: string): Finding[] =>
        findings.filter(({ object, message }) => new RegExp(`\\b${name}(?!\\d)`).test(`${object} ${message}`))
      tables['Tables'] = mutantTables.map(({ name, removes }) => ({
        removes,
        rules: codes(of(rules.findings, name)),
        attacks: codes(of(attacks.findings, name)),
      }))
      expect(survivors(tables['Tables'])).toEqual([])
    } finally {
      await ground.drop()
    }
  }, 300_000)
})

describe('a database as it is installed, with one thing taken away', () => {
  let ground: Protected
  let admin: Client
  let baseline: Set<string>
  beforeAll(async () => {
    ground = await makeProtected()
    await withClient(ground.first.adminUrl, async (client) => {
      baseline = new Set((await findStatically(client)).findings.map(key))
    })
  })
  afterAll(() => ground.drop())
  const fresh = (findings: readonly Finding[]): Finding[] => findings.filter((finding) => !baseline.has(key(finding)))

  it('notices a line taken out of the gate, the seal or the door', async () => {
    const killed: Killed[] = []
    await withClient(ground.first.adminUrl, async (client) => {
      admin = client
      expect((await tryGate(admin, ground.arena)).findings).toEqual([])
      for (const { removes, functions, from, to } of functionMutants) {
        const { rows } = await admin.query<{ definition: string }>(
          `select pg_get_functiondef(p.oid) as definition from pg_proc p
           where p.pronamespace = 'rowhouse'::regnamespace and p.proname = any ($1)`,
          [functions],
        )
        const before = rows.map(({ definition }) => definition)
        const after = before.map((definition) => definition.replaceAll(new RegExp(from, 'g'), to))
        expect([removes, after]).not.toEqual([removes, before])
        await admin.query(after.join(';\n'))
        const gate = await tryGate(admin, ground.arena)
        killed.push({ removes, rules: [], attacks: codes(gate.findings.map(({ rule }) => rule)) })
        await admin.query(before.join(';\n'))
      }
      expect((await tryGate(admin, ground.arena)).findings).toEqual([])
    })
    tables['Gate, seal and door'] = killed
    expect(survivors(killed)).toEqual([])
  }, 120_000)

  it('notices a role, a privilege or a policy of the catalogue', async () => {
    const killed: Killed[] = []
    for (const { removes, sql, undo } of globalMutants) {
      // In a transaction that is rolled back: roles belong to the cluster, and other tests use it.
      const rules = await withClient(ground.first.adminUrl, async (client) => {
        await client.query('begin')
        await client.query(sql)
        const { findings } = await findInTransaction(client, {})
        await client.query('rollback')
        return codes(fresh(findings))
      })
      let attacks: string[] = []
      // An attack takes seconds: it is asked where no rule has noticed.
      if (rules.length === 0) {
        for (const url of ground.urls) await withClient(url, (client) => client.query(sql))
        const result = await runAttacks(
          {
            ...ground.arena,
            contexts: ground.arena.contexts.slice(0, 1),
            skipSchemas: new Map([['public', 'intact']]),
          },
          { commits: false, shrinksMax: 0 },
        )
        attacks = codes(result.findings)
        for (const url of ground.urls) await withClient(url, (client) => client.query(undo))
      }
      killed.push({ removes, rules, attacks })
    }
    tables['Roles, privileges, catalogue'] = killed
    expect(survivors(killed)).toEqual([])
  }, 600_000)
})

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
          const { findings } = await runAttacks(house.arena, { commits: false, shrinksMax: 0 })
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
      for (const { removes, hole } of mutants) {
        const found = await look(hole)
        const fresh = (findings: readonly Finding[]): Finding[] =>
          findings.filter((finding) => !known.has(key(finding)))
        killed.push({ removes, rules: codes(fresh(found.rules)), attacks: codes(fresh(found.attacks)) })
      }
      tables[`By hand: an organization in a ${name === 'claims' ? 'claim of the JWT' : name}`] = killed
      expect(survivors(killed)).toEqual([])
    },
    300_000,
  )
})

describe('docs/mutants.md', () => {
  it('says what was found', async () => {
    const all = Object.values(tables).flat()
    const dead = all.filter(({ rules, attacks }) => rules.length + attacks.length > 0)
    const list = (names: readonly string[]): string =>
      names.length === 0 ? '–' : names.map((name) => `\`${name}\``).join(', ')
    const text = [
      '# Mutants',
      '',
      'Each line takes away one thing that holds isolation; beside it is what noticed. Written by',
      '`packages/verify/src/attacks/mutants/mutants.db.test.ts`, which fails when a mutant survives or this page is stale',
      '(`npx vitest run --project database packages/verify/src/attacks/mutants -u` writes it anew).',
      '',
      `**${dead.length} of ${all.length} noticed**: ${all.filter(({ rules }) => rules.length > 0).length} by a rule, ${all.filter(({ attacks }) => attacks.length > 0).length} by an attack.`,
      '',
      ...Object.entries(tables).flatMap(([title, killed]) => [
        `## ${title}`,
        '',
        '| taken away | rules | attacks |',
        '|---|---|---|',
        ...killed.map(({ removes, rules, attacks }) => `| ${removes} | ${list(rules)} | ${list(attacks)} |`),
        '',
      ]),
    ].join('\n')
    await expect(text).toMatchFileSnapshot(join(import.meta.dirname, '../../../../../docs/mutants.md'))
  })
})
