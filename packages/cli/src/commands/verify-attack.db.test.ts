// `rowhouse verify --attack` from its command line to its exit code: on what protect makes, on a hole that no rule lists,
// on a Supabase project, and on an application whose policies ask a setting.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { useSupabaseDatabase, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TriedProbe, VerifyReport } from '@rowhouse/verify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { bareEnvironment } from './test-command.ts'

const main = join(import.meta.dirname, '../main.ts')
const ATTACK_TIMEOUT_MS = 240_000

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rowhouse-attack-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function attack(url: string, ...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [main, 'verify', '--attack', '--url', url, ...args], {
    env: { ...bareEnvironment(), TMPDIR: folder },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

const reportOf = ({ stdout }: Ended): VerifyReport => JSON.parse(stdout) as VerifyReport
const codesOf = ({ findings }: VerifyReport): string[] => findings.map(({ code, object }) => `${code}: ${object}`)

const protectedTable = (name: string): string => `create table public.${name} (
    organization_id uuid not null default rowhouse.organization_id(),
    id uuid not null default gen_random_uuid(),
    title text not null,
    primary key (organization_id, id)
  );
  select rowhouse.protect('public.${name}')`

describe('rowhouse verify --attack on a database of Rowhouse', () => {
  const database = useTestDatabase()
  beforeAll(() => withClient(database().migratorUrl, (migrator) => migrator.query(protectedTable('letters'))))

  it(
    'ends with 0 on what protect made, in a server that it starts and removes',
    async () => {
      const ended = await attack(database().adminUrl, '--json')
      expect(ended.code).toBe(0)
      // A program is told how far it is, on standard error, and finds the report alone on the other.
      const told = ended.stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { type: string; phase?: string })
      expect(told.flatMap(({ phase }) => phase ?? [])).toEqual(expect.arrayContaining(['attacking', 'done']))
      expect(told.at(-1)).toMatchObject({ type: 'attack', phase: 'done' })
      const report = reportOf(ended)
      expect([codesOf(report), report.undecided, report.outcome]).toEqual([[], [], 'clean'])
      expect(report.attack?.cells).toBeGreaterThan(500)
      expect(report.attack?.limits).not.toEqual([])
      expect(await readdir(folder)).toEqual([])
    },
    ATTACK_TIMEOUT_MS,
  )

  it(
    'finds what no rule lists, and says how to see it in every form',
    async () => {
      // A unique key by hand: whether B has a letter of this title, A learns from the error.
      await withClient(database().adminUrl, (admin) =>
        admin.query(`
          create function public.one_title() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
          begin
            if exists (select from public.letters l where l.title = new.title and l.id <> new.id) then raise exception 'taken'; end if;
            return new;
          end $$;
          revoke execute on function public.one_title() from public;
          create trigger one_title before insert on public.letters for each row execute function public.one_title()`),
      )
      const file = (name: string): string => join(folder, name)
      const args = ['--sarif', file('r.sarif'), '--junit', file('r.xml'), '--html', file('r.html')]
      args.push('--attack-log', file('log.ndjson'))
      args.push('--attack-only', 'public.letters')
      const ended = await attack(database().adminUrl, '--scratch-url', 'same-server', ...args)
      // On a machine that is busy, a line that tells how far it is.
      expect(ended.stderr.replaceAll(/^(probe|reading|planting|copying|making|writing).*\n/gm, '')).toBe('')
      expect(ended.code).toBe(1)
      expect(ended.stdout).toMatch(/V9\d{3} {2}\w+ {2}table public\.letters/)
      expect(ended.stdout).toMatch(/set local session authorization (rowhouse_app|authenticator)/)
      expect(ended.stdout).toContain('What no schema prevents')
      const leftOut =
        /Attacked by choice: public\.letters alone, 1 object\. Left out: \d{4,} probes on \d{3,} objects\./
      expect(ended.stdout).toMatch(leftOut)
      for (const name of ['r.sarif', 'r.xml', 'r.html']) {
        const text = await readFile(file(name), 'utf8')
        expect(text).toContain('write_depends_on_another_organization')
        expect(text).toMatch(leftOut)
        await rm(file(name))
      }
      const log = (await readFile(file('log.ndjson'), 'utf8')).trim().split('\n')
      await rm(file('log.ndjson'))
      const tried = log.map((line) => JSON.parse(line) as TriedProbe)
      expect(tried.length).toBeGreaterThan(200)
      expect(new Set(tried.map(({ object }) => object))).toEqual(new Set(['table public.letters']))
      expect(tried).toContainEqual({
        object: 'table public.letters',
        probe: 'select',
        statement: 'select * from public.letters limit 500',
        context: 'rowhouse seal as rowhouse_app',
        outcome: 'same',
      })
      expect(tried.some(({ outcome }) => outcome === 'write_depends_on_another_organization')).toBe(true)
      const rules = spawn(process.execPath, [main, 'verify', '--url', database().adminUrl], {
        env: bareEnvironment(),
        stdio: 'ignore',
      })
      expect(await once(rules, 'close')).toEqual([0, null])
    },
    ATTACK_TIMEOUT_MS,
  )

  it(
    'ends with 3 where a part was attacked by choice and nothing was found, and says what that left out',
    async () => {
      await withClient(database().adminUrl, (admin) => admin.query('drop trigger one_title on public.letters'))
      const args = ['--scratch-url', 'same-server', '--attack-only', 'table public.letters', 'rowhouse.role*', '--json']
      const ended = await attack(database().adminUrl, ...args)
      const report = reportOf(ended)
      expect([ended.code, codesOf(report), report.undecided, report.outcome]).toEqual([3, [], [], 'undecided'])
      expect(report.attack?.part?.only).toEqual(['table public.letters', 'rowhouse.role*'])
      expect(report.attack?.part?.objects).toEqual(
        expect.arrayContaining(['table public.letters', 'table rowhouse.roles', 'function rowhouse.role()']),
      )
      expect(report.attack?.part?.leftOutProbes).toBeGreaterThan(1_000)
    },
    ATTACK_TIMEOUT_MS,
  )

  it(
    'ends with 3 when the time is over or no copy can be made, with what the rules say',
    async () => {
      const short = await attack(database().adminUrl, '--scratch-url', 'same-server', '--attack-seconds', '1', '--json')
      expect([reportOf(short).outcome, short.code]).toEqual(['undecided', 3])
      expect(reportOf(short).attack?.notCovered.map(({ reason }) => reason)).toContain('the time was over')

      const weak = await attack(database().migratorUrl, '--scratch-url', 'same-server', '--json')
      expect([weak.code, reportOf(weak).undecided]).toEqual([
        3,
        [expect.stringContaining('rowhouse_migrator is no superuser of the server for the scratch databases.')],
      ])
      expect(reportOf(weak).attack).toMatchObject({ cells: 0, notCovered: [{ object: 'database', probe: 'all' }] })

      const nowhere = await attack(database().adminUrl, '--scratch-url', 'postgres://x@127.0.0.1:1/x', '--json')
      expect([nowhere.code, reportOf(nowhere).outcome]).toEqual([3, 'undecided'])
    },
    ATTACK_TIMEOUT_MS,
  )

  it.each([
    ['a place that is none', ['--scratch-url', 'somewhere']],
    ['no time', ['--attack-seconds', '0']],
    ['no time to copy', ['--copy-seconds', 'soon']],
    ['a table that is not there', ['--attack-only', 'letters']],
  ])('ends with 2 for %s', async (_, args) => {
    const ended = await attack(database().adminUrl, ...args)
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining('error[invalid_option]')])
  })

  it(
    'drops its scratch databases on Ctrl-C',
    async () => {
      const scratch = (): Promise<string[]> =>
        withClient(database().adminUrl, async (admin) => {
          const { rows } = await admin.query<{ name: string }>(
            `select datname as name from pg_database where datname like 'rowhouse\\_verify\\_%'`,
          )
          return rows.map(({ name }) => name)
        })
      const before = await scratch()
      const mine = async (): Promise<string[]> => (await scratch()).filter((name) => !before.includes(name))
      const child = spawn(
        process.execPath,
        [main, 'verify', '--attack', '--url', database().adminUrl, '--scratch-url', 'same-server'],
        { env: bareEnvironment(), stdio: 'ignore' },
      )
      await expect.poll(async () => (await mine()).length, { timeout: 60_000 }).toBe(2)
      const exited = once(child, 'exit')
      child.kill('SIGINT')
      expect(await exited).toEqual([null, 'SIGINT'])
      expect(await mine()).toEqual([])
    },
    ATTACK_TIMEOUT_MS,
  )
})

describe('rowhouse verify --attack on a Supabase project', () => {
  const project = useSupabaseDatabase({ installed: false })
  const schema = `
    create table public.teams (id uuid primary key default gen_random_uuid(), name text not null);
    create table public.members (team_id uuid not null references public.teams, user_id uuid not null references auth.users, primary key (team_id, user_id));
    create index on public.members (user_id);
    create table public.todos (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams, title text not null);
    create index on public.todos (team_id);
    alter table public.teams enable row level security;
    alter table public.members enable row level security;
    alter table public.todos enable row level security;
    create policy mine on public.members for select to authenticated using (user_id = (select auth.uid()));
    create policy mine on public.teams for select to authenticated using (id in (select m.team_id from public.members m where m.user_id = (select auth.uid())));
    create policy mine on public.todos to authenticated using (team_id in (select m.team_id from public.members m where m.user_id = (select auth.uid())));
    create policy open_todos on public.todos for select to authenticated using (title is not null)`

  it(
    'reads as PostgREST does, and finds the policy that opens',
    async () => {
      await withClient(project().postgresUrl, (postgres) => postgres.query(schema))
      const report = reportOf(await attack(project().postgresUrl, '--json'))
      expect(report.undecided).toEqual([])
      const seen = report.findings.find(
        ({ code, object }) => code === 'rows_of_another_organization_seen' && object === 'table public.todos',
      )
      expect(seen?.evidence).toContain('set local session authorization authenticator')
      expect(codesOf(report)).not.toContain('rows_of_another_organization_seen: table public.members')
    },
    ATTACK_TIMEOUT_MS,
  )
})

describe('rowhouse verify --attack on an application of its own', () => {
  const database = useTestDatabase()
  const plain = (): string => {
    const url = new URL(database().adminUrl)
    url.pathname = `/${database().name}_plain`
    return url.href
  }
  beforeAll(async () => {
    await withClient(database().adminUrl, (admin) => admin.query(`create database ${database().name}_plain`))
    await withClient(plain(), (admin) =>
      admin.query(`
        revoke temporary on database ${database().name}_plain from public;
        create role web_${database().name} login;
        create role batch_${database().name} login;
        create table public.tenants (id uuid primary key, name text not null);
        create table public.invoices (tenant_id uuid not null references public.tenants, id uuid not null, total int not null, primary key (tenant_id, id));
        alter table public.tenants enable row level security;
        alter table public.tenants force row level security;
        alter table public.invoices enable row level security;
        alter table public.invoices force row level security;
        create policy own on public.tenants using (id = nullif(current_setting('app.tenant_id', true), '')::uuid);
        create policy own on public.invoices using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
        grant select, insert, update, delete on public.tenants, public.invoices to web_${database().name}`),
    )
  })
  afterAll(() =>
    withClient(database().adminUrl, async (admin) => {
      await admin.query(`drop database if exists ${database().name}_plain with (force)`)
      await admin.query(`drop role if exists web_${database().name}, batch_${database().name}`)
    }),
  )

  it(
    'says that the setting is no proof, and that nothing else is open',
    async () => {
      const ended = await attack(plain(), '--scratch-url', 'same-server', '--json')
      const report = reportOf(ended)
      expect(report.undecided).toEqual([])
      const byAttack = report.findings.filter(({ source }) => source === 'attack')
      // What Postgres lets everybody call is open in a database that nobody closed it in.
      expect(new Set(byAttack.map(({ code }) => code))).toEqual(
        new Set(['context_is_a_setting', 'shared_session_function']),
      )
      expect([ended.code, report.outcome]).toEqual([1, 'findings'])
    },
    ATTACK_TIMEOUT_MS,
  )

  it(
    'names a role of which nothing says how it acts for an organization',
    async () => {
      await withClient(plain(), (admin) =>
        admin.query(`drop policy own on public.tenants; drop policy own on public.invoices`),
      )
      const ended = await attack(plain(), '--scratch-url', 'same-server', '--json')
      const report = reportOf(ended)
      expect([ended.code, report.outcome]).toEqual([1, 'findings'])
      expect(report.attack?.notCovered).toContainEqual({
        object: `role web_${database().name}`,
        probe: 'as an organization',
        reason: expect.stringContaining('nobody'),
      })
    },
    ATTACK_TIMEOUT_MS,
  )
})
