// `rowhouse plan …`, through the API.
import { Option } from 'commander'
import type { Command } from 'commander'
import type { IsolationModel, Plan } from '@rowhouse/contracts'
import { openApi } from '../environment.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { nameOrAny, numberOrNone } from './quantities.ts'

interface PlanOptions {
  readonly json?: boolean
  readonly name?: string
  readonly isolation?: IsolationModel
  readonly region?: string | null
  readonly cluster?: string | null
  readonly connectionsMax?: number | null
  readonly connectionsMin?: number | null
  readonly concurrencyMax?: number | null
  readonly acquireTimeoutMs?: number | null
  readonly idleTimeoutMs?: number | null
  readonly loginConnectionsMax?: number | null
  readonly statementTimeoutMs?: number | null
  readonly idleInTransactionTimeoutMs?: number | null
  readonly ownKey?: boolean
}

export function addPlanCommands(program: Command): void {
  const plan = program.command('plan').description('where the organizations of a plan live, and what they may use')

  plan
    .command('list')
    .description('all plans')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { items } = await openApi(process.env).listPlans({})
      makePrinter(options.json === true).print(items, () =>
        renderTable(
          ['id', 'isolation', 'region', 'cluster', 'limits', 'organizations'],
          items.map((each) => [
            each.id,
            each.isolation,
            each.region ?? 'any',
            each.cluster ?? 'any',
            limits(each),
            String(each.organizations),
          ]),
        ),
      )
    })

  plan
    .command('set <id>')
    .description('make a plan, or change one; what is not named stays')
    .option('--name <name>', 'its name')
    .addOption(
      new Option('--isolation <model>', 'the home of its organizations').choices(['shared', 'schema', 'database']),
    )
    .option('--region <region>', 'where they live, or any', nameOrAny)
    .option('--cluster <id>', 'the one cluster they live on, or any', nameOrAny)
    .option('--connections-max <n>', 'connections of one organization in one process, or none', numberOrNone)
    .option('--connections-min <n>', 'connections to a home that one process keeps open, or none', numberOrNone)
    .option('--concurrency-max <n>', 'transactions of one organization at a time, over all, or none', numberOrNone)
    .option('--acquire-timeout-ms <n>', 'how long a query waits for a connection, or none', numberOrNone)
    .option('--idle-timeout-ms <n>', 'how long a connection to a home rests, or none', numberOrNone)
    .option('--login-connections-max <n>', 'connections of a home’s login over all processes, or none', numberOrNone)
    .option('--statement-timeout-ms <n>', 'longest statement, or none', numberOrNone)
    .option('--idle-in-transaction-timeout-ms <n>', 'longest rest inside a transaction, or none', numberOrNone)
    .option('--own-key', 'its organizations are owed a key of their own for what rests; advice goes by it')
    .option('--no-own-key', 'they are not')
    .option('--json', 'print JSON')
    .action(async (id: string, { json, ...body }: PlanOptions) => {
      const changed = await openApi(process.env).setPlan({ params: { planId: id }, body })
      makePrinter(json === true).print(
        changed,
        () => `${changed.id}: ${changed.isolation}, region ${changed.region ?? 'any'}, ${limits(changed)}`,
      )
    })
}

function limits(plan: Plan): string {
  const said = [
    [plan.connectionsMax, 'connections'],
    [plan.connectionsMin, 'kept open'],
    [plan.concurrencyMax, 'at a time'],
    [plan.acquireTimeoutMs, 'ms for a connection'],
    [plan.idleTimeoutMs, 'ms of rest'],
    [plan.loginConnectionsMax, 'of the login'],
    [plan.statementTimeoutMs, 'ms a statement'],
    [plan.idleInTransactionTimeoutMs, 'ms idle'],
  ] as const
  const set = said.filter(([value]) => value !== null)
  const key = plan.ownKey ? ', a key of its own' : ''
  return (set.length === 0 ? 'no limits' : set.map(([value, what]) => `${value} ${what}`).join(', ')) + key
}
