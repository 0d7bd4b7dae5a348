// npm run soak -- pooler [--operations N] [--clients N] [--organizations N] [--json]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { startPostgres } from '@rowhouse/embedded'

import { describeMachine } from '../bench/machine.ts'
import { pgbouncerVersion } from './pgbouncer.ts'
import { soakPooler } from './pooler.ts'

/** What must be 0. */
const clean = [
  'errors_unexpected',
  'foreign_rows',
  'foreign_errors',
  'foreign_settings',
  'foreign_log_lines',
  'organizations_with_lost_or_surplus_rows',
]

export async function runPooler(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      operations: { type: 'string', default: '1000000' },
      clients: { type: 'string', default: '500' },
      organizations: { type: 'string', default: '200' },
      json: { type: 'boolean', default: false },
    },
  })
  const [operations, clients, organizations] = [values.operations, values.clients, values.organizations].map(Number)
  const areCounts = [operations, clients, organizations].every((count) => Number.isInteger(count) && Number(count) > 0)
  if (!areCounts) {
    console.error('Usage: npm run soak -- pooler [--operations N] [--clients N] [--organizations N] [--json]')
    return 2
  }
  if (pgbouncerVersion() === null) {
    console.error('There is no pgbouncer on this machine. Debian: apt-get install pgbouncer')
    return 3
  }
  const log = (line: string): void => {
    console.error(line)
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'rowhouse-soak-'))
  const postgres = await startPostgres({ dataDir, log })
  try {
    const machine = describeMachine('embedded')
    const results = await soakPooler({
      adminUrl: postgres.adminUrl,
      serverLogFile: postgres.logFile,
      operations: operations as number,
      clients: clients as number,
      organizations: organizations as number,
      log,
    })
    const isClean = clean.every((key) => results[key] === 0) && results['server_connections'] === 1
    if (values.json) console.log(JSON.stringify({ soak: 'pooler', machine, results, clean: isClean }))
    else
      for (const [key, value] of Object.entries(results)) console.log(`${key.padEnd(42)} ${String(value).padStart(10)}`)
    return isClean ? 0 : 1
  } finally {
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
