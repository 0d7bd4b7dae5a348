// What a write of B leaves where A reads: no row of B's is shown there until a trigger of B's copies one.
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { VerifyReport } from '../report/report.ts'
import { verifyDatabase } from '../verify-database.ts'

const database = useTestDatabase()
const app = (): string => `reads_${database().name.replace('rowhouse_test_', '')}`
const names: string[] = []

const onServer = (statement: string): Promise<unknown> =>
  withClient(database().adminUrl, (admin) => admin.query(statement))
beforeAll(() => onServer(`create role ${app()} login`))
afterAll(async () => {
  for (const name of names) await onServer(`drop database if exists ${name} with (force)`)
  await onServer(`drop role ${app()}`)
})

const MINE = `nullif(current_setting('app.tenant', true), '')::uuid`
const policyOn = (table: string, column = 'tenant_id'): string =>
  `alter table ${table} enable row level security; alter table ${table} force row level security;
   create policy own on ${table} using (${column} = ${MINE});`

/** Letters, whose triggers write on to other tables. */
async function attacked(name: string, elsewhere: string): Promise<VerifyReport> {
  const unique = `${database().name}_${name}`
  names.push(unique)
  await onServer(`create database ${unique}`)
  const url = new URL(database().adminUrl)
  url.pathname = `/${unique}`
  await withClient(url.href, (admin) =>
    admin.query(
      `create table tenants (id uuid primary key, name text); ${policyOn('tenants', 'id')}
       create table letters (tenant_id uuid not null references tenants, id uuid not null, title text not null, primary key (tenant_id, id));
       ${policyOn('letters')} grant select, insert, update, delete on letters to ${app()};
       create function note() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
         begin ${elsewhere.includes('told_by') ? `if ${MINE} is null then raise exception 'nobody writes'; end if;` : ''}
           insert into public.words values (${elsewhere.includes('tenant_id') ? 'new.tenant_id, ' : ''}new.title); return null; end $$;
       revoke execute on function note() from public;
       ${elsewhere} create trigger note after insert on letters for each row execute function note()`,
    ),
  )
  return verifyDatabase(url.href, { attack: { shrinksMax: 0, clone: { scratch: 'same-server' } } })
}

const found = ({ findings }: VerifyReport): string[] =>
  findings.filter(({ source }) => source === 'attack').map(({ code, object }) => `${code}: ${object}`)

describe('a trigger that writes elsewhere', () => {
  it('is found by what B’s rows leave there, though nothing there names an organization', async () => {
    const report = await attacked('index', `create table words (word text); grant select on words to ${app()};`)
    expect(found(report)).toContain('rows_of_another_organization_seen: table public.words')
    expect(report.undecided).toEqual([])
  }, 300_000)

  it('writes as B does, by B’s settings; with the organization in the row and a policy it is apart', async () => {
    const report = await attacked(
      'apart',
      `create table words (tenant_id uuid not null, word text, told_by text); ${policyOn('words')} grant select on words to ${app()};`,
    )
    expect(found(report).filter((line) => line.includes('table '))).toEqual([])
    expect(report.attack?.notCovered.filter(({ object }) => object === 'table public.letters')).toEqual([])
  }, 300_000)

  it('is named where it refuses a row of B', async () => {
    const report = await attacked(
      'refusing',
      `create table words (word text check (word is null)); grant select on words to ${app()};`,
    )
    expect(report.attack?.notCovered).toContainEqual({
      object: 'table public.letters',
      probe: 'what its triggers write elsewhere',
      reason: expect.stringContaining('violates check constraint'),
    })
  }, 300_000)
})
