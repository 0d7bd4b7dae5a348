// `rowhouse cluster …`, through the API.
import { readFileSync } from 'node:fs'
import { Option } from 'commander'
import type { Command } from 'commander'
import type { Cluster, IsolationModel } from '@rowhouse/contracts'
import { RowhouseError } from '@rowhouse/contracts'
import { openApi } from '../environment.ts'
import { renderAgo } from '../output/moment.ts'
import { plural } from '../output/plural.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { list, numberOrNone, wholeNumber, withNulls } from './quantities.ts'

interface Taken {
  readonly json?: boolean
  readonly models?: readonly string[]
  readonly organizationsMax?: number | null
  readonly schemasMax?: number | null
  readonly databasesMax?: number | null
  readonly connectionsMax?: number | null
  readonly spareSchemas?: number
  readonly spareDatabases?: number
  readonly retiredDays?: number
}

export function addClusterCommands(cluster: Command): void {
  takes(
    cluster
      .command('add <id>')
      .description('register a server; it is looked at first, and its URL is kept sealed')
      .option('--url <url>', 'the administrator’s; beyond this machine with ?sslmode=verify-full')
      .option('--url-env <variable>', 'the variable of the environment that holds it', 'ROWHOUSE_CLUSTER_URL')
      .option('--region <region>', 'where it is', 'default')
      .option('--driver <driver>', 'what makes homes there: postgres, or one that makes a server for each', 'postgres')
      .option('--ca <file>', 'certificate of an authority of one’s own, PEM'),
  ).action(
    async (
      id: string,
      {
        url,
        urlEnv,
        region,
        driver,
        ca,
        ...options
      }: Taken & {
        url?: string
        urlEnv: string
        region: string
        driver: string
        ca?: string
      },
    ) => {
      const given = url ?? process.env[urlEnv]
      if (given === undefined || given === '') {
        throw new RowhouseError('invalid_option', `Neither --url nor ${urlEnv} names the server.`, {
          hint: 'A URL on the command line can be read by who lists processes; the variable cannot.',
        })
      }
      const added = await openApi(process.env).addCluster({
        body: {
          id,
          url: given,
          region,
          driver,
          ...(ca !== undefined && { tlsCa: readPem(ca) }),
          ...bounds(withNulls(options)),
        },
      })
      makePrinter(options.json === true).print(added, () => `Added ${added.id}: ${render(added)}`)
    },
  )

  takes(
    cluster
      .command('set <id>')
      .description('change what a cluster takes, how many warm homes it keeps, or how its administrator is reached')
      .option('--url <url>', 'the administrator’s; of main, so that it can make homes there')
      .option('--url-env <variable>', 'the variable of the environment that holds it')
      .option('--ca <file>', 'certificate of an authority of one’s own, PEM')
      .addOption(
        new Option('--status <status>', 'draining keeps what it has and takes nothing new').choices([
          'active',
          'draining',
        ]),
      ),
  ).action(
    async (
      id: string,
      {
        status,
        url,
        urlEnv,
        ca,
        ...options
      }: Taken & { status?: 'active' | 'draining'; url?: string; urlEnv?: string; ca?: string },
    ) => {
      const given = url ?? (urlEnv === undefined ? undefined : (process.env[urlEnv] ?? ''))
      const changed = await openApi(process.env).setCluster({
        params: { clusterId: id },
        body: {
          ...(status !== undefined && { status }),
          ...(given !== undefined && { url: given }),
          ...(ca !== undefined && { tlsCa: readPem(ca) }),
          ...bounds(withNulls(options)),
        },
      })
      makePrinter(options.json === true).print(changed, () => `${changed.id}: ${render(changed)}`)
    },
  )

  cluster
    .command('list')
    .description('all clusters')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { items } = await openApi(process.env).listClusters({})
      makePrinter(options.json === true).print(items, () =>
        renderTable(
          ['id', 'region', 'driver', 'host', 'models', 'status', 'warm homes', 'version', 'checked'],
          items.map((each) => [
            each.id,
            each.region,
            each.driver,
            each.host ?? 'the catalogue’s',
            each.models.join(', '),
            each.status,
            each.spareSchemas + each.spareDatabases === 0
              ? 'none'
              : `${plural(each.spareSchemas, 'schema')}, ${plural(each.spareDatabases, 'database')}`,
            version(each),
            `${renderAgo(each.checkedAt, Date.now())}${each.checkError === null ? '' : `: ${each.checkError}`}`,
          ]),
        ),
      )
    })

  cluster
    .command('check [id]')
    .description('look whether one cluster, or each, answers; ends with 1 when one does not')
    .option('--json', 'print JSON')
    .action(async (id: string | undefined, options: { json?: boolean }) => {
      const api = openApi(process.env)
      const ids = id === undefined ? (await api.listClusters({})).items.map((each) => each.id) : [id]
      const checked: Cluster[] = []
      for (const clusterId of ids) checked.push(await api.checkCluster({ params: { clusterId } }))
      makePrinter(options.json === true).print(checked, () =>
        checked.map((each) => `${each.id}: ${render(each)}`).join('\n'),
      )
      if (checked.some(({ checkError }) => checkError !== null)) process.exitCode = 1
    })
}

function takes(command: Command): Command {
  return command
    .option('--models <models>', 'shared, schema, database: those it takes', list)
    .option('--organizations-max <n>', 'most organizations, or none', numberOrNone)
    .option('--schemas-max <n>', 'most schemas of one organization each, or none', numberOrNone)
    .option('--databases-max <n>', 'most databases of one organization each, or none', numberOrNone)
    .option('--connections-max <n>', 'most connections of one process of an application, or none', numberOrNone)
    .option('--spare-schemas <n>', 'warm schemas to keep', wholeNumber)
    .option('--spare-databases <n>', 'warm databases to keep', wholeNumber)
    .option('--retired-days <n>', 'how long a home that was left is kept', wholeNumber)
    .option('--json', 'print JSON')
}

const bounds = ({ json: _json, models, ...bounded }: Taken) => ({
  ...bounded,
  // What they are called the API checks.
  ...(models !== undefined && { models: models as IsolationModel[] }),
})

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new RowhouseError('invalid_option', `${file} cannot be read.`, { cause, details: { option: 'ca' } })
  }
}

const version = ({ serverVersion }: Cluster): string =>
  serverVersion === null ? '–' : String(Math.floor(serverVersion / 10_000))

const render = (cluster: Cluster): string =>
  cluster.checkError === null
    ? `${cluster.status}, Postgres ${version(cluster)}, in ${cluster.region}; takes ${cluster.models.join(', ')}`
    : `${cluster.status}, ${cluster.checkError}`
