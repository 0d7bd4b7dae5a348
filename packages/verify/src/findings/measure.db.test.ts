// What a policy costs is told also where it cannot be planned as it stands: nobody has set what it reads.
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { verifyDatabase } from '../verify-database.ts'

const database = useTestDatabase()
const app = (): string => `slow_${database().name.replace('rowhouse_test_', '')}`
const url = (): string => Object.assign(new URL(database().adminUrl), { pathname: `/${database().name}_slow` }).href
const onServer = (statement: string): Promise<unknown> =>
  withClient(database().adminUrl, (admin) => admin.query(statement))

beforeAll(async () => {
  await onServer(`create role ${app()} login`)
  await onServer(`create database ${database().name}_slow`)
})
afterAll(async () => {
  await onServer(`drop database if exists ${database().name}_slow with (force)`)
  await onServer(`drop role ${app()}`)
})

it('of a policy that reads a setting which must be there', async () => {
  await withClient(url(), (admin) =>
    admin.query(
      `create table tenants (id uuid primary key);
       create table jobs (tenant_id uuid not null references tenants, id int, name text);
       create index on jobs (tenant_id);
       insert into tenants select gen_random_uuid() from generate_series(1, 50);
       insert into jobs select t.id, n, 'job ' || n from tenants t, generate_series(1, 40) n;
       analyze;
       alter table jobs enable row level security;
       create policy own on jobs using (tenant_id::text = current_setting('app.of_the_tenant'));
       grant select on jobs to ${app()}`,
    ),
  )
  const { findings } = await verifyDatabase(url(), { rules: ['tenant_column_cast'] })
  expect(findings.map(({ code, details }) => [code, details])).toEqual([
    ['tenant_column_cast', { plannedCost: expect.any(Number), plannedCostByTenant: expect.any(Number), rows: 2000 }],
  ])
  const details = findings[0]?.details as Record<string, number> | undefined
  expect(details?.['plannedCost']).toBeGreaterThan(details?.['plannedCostByTenant'] ?? Number.NaN)
})
