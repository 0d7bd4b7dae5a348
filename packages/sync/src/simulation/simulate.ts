// One random schedule: people edit both sides while lanes run, crash, freeze and lose answers; then the world
// calms down and both sides are compared. Everything follows from the seed.
import type { FieldValue } from '@rowhouse/connectors'
import { Crm, normalise } from './crm.ts'
import { Database } from './database.ts'
import { OVERLAP, inbound, outbound, step } from './engine.ts'
import type { Mend, World } from './engine.ts'

const STEPS = 220
const CALM_ROUNDS_MAX = 60
const RECORDS = 4

/** mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Authored {
  readonly value: string
  readonly side: 'database' | 'crm'
  readonly record: string
  readonly field: string
}

/** What went wrong; null when nothing did. */
export function simulate(seed: number, without: Mend | null): string | null {
  const random = seededRandom(seed)
  const chance = (share: number): boolean => random() < share
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item
  const crm = new Crm(without === 10)
  const database = new Database()
  let calm = false
  let ids = 0
  const world: World = {
    crm,
    database,
    without,
    random,
    conditions: seed % 2 === 0,
    faults: () => !calm && chance(0.12),
    nextId: () => `id${++ids}`,
    known: new Map(),
  }
  const authored: Authored[] = []
  /** Values that stood on both sides at one time, and those their own side's people replaced. */
  const arrived = new Set<string>()
  const replaced = new Set<string>()
  const open: ReturnType<Database['begin']>[] = []
  let values = 0

  const author = (side: Authored['side'], record: string, field: string, before: FieldValue): string => {
    // Blanks and capitals on our side make the CRM normalise.
    const value = side === 'crm' ? `c${++values}` : chance(0.4) ? ` D${++values}` : `d${++values}`
    authored.push({ value: value.trim().toLowerCase(), side, record, field })
    if (before !== null) replaced.add(before.trim().toLowerCase())
    return value
  }

  const editHere = (): void => {
    const rows = [...database.rows.keys()]
    const rowId = rows.length < RECORDS && chance(0.3) ? world.nextId() : rows.length === 0 ? null : pick(rows)
    if (rowId === null || open.some((change) => change.rowId === rowId)) return
    const isNew = !database.rows.has(rowId)
    const deletes = !isNew && chance(0.04)
    const field = pick(['a', 'b'])
    open.push(
      database.begin(rowId, () => {
        const row = database.rows.get(rowId)
        // An update of a row that was deleted in the meantime touches nothing.
        if (row === undefined && !isNew) return
        if (deletes) {
          for (const value of Object.values(row ?? {})) if (value !== null) replaced.add(value.trim().toLowerCase())
          database.rows.delete(rowId)
          return
        }
        database.rows.set(rowId, {
          a: null,
          b: null,
          ...row,
          [field]: author('database', rowId, field, row?.[field] ?? null),
        })
      }),
    )
  }

  const editThere = (): void => {
    const alive = [...crm.records.values()].filter(({ deleted }) => !deleted)
    const field = pick(['a', 'b'])
    if (alive.length < RECORDS && chance(0.2)) {
      crm.create({ [field]: author('crm', '', field, null) }, null)
      return
    }
    if (alive.length === 0) return
    const record = pick(alive)
    if (chance(0.04)) {
      for (const value of Object.values(record.fields)) if (value !== null) replaced.add(value)
      crm.remove(record.id)
    } else crm.update(record.id, { [field]: author('crm', record.id, field, record.fields[field] ?? null) }, null)
  }

  let lanes: { kind: 'in' | 'out'; run: Generator<void, void> }[] = []
  const startLanes = (): void => {
    lanes.push(
      { kind: 'in', run: inbound(world, database.epoch) },
      { kind: 'out', run: outbound(world, database.epoch) },
    )
  }
  const noteArrived = (): void => {
    const there = new Set([...crm.records.values()].flatMap(({ fields }) => Object.values(fields)))
    for (const row of database.rows.values())
      for (const value of Object.values(row)) {
        const text = value?.trim().toLowerCase() ?? null
        if (text !== null && there.has(text)) arrived.add(text)
      }
  }
  startLanes()
  for (let count = 0; count < STEPS; count++) {
    const dice = random()
    if (dice < 0.12) editHere()
    else if (dice < 0.22) editThere()
    else if (dice < 0.32 && open.length > 0)
      database.commit(open.splice(Math.floor(random() * open.length), 1)[0] as never)
    else if (dice < 0.4 && crm.records.size > 0) crm.index(pick([...crm.records.values()]))
    else if (dice < 0.44 && crm.records.size > 0) database.markIn(pick([...crm.records.keys()]))
    else if (dice < 0.47) {
      // A crash, or a worker that is overtaken and runs on, frozen, with the old epoch.
      if (chance(0.5)) lanes = []
      database.epoch += 1
      startLanes()
      world.known.clear()
    } else {
      const lane = pick(lanes)
      if (step(lane.run)) {
        lanes = lanes.filter((other) => other !== lane)
        if (!lanes.some(({ kind }) => kind === lane.kind))
          lanes.push({
            kind: lane.kind,
            run: lane.kind === 'in' ? inbound(world, database.epoch) : outbound(world, database.epoch),
          })
      }
    }
    if (lanes.length === 0) startLanes()
    crm.indexWithin(OVERLAP - 1)
    noteArrived()
  }

  calm = true
  for (const change of open) database.commit(change)
  for (let round = 0; round < CALM_ROUNDS_MAX; round++) {
    for (const record of crm.records.values()) crm.index(record)
    for (const lane of [inbound(world, database.epoch), outbound(world, database.epoch)]) {
      while (!step(lane)) noteArrived()
    }
    noteArrived()
    if (
      database.marksIn.size + database.marksOut.size + database.pending.size + database.unexamined.size === 0 &&
      database.unread().length === 0 &&
      round > 3
    )
      return verdict(world, authored, arrived, replaced)
  }
  return 'it never comes to rest'
}

function verdict(
  { crm, database }: World,
  authored: readonly Authored[],
  arrived: ReadonlySet<string>,
  replaced: ReadonlySet<string>,
): string | null {
  const alive = [...crm.records.values()].filter(({ deleted }) => !deleted)
  if (alive.length !== database.rows.size)
    return `${alive.length} records there, ${database.rows.size} rows here: a double or a loss`
  for (const record of alive) {
    const link = database.linkOfRecord(record.id)
    const row = database.rows.get(link?.localId ?? '')
    if (link === null || row === undefined) return `the record ${record.id} has no row`
    const sides = [row, record.fields, link.base].map((side) =>
      JSON.stringify([normalise(side['a'] ?? null), normalise(side['b'] ?? null)]),
    )
    if (new Set(sides).size !== 1) return `the sides of ${record.id} differ: ${sides.join(' ')}`
  }
  if (crm.idleWrites > 0) return `${crm.idleWrites} writes that changed nothing: an echo`
  const final = new Set(alive.flatMap(({ fields }) => Object.values(fields)))
  const told = new Set(
    database.conflicts.flatMap(({ local, remote }) => [local?.trim().toLowerCase() ?? '', remote ?? '']),
  )
  const byValue = new Map(authored.map((one) => [one.value, one.side]))
  const echo = database.conflicts.find(({ remote }) => remote !== null && byValue.get(remote) === 'database')
  if (echo !== undefined) return `our own value ${echo.remote} was taken for an edit of the CRM`
  const lost = authored.find(
    ({ value }) => !final.has(value) && !replaced.has(value) && !told.has(value) && !arrived.has(value),
  )
  return lost === undefined ? null : `the value ${lost.value} of the ${lost.side} vanished in silence`
}
