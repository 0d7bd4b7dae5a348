// `rowhouse plan …`, through the API.
import { Option } from 'commander'
import type { Command } from 'commander'
import type { IsolationModel, Plan } from '@rowhouse/contracts'
import { openApi } from '../environment.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { addLimitOptions, renderLimits } from './limits.ts'
import type { Limits } from './limits.ts'
import { nameOrAny, withNulls } from './quantities.ts'

interface PlanOptions extends Limits {
  readonly json?: boolean
  readonly name?: string
  readonly isolation?: IsolationModel
  readonly region?: string | null
  readonly cluster?: string | null
  readonly ownKey?: boolean
}

export function addPlanCommands(plan: Command): void {
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

  addLimitOptions(
    plan
      .command('set <id>')
      .description('make a plan, or change one; what is not named stays')
      .option('--name <name>', 'its name')
      .addOption(
        new Option('--isolation <model>', 'the home of its organizations').choices(['shared', 'schema', 'database']),
      )
      .option('--region <region>', 'where they live, or any', nameOrAny)
      .option('--cluster <id>', 'the one cluster they live on, or any', nameOrAny),
  )
    .option('--own-key', 'its organizations are owed a key of their own for what rests; advice goes by it')
    .option('--no-own-key', 'they are not')
    .option('--json', 'print JSON')
    .action(async (id: string, { json, ...body }: PlanOptions) => {
      const changed = await openApi(process.env).setPlan({ params: { planId: id }, body: withNulls(body) })
      makePrinter(json === true).print(
        changed,
        () => `${changed.id}: ${changed.isolation}, region ${changed.region ?? 'any'}, ${limits(changed)}`,
      )
    })
}

function limits(plan: Plan): string {
  return `${renderLimits(plan)}${plan.ownKey ? ', a key of its own' : ''}`
}
