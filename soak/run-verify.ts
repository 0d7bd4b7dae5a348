// npm run soak -- verify [--seeds N] [--write] [--json]
// The rules and the attacks on a schema that protect made, again and again: every seed plants other rows and runs the
// probes in another order. Nothing may be found, and every difference between the worlds must be one that docs/attacks.md
// names as what no schema prevents.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { startPostgres } from '@rowhouse/embedded'
import { attackDatabase, verify } from '@rowhouse/verify'
import { Client } from 'pg'

import { makeDatabase } from '../bench/database.ts'
import { describeMachine } from '../bench/machine.ts'

const SEEDS_MAX = 1_000
/** Every kind of thing that protect knows: references, keys, computed columns, partitions, masks, a view. */
const SCHEMA = `
  create type stage as enum ('lead', 'customer', 'lost');
  create domain amount as numeric check (value >= 0);
  create table companies (
    organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
    name text not null, domain text, stage stage not null default 'lead', worth amount, tags text[], profile jsonb,
    primary key (organization_id, id), unique (organization_id, domain)
  );
  create table contacts (
    organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
    company_id uuid, email text not null, phone text, at timestamptz not null default now(),
    shown text generated always as (lower(email)) stored,
    primary key (organization_id, id), unique (organization_id, email),
    foreign key (organization_id, company_id) references companies (organization_id, id) on delete set null (company_id)
  );
  create table visits (
    organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
    contact_id uuid not null, day date not null, during tstzrange,
    primary key (organization_id, id, day),
    foreign key (organization_id, contact_id) references contacts (organization_id, id) on delete cascade
  ) partition by range (day);
  create table visits_rest partition of visits default;
  select rowhouse.protect('companies');
  select rowhouse.protect('contacts', '{"mask": ["phone"]}');
  select rowhouse.protect('visits');
  create view customers with (security_invoker = true) as select * from companies where stage = 'customer';
  grant select on customers to rowhouse_app, authenticated;`

export async function runVerify(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '20' },
      write: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const seeds = Number(values.seeds)
  if (!Number.isInteger(seeds) || seeds < 1 || seeds > SEEDS_MAX) {
    console.error(`--seeds is a number from 1 to ${SEEDS_MAX}, not ${values.seeds}.`)
    return 2
  }
  const documented = (await readFile(join(import.meta.dirname, '../docs/attacks.md'), 'utf8')).replaceAll(/\s+/g, ' ')
  const dataDir = await mkdtemp(join(tmpdir(), 'rowhouse-soak-'))
  const postgres = await startPostgres({ dataDir, durable: false })
  try {
    const machine = describeMachine('embedded')
    const urls = await makeDatabase(postgres.adminUrl, 'rowhouse_soak_verify')
    const migrator = new Client(urls.migrator)
    await migrator.connect()
    await migrator.query(SCHEMA)
    await migrator.end()
    const url = Object.assign(new URL(postgres.adminUrl), { pathname: '/rowhouse_soak_verify' }).href
    const { findings: byRules, undecided: ofRules } = await verify({ url })
    const wrong = [...byRules.map(({ code, object }) => `rules: ${code} ${object}`), ...ofRules]
    let cells = 0
    for (let seed = 1; seed <= seeds; seed += 1) {
      const { findings, undecided, coverage } = await attackDatabase(url, {
        seed,
        attackSeconds: 3_600,
        statementTimeoutMs: 10_000,
        clone: { seed: String(seed), scratch: 'same-server' },
      })
      const unknown = coverage.limits.filter((limit) => !documented.includes(limit))
      const problems = [
        ...findings.map(({ code, object, evidence }) => `${code} ${object}\n${evidence ?? ''}`),
        ...undecided,
        ...unknown.map((limit) => `not in docs/attacks.md: ${limit}`),
      ]
      cells += coverage.cells
      wrong.push(...problems.map((problem) => `seed ${seed}: ${problem}`))
      console.error(`seed ${seed}: ${coverage.cells} probes in contexts, ${problems.length} problems`)
    }
    for (const problem of wrong) console.error(problem)
    const results = { seeds, cells, problems: wrong.length }
    const said = { soak: 'verify', machine, results, clean: wrong.length === 0 }
    if (values.write)
      await writeFile(join(import.meta.dirname, 'results/verify.json'), `${JSON.stringify(said, null, 2)}\n`)
    if (values.json) console.log(JSON.stringify(said))
    else console.log(`${seeds} seeds, ${cells} probes in contexts, ${wrong.length} problems`)
    return wrong.length === 0 ? 0 : 1
  } finally {
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
