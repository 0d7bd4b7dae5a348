// `rowhouse org alerts|measures|advice`, through the API: when organizations became slow, what their statements cost, and
// where one should live.
import { Option } from 'commander'
import type { Command } from 'commander'
import type { Advice, AdviceSignal, Alert, Measures } from '@rowhouse/contracts'
import { openApi } from '../environment.ts'
import { renderAgo } from '../output/moment.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { findOrganization } from './find-organization.ts'

interface AlertOptions {
  readonly json?: boolean
  readonly state: 'open' | 'closed' | 'all'
}

/** Most pages that `org alerts` reads: 20,000 alerts. */
const PAGES_MAX = 100
const QUERY_LENGTH_MAX = 80

export function addLoadCommands(org: Command): void {
  org
    .command('alerts [organization]')
    .description('organizations that are slower than they usually are, and the query; ends with 1 while there are some')
    .addOption(new Option('--state <state>', 'which of them').choices(['open', 'closed', 'all']).default('open'))
    .option('--json', 'print JSON')
    .action(async (name: string | undefined, { json, state }: AlertOptions) => {
      const alerts = await readAlerts(name, state)
      makePrinter(json === true).print(alerts, () => renderAlerts(alerts, state, Date.now()))
      if (alerts.some(({ closedAt }) => closedAt === null)) process.exitCode = 1
    })

  org
    .command('measures <organization>')
    .description('what its statements cost in the last hour: time, rows, bytes and errors, by shape')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { json?: boolean }) => {
      const api = openApi(process.env)
      const { id, slug } = await findOrganization(api, name)
      const measures = await api.getMeasures({ params: { organizationId: id } })
      makePrinter(options.json === true).print(measures, () => renderMeasures(slug, measures))
    })

  org
    .command('advice <organization>')
    .description('whether it should live elsewhere, with the numbers that say so; changes nothing')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { json?: boolean }) => {
      const api = openApi(process.env)
      const { id, slug } = await findOrganization(api, name)
      const advice = await api.getAdvice({ params: { organizationId: id } })
      makePrinter(options.json === true).print(advice, () => renderAdvice(slug, advice))
    })
}

async function readAlerts(name: string | undefined, state: AlertOptions['state']): Promise<Alert[]> {
  const api = openApi(process.env)
  if (name !== undefined) {
    const { id } = await findOrganization(api, name)
    const { items } = await api.listOrganizationAlerts({ params: { organizationId: id }, query: { state, limit: 200 } })
    return items
  }
  const alerts: Alert[] = []
  let cursor: string | undefined
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await api.listAlerts({ query: { state, limit: 200, ...(cursor !== undefined && { cursor }) } })
    alerts.push(...answer.items)
    if (answer.next === null) break
    cursor = answer.next
  }
  return alerts
}

const ms = (value: number): string => (value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`)
const cut = (text: string): string =>
  text.length > QUERY_LENGTH_MAX ? `${text.slice(0, QUERY_LENGTH_MAX - 1)}…` : text

function renderAlerts(alerts: readonly Alert[], state: AlertOptions['state'], nowMs: number): string {
  if (alerts.length === 0) {
    return state === 'open'
      ? 'No organization is slower than it usually is. One whose p95 becomes three times its usual is listed here, with the query.'
      : 'No organization was slower than it usually is.'
  }
  return renderTable(
    ['slug', 'p95', 'usual', 'factor', 'began', 'ended', 'query'],
    alerts.map(({ slug, p95Ms, baselineMs, factor, beganAt, closedAt, closedBecause, query }) => [
      slug,
      ms(p95Ms),
      ms(baselineMs),
      `${factor.toFixed(1)}×`,
      renderAgo(beganAt, nowMs),
      closedAt === null ? 'open' : `${renderAgo(closedAt, nowMs)}, ${closedBecause ?? ''}`,
      cut(query.text ?? query.fingerprint),
    ]),
  )
}

function renderMeasures(slug: string, { baselineMs, opensAtMs, statements }: Measures): string {
  const usual =
    baselineMs === null || opensAtMs === null
      ? 'What is usual for it is not known yet: that takes two hours with statements.'
      : `Usual p95: ${ms(baselineMs)}; an alert opens at ${ms(opensAtMs)}.`
  if (statements.length === 0) return `${slug} asked nothing in the last hour.\n${usual}`
  return `${renderTable(
    ['calls', 'errors', 'p50', 'p95', 'time', 'rows', 'bytes', 'query'],
    statements.map(({ calls, errors, p50Ms, p95Ms, timeMs, rows, bytes, text, isBackground }) => [
      String(calls),
      String(errors),
      ms(p50Ms),
      ms(p95Ms),
      ms(timeMs),
      String(rows),
      String(bytes),
      cut(isBackground ? `(background) ${text}` : text),
    ]),
  )}${usual}`
}

const signalNames: Record<AdviceSignal['signal'], string> = {
  rows: 'rows',
  policy_time: 'policy time',
  connections: 'connections',
  schemas: 'schemas',
  residency: 'region',
  own_key: 'own key',
}

function value(of: string | number | boolean | null, unit: AdviceSignal['unit']): string {
  if (of === null) return '–'
  if (typeof of === 'boolean') return of ? 'yes' : 'no'
  if (typeof of === 'string') return of
  const number = of.toLocaleString('en')
  return unit === 'percent' ? `${number} %` : unit === 'ms' ? `${number} ms` : number
}

function renderAdvice(slug: string, { advises, isolation, cluster, region, signals }: Advice): string {
  const where = [
    advises.isolation,
    ...(advises.region === null ? [] : [`in ${advises.region}`]),
    ...(advises.otherCluster ? ['on another cluster'] : []),
  ].join(' ')
  return [
    advises.change === 'stay'
      ? `${slug} is well where it is: ${isolation}, on ${cluster} (${region}).`
      : `${slug} should move from ${isolation}, on ${cluster} (${region}), to: ${where}.`,
    ...advises.why.map((reason) => `  ${reason}`),
    '',
    renderTable(
      ['signal', 'value', 'threshold', '', 'how'],
      signals.map(({ signal, value: found, threshold, unit, isExceeded, method, problem }) => [
        signalNames[signal],
        value(found, unit),
        value(threshold, unit),
        isExceeded ? 'exceeded' : '',
        problem === null ? method : `${method} (${problem})`,
      ]),
    ),
  ].join('\n')
}
