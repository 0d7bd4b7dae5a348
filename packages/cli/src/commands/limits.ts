// What organizations may have, as options of a command and as a line: of plans and of single organizations.
import type { Command } from 'commander'
import { numberOrNone } from './quantities.ts'

export interface Limits {
  readonly connectionsMax?: number | null
  readonly connectionsMin?: number | null
  readonly concurrencyMax?: number | null
  readonly acquireTimeoutMs?: number | null
  readonly idleTimeoutMs?: number | null
  readonly loginConnectionsMax?: number | null
  readonly statementTimeoutMs?: number | null
  readonly idleInTransactionTimeoutMs?: number | null
}

export const addLimitOptions = (command: Command): Command =>
  command
    .option('--connections-max <n>', 'connections of one organization in one process, or none', numberOrNone)
    .option('--connections-min <n>', 'connections to a home that one process keeps open, or none', numberOrNone)
    .option('--concurrency-max <n>', 'transactions of one organization at a time, over all, or none', numberOrNone)
    .option('--acquire-timeout-ms <n>', 'how long a query waits for a connection, or none', numberOrNone)
    .option('--idle-timeout-ms <n>', 'how long a connection to a home rests, or none', numberOrNone)
    .option('--login-connections-max <n>', 'connections of a home’s login over all processes, or none', numberOrNone)
    .option('--statement-timeout-ms <n>', 'longest statement, or none', numberOrNone)
    .option('--idle-in-transaction-timeout-ms <n>', 'longest rest inside a transaction, or none', numberOrNone)

export function renderLimits(limits: Limits): string {
  const said = [
    [limits.connectionsMax, 'connections'],
    [limits.connectionsMin, 'kept open'],
    [limits.concurrencyMax, 'at a time'],
    [limits.acquireTimeoutMs, 'ms for a connection'],
    [limits.idleTimeoutMs, 'ms of rest'],
    [limits.loginConnectionsMax, 'of the login'],
    [limits.statementTimeoutMs, 'ms a statement'],
    [limits.idleInTransactionTimeoutMs, 'ms idle'],
  ] as const
  const set = said.filter(([value]) => value !== null && value !== undefined)
  return set.length === 0 ? 'no limits' : set.map(([value, what]) => `${value} ${what}`).join(', ')
}
