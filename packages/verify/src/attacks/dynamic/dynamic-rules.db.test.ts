// Attacks need no rule: with each one switched off, what its own schema opens is found by attack alone. Here some of them;
// `npm run soak -- dynamic` switches off every one. docs/dynamic.md lists which classes are dynamic, and why others are not.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTestDatabase, createTwoWorlds, useSupabaseDatabase, withClient } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

import { rules } from '../../findings/rules.ts'
import type { Finding } from '../../report/report.ts'
import { verifyDatabase } from '../../verify-database.ts'
import { dynamicRules } from './dynamic-rules.ts'
import type { Dynamic } from './dynamic-rules.ts'

const isWhole = process.env['ROWHOUSE_DYNAMIC'] === 'all'
/** Of those that take seconds each, every so manieth; Rowhouse's own schema takes a minute. */
const SAMPLE = 7
const page = join(import.meta.dirname, '../../../../../docs/dynamic.md')
const findings = join(import.meta.dirname, '../../findings')
const read = (path: string): string => readFileSync(join(findings, path), 'utf8')

interface Case {
  readonly code: string
  readonly base: string
  readonly sql: string
  readonly dynamic: Dynamic
}

const cases = rules.flatMap(({ id, code }): Case[] => {
  const dynamic = dynamicRules[code]
  if (dynamic === undefined || typeof dynamic === 'string') return []
  const fixture = read(`rules/${id.slice(1)}-${code.replaceAll('_', '-')}/fixture.sql`)
  return [{ code, base: /^-- On: ([a-z]+)\./.exec(fixture)?.[1] ?? '', sql: fixture, dynamic }]
})
const sample = isWhole
  ? cases
  : cases.filter(({ base }) => base !== 'rowhouse').filter((_, place) => place % SAMPLE === 0)

/** What makes a schema sound that so far nobody may use. */
const sound: Readonly<Record<string, string>> = {
  // A role that is taken, and not inherited with all others.
  schemas: ['a', 'b']
    .map(
      (
        home,
      ) => `grant tenant_${home}_role to shop_app with inherit false; grant usage on schema tenant_${home} to tenant_${home}_role;
        grant select, insert, update, delete on all tables in schema tenant_${home} to tenant_${home}_role`,
    )
    .join('; '),
}

/** A server of this file's own: the schemas make roles, which belong to the cluster, and other files make the same. */
const project = useSupabaseDatabase({ installed: false })

/** Makes a database with a schema, looks, and takes all of it away. */
async function within<Result>(base: string, sql: string, look: (url: string, name: string) => Promise<Result>) {
  if (base === 'rowhouse') {
    const database = await createTestDatabase()
    try {
      await createTwoWorlds(database)
      await withClient(database.adminUrl, (admin) => admin.query(sql))
      return await look(database.adminUrl, database.name)
    } finally {
      await database.drop()
    }
  }
  const name = 'case_of_its_own'
  const urlOf = (database: string): string =>
    Object.assign(new URL(project().adminUrl), { pathname: `/${database}` }).href
  const onServer = (statement: string): Promise<unknown> =>
    withClient(urlOf('postgres'), (admin) => admin.query(statement))
  await onServer(`create database ${name} template ${base === 'supabase' ? project().name : 'template0'}`)
  try {
    await withClient(urlOf(name), async (admin) => {
      await admin.query(read(`fixtures/${base}.sql`).replaceAll(/^grant connect on database.*$/gm, ''))
      await admin.query(sql)
    })
    return await look(urlOf(name), name)
  } finally {
    await onServer(`drop database ${name} with (force)`)
    await onServer(`do $$ declare r name; begin
      for r in select rolname from pg_roles where rolname ~ '^(shop|tenant)_' loop execute format('drop role %I', r); end loop;
    end $$`)
  }
}

const together = (text: string, database: string): string =>
  text.replaceAll(database, 'it').replaceAll(/rowhouse_verify_\w+/g, 'it')

async function attackWithout(code: string, url: string, name: string): Promise<string[]> {
  const { findings: found, undecided } = await verifyDatabase(url, {
    rules: [`-${code}`],
    attack: { attackSeconds: 600, statementTimeoutMs: 10_000, shrinksMax: 0, clone: { scratch: 'same-server' } },
  })
  expect(undecided).toEqual([])
  expect(found.filter((finding) => finding.code === code)).toEqual([])
  const byAttack = found.filter(({ source }: Finding) => source === 'attack')
  return byAttack.map(({ code: attack, object }) => `${attack}: ${together(object, name)}`)
}

describe('with the rule switched off, attack alone finds', () => {
  it.each(sample)(
    '$code',
    async ({ code, base, sql, dynamic }) => {
      const { attack, object, opens = '' } = dynamic
      const found = await within(base, `${sql};\n${opens}`, (url, name) => attackWithout(code, url, name))
      expect(found).toContain(`${attack}: ${object}`)
    },
    600_000,
  )

  it.each([...new Set(sample.map(({ base }) => base))])(
    'nothing of it in the sound schema: %s',
    async (base) => {
      const found = await within(base, sound[base] ?? 'select 1', (url, name) =>
        attackWithout('rls_disabled', url, name),
      )
      const wanted = sample
        .filter((one) => one.base === base)
        .map(({ dynamic }) => `${dynamic.attack}: ${dynamic.object}`)
      // What every database is told whose functions of pg_catalog nobody has closed.
      expect(wanted.filter((finding) => found.includes(finding) && !finding.startsWith('shared_session'))).toEqual([])
    },
    600_000,
  )
})

describe('docs/dynamic.md', () => {
  it('speaks of every rule, and of no other', async () => {
    expect(Object.keys(dynamicRules).toSorted()).toEqual(rules.map(({ code }) => code).toSorted())
    await expect(pageOf()).toMatchFileSnapshot(page)
  })
})

function pageOf(): string {
  const entries = rules.map(({ id, code }) => ({ id, code, dynamic: dynamicRules[code] }))
  const shown = entries.flatMap(({ id, code, dynamic }) =>
    typeof dynamic === 'object' ? [`| ${id} \`${code}\` | \`${dynamic.attack}\` |`] : [],
  )
  const others = entries.flatMap(({ id, code, dynamic }) =>
    typeof dynamic === 'string' ? [`| ${id} \`${code}\` | ${dynamic} |`] : [],
  )
  return `${[
    '# Dynamic classes',
    '',
    'Attacks ask no rule. For each rule below its own schema, which breaks it, is attacked with the rule switched off: what it',
    'opens is found all the same, by the attack beside it. `npm run soak -- dynamic` does that for every one, `npm test` for some.',
    '',
    `**${shown.length} of ${entries.length} rules** name a way that shows when somebody walks it:`,
    '',
    '| rule | found by the attack |',
    '|---|---|',
    ...shown,
    '',
    'The others name what no transaction of a tenant shows. For these the rules are all there is:',
    '',
    '| rule | why attacks do not see it |',
    '|---|---|',
    ...others,
  ].join('\n')}\n`
}
