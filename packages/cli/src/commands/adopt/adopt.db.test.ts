// `rowhouse adopt` as a process: killed at random moments it goes on where it stopped, and what it prints.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createTwoWorlds, useTestDatabase } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { bareEnvironment } from '../test-command.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let admin: Client
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  admin = new Client(database().adminUrl)
  await admin.connect()
})
afterAll(() => admin.end())

const ROWS = 20_000
const KILLS_MAX = 60

async function createContacts(schema: string): Promise<void> {
  await admin.query(`
    drop schema if exists ${schema} cascade; create schema ${schema};
    grant usage, create on schema ${schema} to rowhouse_owner`)
  await admin.query(`create table ${schema}.accounts (id int primary key, tenant_id uuid not null, name text unique);
    create table ${schema}.contacts (id int primary key, account_id int not null references ${schema}.accounts, email text)`)
  await admin.query(
    `insert into ${schema}.accounts select n, case when n % 2 = 0 then $1 else $2 end::uuid, 'account ' || n from generate_series(1, 100) n`,
    [worlds.a.organizationId, worlds.b.organizationId],
  )
  await admin.query(
    `insert into ${schema}.contacts select n, 1 + n % 100, 'person' || n || '@example.com' from generate_series(1, ${ROWS}) n`,
  )
}
beforeEach(() => createContacts('shop'))

const wordsFor = (schema: string): string[] => [
  'adopt',
  `${schema}.accounts`,
  `${schema}.contacts`,
  '--from',
  `${schema}.accounts=tenant_id`,
]

interface Outcome {
  readonly code: number | null
  readonly lines: readonly string[]
  readonly stderr: string
}

/** Runs the command; kills it with SIGKILL when it has printed so many lines. */
async function rowhouse(words: readonly string[], killAfterLines = Number.POSITIVE_INFINITY): Promise<Outcome> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../main.ts'), ...words], {
    env: { ...bareEnvironment(), NO_COLOR: '1', ROWHOUSE_URL: database().adminUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    if (lines.length === killAfterLines) child.kill('SIGKILL')
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, lines, stderr }
}

async function describeSchema(schema: string): Promise<string[]> {
  const { rows } = await admin.query<{ line: string }>(
    `select replace(line, $1 || '.', '') as line from (
       select conname || ' ' || pg_get_constraintdef(oid) || convalidated as line from pg_constraint where connamespace = $1::regnamespace
       union all select pg_get_indexdef(indexrelid) || indisvalid from pg_index
         where indrelid in (select oid from pg_class where relnamespace = $1::regnamespace)
       union all select polname || pg_get_expr(polqual, polrelid) from pg_policy
         where polrelid in (select oid from pg_class where relnamespace = $1::regnamespace)
       union all select tgname from pg_trigger
         where tgrelid in (select oid from pg_class where relnamespace = $1::regnamespace) and not tgisinternal
     ) s order by 1`,
    [schema],
  )
  return rows.map(({ line }) => line)
}

describe('rowhouse adopt', () => {
  it('killed with kill -9 at random moments, it goes on each time, to the same end as without', async () => {
    await createContacts('twin')
    const whole = await rowhouse([...wordsFor('twin'), '--json', '--yes'])
    expect(whole).toMatchObject({ code: 0, stderr: '' })
    let outcome: Outcome = { code: null, lines: [], stderr: '' }
    let kills = 0
    while (outcome.code === null && kills < KILLS_MAX) {
      // From one line on: some runs die before they have done anything.
      outcome = await rowhouse(
        [...wordsFor('shop'), '--json', '--yes', '--batch-ms', '5'],
        1 + Math.floor(Math.random() * 12),
      )
      if (outcome.code === null) kills += 1
    }
    expect(kills).toBeGreaterThan(1)
    // Killed after its last word to the database, it finds nothing to do.
    const last = outcome.code === 0 ? (outcome.lines.at(-1) ?? '') : outcome.stderr
    expect(['result done', 'adopt_already_protected']).toContain(
      ((said: { type?: string; state?: string; code?: string }) => said.code ?? `${said.type} ${said.state}`)(
        JSON.parse(last) as object,
      ),
    )
    const { rows: adoptions } = await admin.query(
      "select state from rowhouse.adoptions where 'shop.contacts' = any (tables)",
    )
    expect(adoptions).toEqual([{ state: 'done' }])
    expect(await describeSchema('shop')).toEqual(await describeSchema('twin'))
    const { rows } = await admin.query(
      `select count(*)::int as rows, count(*) filter (where c.organization_id = a.tenant_id)::int as right
       from shop.contacts c join shop.accounts a on a.id = c.account_id and a.organization_id = c.organization_id`,
    )
    expect(rows).toEqual([{ rows: ROWS, right: ROWS }])
  })

  it('--plan prints every statement with its lock, in order, and changes nothing', async () => {
    const before = await describeSchema('shop')
    const { code, lines } = await rowhouse([...wordsFor('shop'), '--plan'])
    expect(code).toBe(0)
    const text = lines.join('\n')
    for (const statement of [
      '--    lock: ACCESS EXCLUSIVE on shop.contacts; waits for: transactions that use the table, at most the lock timeout; then it is tried again\nalter table shop.contacts add column organization_id uuid;',
      'create unique index concurrently "contacts_pkey_organization" on shop.contacts ("organization_id", "id");',
      "select rowhouse.protect('shop.contacts'",
    ])
      expect(text).toContain(statement)
    expect(text.indexOf('--undo takes all of it back')).toBeLessThan(text.indexOf('drop constraint "contacts_pkey"'))
    expect(await describeSchema('shop')).toEqual(before)
    const json = await rowhouse([...wordsFor('shop'), '--plan', '--json'])
    expect(json.lines.map((line) => (JSON.parse(line) as { position: number }).position)).toEqual(
      json.lines.map((_, index) => index + 1),
    )
  })

  it('without --yes and without a terminal it ends prepared; --undo takes it back', async () => {
    const before = await describeSchema('shop')
    const prepared = await rowhouse(wordsFor('shop'))
    expect(prepared.code).toBe(0)
    expect(prepared.lines.join('\n')).toContain('shop.accounts, shop.contacts: prepared.')
    const undone = await rowhouse(['adopt', 'shop.contacts', 'shop.accounts', '--undo'])
    expect(undone.lines.join('\n')).toContain('as before')
    expect(await describeSchema('shop')).toEqual(before)
    const again = await rowhouse([...wordsFor('shop'), '--yes'])
    expect(again.lines.join('\n')).toContain('It can no longer be undone')
    const late = await rowhouse(['adopt', 'shop.contacts', 'shop.accounts', '--undo'])
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('error[adopt_undo_too_late]') })
  })

  it.each<[string, string[], string, number]>([
    ['a table that is not there', ['adopt', 'shop.nothing', '--from', 'tenant_id'], 'adopt_not_a_table', 2],
    [
      'one of several tables left out',
      ['adopt', 'shop.accounts', 'shop.contacts', '--from', 'tenant_id'],
      'invalid_option',
      2,
    ],
    ['a batch of no length', ['adopt', 'shop.accounts', '--batch-ms', 'soon'], 'invalid_option', 2],
    ['options of protect that are no JSON', ['adopt', 'shop.accounts', '--protect', 'strict'], 'invalid_option', 2],
    ['children that are not named', ['adopt', 'shop.accounts', '--from', 'tenant_id'], 'adopt_children_missing', 2],
  ])('refuses %s', async (_, words, code, exit) => {
    const outcome = await rowhouse([...words, '--json'])
    expect(JSON.parse(outcome.stderr)).toMatchObject({ code })
    expect(outcome.code).toBe(exit)
  })
})
