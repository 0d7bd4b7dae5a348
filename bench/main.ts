// npm run bench -- NAME [--quick] [--json]
// Runs one benchmark on a Postgres of its own, or on ROWHOUSE_BENCH_URL (an administrator's URL; it makes and drops
// databases named rowhouse_bench_…). Exit code 0: the aims are met; 1: they are not; 2: usage.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { startPostgres } from '@rowhouse/embedded'
import { Client } from 'pg'

import { adoptBench } from './adopt.ts'
import { meets } from './bench.ts'
import type { Bench } from './bench.ts'
import { changeLog } from './change-log.ts'
import { hotPath } from './hot-path.ts'
import { judging } from './judging.ts'
import { describeMachine } from './machine.ts'
import { neighbour } from './neighbour.ts'
import { provision } from './provision.ts'
import { report } from './report.ts'
import { rls } from './rls.ts'
import { rollout } from './rollout.ts'
import { schemas } from './schemas.ts'
import { sync } from './sync.ts'
import { verify } from './verify.ts'

const benches: Readonly<Record<string, Bench>> = {
  adopt: adoptBench,
  'hot-path': hotPath,
  'change-log': changeLog,
  judging,
  neighbour,
  provision,
  report,
  rls,
  rollout,
  schemas,
  sync,
  verify,
}

interface Server {
  readonly adminUrl: string
  stop(): Promise<void>
}

async function openServer(log: (line: string) => void): Promise<Server> {
  const given = process.env['ROWHOUSE_BENCH_URL']
  if (given !== undefined && given !== '') return { adminUrl: given, stop: () => Promise.resolve() }
  const dataDir = await mkdtemp(join(tmpdir(), 'rowhouse-bench-'))
  const postgres = await startPostgres({ dataDir, log })
  return {
    adminUrl: postgres.adminUrl,
    stop: async () => {
      await postgres.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function serverVersion(adminUrl: string): Promise<string> {
  const client = new Client(adminUrl)
  await client.connect()
  const { rows } = await client.query<{ server_version: string }>('show server_version')
  await client.end()
  return rows[0]?.server_version ?? 'unknown'
}

function usage(): number {
  console.error('Usage: npm run bench -- NAME [--quick] [--json]\n')
  for (const { name, measures } of Object.values(benches)) console.error(`  ${name.padEnd(12)} ${measures}`)
  return 2
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    strict: false,
    options: { quick: { type: 'boolean' }, json: { type: 'boolean' } },
  })
  const bench = benches[positionals[0] ?? '']
  if (bench === undefined || positionals.length > 1) return usage()
  const log = (line: string): void => {
    console.error(line)
  }
  const server = await openServer(log)
  try {
    const machine = describeMachine(await serverVersion(server.adminUrl))
    const results = await bench.run({ quick: values['quick'] === true, adminUrl: server.adminUrl, log })
    const met = Object.entries(bench.aims).every(([key, aim]) => meets(results[key], aim))
    if (values['json'] === true) {
      console.log(JSON.stringify({ bench: bench.name, machine, results, aims: bench.aims, met }))
    } else {
      for (const [key, value] of Object.entries(results)) {
        const aim = bench.aims[key]
        const verdict = aim === undefined ? '' : `aim ${JSON.stringify(aim)} ${meets(value, aim) ? 'met' : 'NOT MET'}`
        console.log(`${key.padEnd(40)} ${String(value).padStart(10)}  ${verdict}`.trimEnd())
      }
    }
    return met ? 0 : 1
  } finally {
    await server.stop()
  }
}

process.exitCode = await main()
