// `rowhouse sync …`, through the API.
import type { Client } from '@rowhouse/client'
import { RowhouseError } from '@rowhouse/contracts'
import type { ChangeEvents, Connection, ConnectionDetail } from '@rowhouse/contracts'
import type { Command } from 'commander'
import { openApi } from '../environment.ts'
import { renderAgo, renderDuration, renderLag } from '../output/moment.ts'
import { plural } from '../output/plural.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { findOrganization } from './find-organization.ts'

interface JsonOption {
  readonly json?: boolean
}

export function addSyncCommands(sync: Command): void {
  sync
    .command('status <organization>')
    .description('state, progress and budget of each connection')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption) => {
      const api = openApi(process.env)
      const { id: organizationId, slug } = await findOrganization(api, name)
      const { items } = await api.listConnections({ params: { organizationId } })
      const details = await Promise.all(
        items.map(({ id }) => api.getConnection({ params: { organizationId, connectionId: id } })),
      )
      makePrinter(options.json === true).print(details, () =>
        details.length === 0 ? noConnection(slug) : details.map(renderDetail).join('\n\n'),
      )
    })

  sync
    .command('conflicts <organization>')
    .description('fields that were changed apart on both sides, and who won')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const { items } = await api.listConflicts({ params: { organizationId } })
      makePrinter(options.json === true).print(items, () =>
        items.length === 0
          ? 'No conflicts.'
          : renderTable(
              ['object', 'record', 'field', 'here', 'there', 'won', 'at'],
              items.map(({ object, recordId, field, local, remote, winner, at }) => [
                object,
                recordId ?? '–',
                field,
                local ?? '–',
                remote ?? '–',
                winner ?? 'waiting',
                renderAgo(at, Date.now()),
              ]),
            ),
      )
    })

  sync
    .command('dead-letters <organization>')
    .description('records that could not be synced, and why')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const { items } = await api.listDeadLetters({ params: { organizationId } })
      if (items.length > 0) process.exitCode = 1
      makePrinter(options.json === true).print(items, () =>
        items.length === 0
          ? 'No dead letters.'
          : renderTable(
              ['id', 'object', 'direction', 'code', 'attempts', 'last', 'reason'],
              items.map(({ id, object, direction, code, attempts, lastAt, reason }) => [
                id,
                object,
                direction,
                code,
                String(attempts),
                renderAgo(lastAt, Date.now()),
                reason,
              ]),
            ),
      )
    })

  sync
    .command('repair <organization>')
    .description('read every record of the CRM again and make both sides equal')
    .option('--connection <id>', 'this connection only; without it all of them')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption & { readonly connection?: string }) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const items = await repair(api, organizationId, options.connection)
      makePrinter(options.json === true).print(items, () =>
        items.length === 0
          ? noConnection(name)
          : items.map(({ connector, account, state }) => `${connector} ${account}: ${state}`).join('\n'),
      )
    })

  sync
    .command('replay <organization> <dead-letter>')
    .description('try a parked record again')
    .option('--json', 'print JSON')
    .action(async (name: string, deadLetterId: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const result = await api.replayDeadLetter({ params: { organizationId, deadLetterId } })
      makePrinter(options.json === true).print(
        result,
        () => `It is tried again now; if it fails once more it is back in: rowhouse sync dead-letters ${name}`,
      )
    })
}

/** A connection in some lines: how it is, what it holds, what it may still call. */
const renderDetail = (detail: ConnectionDetail): string =>
  [
    `${detail.connector} ${detail.account}: ${detail.state}${detail.stateReason === null ? '' : ` (${detail.stateReason})`}`,
    `  lag ${renderLag(detail.lagMs)}, polled every ${renderDuration(detail.pollIntervalMs)}, ${plural(detail.deadLetters, 'dead letter')}, ${plural(detail.conflicts, 'conflict')}`,
    ...(detail.events === null ? [] : [`  ${eventsLine(detail.events)}`]),
    ...detail.objects.map(
      ({ table, records, backfilled, expected, backfillDone }) =>
        `  ${table}: ${records} linked${backfillDone ? '' : `, backfill ${backfilled}${expected === null ? '' : ` of ${expected}`}`}`,
    ),
    ...detail.budgets.map((budget) => `  budget: ${budget.used} of ${budget.limit} ${budgetWords(budget)}`),
  ].join('\n')

/** `calls in 10 s`, `search today`, `calls at once`. */
function budgetWords({ name, kind, windowMs }: ConnectionDetail['budgets'][number]): string {
  const what = name === 'default' ? 'calls' : name
  if (kind === 'day') return `${what} today`
  return kind === 'concurrent' || windowMs === null ? `${what} at once` : `${what} in ${renderDuration(windowMs)}`
}

const noConnection = (slug: string): string =>
  `${slug} has no connection. Add one: rowhouse connection add ${slug} --connector hubspot`

/** Of one connection, or of all. */
async function repair(api: Client, organizationId: string, connectionId: string | undefined): Promise<Connection[]> {
  const { items } = await api.listConnections({ params: { organizationId } })
  const wanted = connectionId === undefined ? items : items.filter(({ id }) => id === connectionId)
  if (connectionId !== undefined && wanted.length === 0) throw new RowhouseError('connection_not_found')
  return Promise.all(wanted.map(({ id }) => api.resyncConnection({ params: { organizationId, connectionId: id } })))
}

/** The event stream of a CRM in one line: whether it is open, what it told last, and what to do where it is not. */
function eventsLine({ state, since, lastEventAt, lagMs, reason }: ChangeEvents): string {
  const nowMs = Date.now()
  return [
    `events ${state}${since === null ? '' : ` since ${renderAgo(since, nowMs)}`}`,
    lastEventAt === null
      ? 'none yet'
      : `last ${renderAgo(lastEventAt, nowMs)}, ${renderDuration(lagMs ?? 0)} after its commit`,
    ...(reason === null ? [] : [reason]),
  ].join(', ')
}
