// What row security costs when tables are large: 10 million contacts of 1,000 organizations, a few large and many small.
// A protected table, plain and partitioned by organization, against an unprotected twin with the same keys, indexes and
// change log and a hand-written WHERE; and the policies that other frameworks generate, on one more copy.
// Every statement runs in a transaction that has entered, on one connection, variant after variant; entering is measured
// apart. Statements are named, so that their plans are those of an application.
import { deriveTokenKey } from '@rowhouse/database'
import { Client } from 'pg'

import { mintToken } from '../packages/testkit/src/tokens.ts'
import type { Bench, BenchContext } from './bench.ts'
import { SIGNING_KEY } from './database.ts'
import { otherPolicies, preparePolicies } from './rls-policies.ts'
import { shapes, statementOf, variants } from './rls-shapes.ts'
import type { Shape, Statement, Variant } from './rls-shapes.ts'
import { buildWorld } from './rls-world.ts'
import type { OrganizationRows, World } from './rls-world.ts'
import { median } from './rounds.ts'

/** A shape that takes this long on the twin is judged by its ratio, a shorter one by the microseconds added. */
const POINT_MS = 1
/** Ranks of the organizations that are asked, by size: the largest, and some of every kind. */
const RANKS = [0, 1, 5, 20, 60, 150, 300, 500, 700, 900]
const OTHER_TIMEOUT_MS = 60_000

type Times = Record<string, number[]>

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Of one variant and the twin, asked the same in the same moment: what else the machine does falls on both. */
function pairwise(own: readonly number[], twin: readonly number[], of: (own: number, twin: number) => number): number {
  return median(own.map((value, index) => of(value, twin[index] ?? Number.NaN)))
}

class Session {
  readonly client: Client
  readonly #world: World
  #databaseId = ''

  constructor(world: World) {
    this.#world = world
    this.client = new Client(world.appUrl)
  }

  async open(): Promise<void> {
    await this.client.connect()
    const { rows } = await this.client.query<{ database_id: string }>('select database_id from rowhouse.handshake()')
    this.#databaseId = rows[0]?.database_id ?? ''
  }

  /** @returns milliseconds that entering took */
  async enter({ organizationId }: OrganizationRows): Promise<number> {
    const claims = { org: organizationId, user: this.#world.ownerId }
    const key = deriveTokenKey(SIGNING_KEY, this.#databaseId)
    const token = mintToken({ databaseId: this.#databaseId, signingKey: SIGNING_KEY }, claims, key)
    await this.client.query('begin')
    return this.time({ name: 'enter', text: 'select rowhouse.enter($1)', values: () => [token] }, undefined, 0)
  }

  async time(
    { name, text, values }: Statement,
    organization: OrganizationRows | undefined,
    turn: number,
  ): Promise<number> {
    const bound = values(organization as OrganizationRows, turn)
    const begun = performance.now()
    await this.client.query({ name, text, values: bound })
    return performance.now() - begun
  }
}

/** Each turn asks one organization through every variant, in an order that turns; ten repetitions, the first warms up. */
async function measureShape(
  session: Session,
  world: World,
  shape: Shape,
  turns: number,
  enters: number[],
): Promise<Times> {
  const times: Times = Object.fromEntries(variants.map(({ name }) => [name, []]))
  const statements = variants.map((variant) => [variant.name, statementOf(shape, variant)] as const)
  for (let turn = 0; turn < turns; turn += 1) {
    const organization = world.organizations[RANKS[turn % RANKS.length] as number] as OrganizationRows
    enters.push(await session.enter(organization))
    const repeats = shape.writes === true || turn % RANKS.length > 1 ? 6 : 2
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      for (let place = 0; place < statements.length; place += 1) {
        const [name, statement] = statements[(place + turn + repeat) % statements.length] as (typeof statements)[number]
        const took = await session.time(statement, organization, turn * 10 + repeat)
        if (repeat > 0) times[name]?.push(took)
      }
    }
    await session.client.query('rollback')
  }
  return times
}

/** What was run of the plan. A partition is chosen when the organization is known, so the plan lists all of them. */
async function explain(session: Session, world: World, shape: Shape, variant: Variant): Promise<string> {
  const organization = world.organizations[RANKS[3] as number] as OrganizationRows
  const { text, values } = statementOf(shape, variant)
  await session.enter(organization)
  const { rows } = await session.client.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, costs off, timing off, summary off, buffers off) ${text}`,
    values(organization, 0),
  )
  await session.client.query('rollback')
  return executed(rows.map((row) => row['QUERY PLAN'])).join('\n')
}

const indentOf = (line: string): number => line.search(/[^ ]/)

/** Without the nodes that were never executed and what hangs on them. */
function executed(lines: readonly string[]): string[] {
  const kept: string[] = []
  let skipDeeperThan = Number.POSITIVE_INFINITY
  for (const line of lines) {
    const indent = indentOf(line)
    if (indent > skipDeeperThan) continue
    skipDeeperThan = line.includes('(never executed)') ? indent : Number.POSITIVE_INFINITY
    if (skipDeeperThan === Number.POSITIVE_INFINITY && !/^ +(?:Update|Delete) on /.test(line)) kept.push(line)
  }
  return kept
}

/** How many partitions a plan read. */
const partitionsIn = (plan: string): number => new Set(plan.match(/ on partitioned_contacts_\d+\b/g)).size

async function measureOthers(
  world: World,
  session: Session,
  quick: boolean,
  log: BenchContext['log'],
): Promise<Record<string, number>> {
  const owner = new Client(world.migratorUrl)
  await owner.connect()
  for (const statement of preparePolicies) await owner.query(statement)
  await owner.query('insert into other.memberships select $1, id from rowhouse.organizations limit 1', [world.ownerId])
  const results: Record<string, number> = {}
  const list = shapes.find(({ name }) => name === 'list') as Shape
  const organization = world.organizations[300] as OrganizationRows
  await owner.query('update other.memberships set organization_id = $1', [organization.organizationId])
  await owner.query('vacuum analyze other.memberships')
  const twin = statementOf(list, variants[2] as Variant)
  const plain = statementOf(list, variants[0] as Variant)
  const other: Statement = {
    ...statementOf(list, { name: 'plain', table: 'other.contacts', companies: '', byHand: false }),
    name: '',
  }
  for (const { name, using } of otherPolicies) {
    log(`policy ${name}`)
    await owner.query('drop policy if exists tenant on other.contacts')
    await owner.query(`create policy tenant on other.contacts using (${using})`)
    const times: Times = { twin: [], plain: [], other: [] }
    for (let turn = 0; turn < (quick ? 3 : 5); turn += 1) {
      await session.enter(organization)
      await session.client.query(`set local statement_timeout = ${OTHER_TIMEOUT_MS}`)
      await session.client.query(`select set_config('app.tenant', $1, true), set_config('app.user', $2, true)`, [
        organization.organizationId,
        world.ownerId,
      ])
      for (const [key, statement] of Object.entries({ twin, plain, other })) {
        times[key]?.push(await session.time(statement, organization, turn))
      }
      await session.client.query('rollback')
    }
    results[`list_${name}_ms`] = round(median(times['other'] ?? []), 2)
    results[`list_${name}_over_protected`] = round(median(times['other'] ?? []) / median(times['plain'] ?? []), 1)
  }
  await owner.end()
  return results
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits))

export const rls: Bench = {
  name: 'rls',
  measures: '10 million rows of 1,000 organizations: protected and partitioned against a hand-written WHERE',
  aims: {
    worst_ratio_over_1_ms: { max: 1.05 },
    worst_microseconds_added_to_points: { max: 15 },
    partitions_scanned_max: { max: 1 },
  },
  async run({ quick, adminUrl, log }: BenchContext) {
    const world = await buildWorld(adminUrl, quick ? 1_000_000 : 10_000_000, log)
    const session = new Session(world)
    await session.open()
    const results: Record<string, number> = {
      contacts: world.organizations.reduce((sum, { size }) => sum + size, 0),
      largest_organization: world.organizations[0]?.size ?? 0,
      median_organization: world.organizations[world.organizations.length >> 1]?.size ?? 0,
    }
    const ratios: number[] = []
    const added: number[] = []
    const enters: number[] = []
    let partitionsMax = 0
    for (const shape of shapes) {
      log(shape.name)
      for (const variant of variants) {
        const plan = await explain(session, world, shape, variant)
        log(`  ${variant.name}\n${plan.replaceAll(/^/gm, '    ')}`)
        if (variant.name === 'partitioned' && shape.name !== 'insert') {
          partitionsMax = Math.max(partitionsMax, partitionsIn(plan))
        }
      }
      const times = await measureShape(session, world, shape, quick ? 20 : 60, enters)
      const twin = times['twin'] ?? []
      const isPoint = percentile(twin, 0.5) < POINT_MS
      results[`${shape.name}_twin_p50_ms`] = round(percentile(twin, 0.5), 3)
      for (const name of ['plain', 'partitioned']) {
        const own = times[name] ?? []
        for (const [label, share] of [
          ['p50', 0.5],
          ['p95', 0.95],
        ] as const) {
          results[`${shape.name}_${name}_over_twin_${label}`] = round(
            percentile(own, share) / percentile(twin, share),
            2,
          )
        }
        const micros = pairwise(own, twin, (value, other) => value - other) * 1000
        if (isPoint) results[`${shape.name}_${name}_added_us`] = round(micros, 1)
        if (name !== 'plain') continue
        if (isPoint) added.push(micros)
        else ratios.push(pairwise(own, twin, (value, other) => value / other))
      }
    }
    results['enter_p50_us'] = round(percentile(enters, 0.5) * 1000, 1)
    results['worst_ratio_over_1_ms'] = round(Math.max(0, ...ratios), 3)
    results['worst_microseconds_added_to_points'] = round(Math.max(0, ...added), 1)
    results['partitions_scanned_max'] = partitionsMax
    Object.assign(results, await measureOthers(world, session, quick, log))
    await session.client.end()
    return results
  },
}
