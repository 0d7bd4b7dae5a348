// `rowhouse sync …`, through the API.
import type { Command } from 'commander'
import { openApi } from '../environment.ts'
import { renderAgo, renderDuration } from '../output/moment.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { findOrganization } from './organization.ts'

interface JsonOption {
  readonly json?: boolean
}

export function addSyncCommands(program: Command): void {
  const sync = program.command('sync').description('what is synced, what waits, what could not be done')

  sync
    .command('status <organization>')
    .description('state, progress and budget of each connection')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const { items } = await api.listConnections({ params: { organizationId } })
      const details = await Promise.all(
        items.map(({ id }) => api.getConnection({ params: { organizationId, connectionId: id } })),
      )
      makePrinter(options.json === true).print(details, () =>
        details
          .map((detail) =>
            [
              `${detail.connector} ${detail.account}: ${detail.state}${detail.stateReason === null ? '' : ` (${detail.stateReason})`}`,
              `  lag ${renderDuration(detail.lagMs)}, polled every ${renderDuration(detail.pollIntervalMs)}, ${detail.deadLetters} dead letters, ${detail.conflicts} conflicts`,
              ...detail.objects.map(
                ({ table, records, backfilled, expected, backfillDone }) =>
                  `  ${table}: ${records} linked${backfillDone ? '' : `, backfill ${backfilled}${expected === null ? '' : ` of ${expected}`}`}`,
              ),
              ...detail.budgets.map(
                ({ name: budget, kind, used, limit }) => `  budget ${budget} (${kind}): ${used} of ${limit}`,
              ),
            ].join('\n'),
          )
          .join('\n\n'),
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
              ['id', 'object', 'direction', 'code', 'tries', 'last', 'reason'],
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
    .command('replay <organization> <dead letter id>')
    .description('try a parked record again')
    .option('--json', 'print JSON')
    .action(async (name: string, deadLetterId: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organizationId = (await findOrganization(api, name)).id
      const result = await api.replayDeadLetter({ params: { organizationId, deadLetterId } })
      makePrinter(options.json === true).print(result, () => 'It is tried again now.')
    })
}
