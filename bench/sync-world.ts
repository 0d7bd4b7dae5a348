// What the measurements of sync share: a database with the demo's two tables and one organization, a connector without
// limits, waiting and percentiles.
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'

import type { Connector } from '@rowhouse/connectors'
import { Client } from 'pg'

import { makeDatabase } from './database.ts'

const WAIT_MS_MAX = 120_000

const TABLES = `
create table companies (
  organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
  name text not null, domain text, industry text, employees integer, primary key (organization_id, id)
);
create table contacts (
  organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
  email text, first_name text, last_name text, phone text, title text, company_id uuid,
  primary key (organization_id, id), unique (organization_id, email),
  foreign key (organization_id, company_id) references companies (organization_id, id) on delete set null (company_id)
);
select rowhouse.protect('companies');
select rowhouse.protect('contacts');`

export function unlimited(connector: Connector): Connector {
  const budgets = connector
    .describe()
    .budgets.map((budget) => ({ ...budget, windows: [{ calls: 1_000_000, windowMs: 1000 }], callsPerDay: null }))
  return { ...connector, describe: () => ({ ...connector.describe(), budgets }) }
}

/** Makes the database; `ids` are the organization's and its owner's. */
export async function installDatabase(
  adminUrl: string,
  name: string,
): Promise<{ urls: { app: string; control: string }; ids: string[] }> {
  const urls = await makeDatabase(adminUrl, name)
  const owner = new Client(urls.migrator)
  await owner.connect()
  await owner.query(TABLES)
  await owner.end()
  const control = new Client(urls.control)
  await control.connect()
  const ownerId = randomUUID()
  const { rows } = await control.query<{ id: string }>(`select rowhouse.create_organization($1, $2, $3) as id`, [
    'Alder',
    'alder',
    ownerId,
  ])
  await control.end()
  return { urls, ids: [rows[0]?.id ?? '', ownerId] }
}

export async function until(what: string, done: () => boolean | Promise<boolean>, everyMs: number): Promise<void> {
  const endMs = Date.now() + WAIT_MS_MAX
  while (!(await done())) {
    if (Date.now() > endMs) throw new Error(`${what}: not within ${WAIT_MS_MAX} ms.`)
    await wait(everyMs)
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.POSITIVE_INFINITY
}
