// Puts parts into an order in which each finds what it needs. A cycle (a view that calls a function that returns the
// view's rows) is broken where Postgres can make a stub first and replace it later.
import type { Part } from './read-catalogue.ts'

export interface Planned {
  readonly part: Part
  readonly sql: string
}

/** Parts by rank and name: the order that a person would choose where Postgres leaves it open. */
const before = (a: Part, b: Part): number =>
  a.rank - b.rank || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0) || (a.id < b.id ? -1 : 1)

/**
 * @param needs pairs of ids; ids that no part has are ignored, they are built in or an extension's
 * @returns every part once with its own statement, and before it its stub where that broke a cycle
 */
export function orderParts(
  parts: readonly Part[],
  needs: readonly { needing: string; needed: string }[],
): { planned: Planned[]; neededBy: ReadonlyMap<string, readonly string[]> } {
  const partOf = new Map<string, Part>()
  for (const part of parts) for (const id of [part.id, ...part.aliases]) partOf.set(id, part)
  const waitsFor = new Map(parts.map((part) => [part.id, new Set<string>()]))
  const neededBy = new Map<string, string[]>(parts.map((part) => [part.id, []]))
  for (const { needing, needed } of needs) {
    const from = partOf.get(needing)
    const to = partOf.get(needed)
    if (from === undefined || to === undefined || from === to || waitsFor.get(from.id)?.has(to.id)) continue
    waitsFor.get(from.id)?.add(to.id)
    neededBy.get(to.id)?.push(from.id)
  }

  const byId = new Map(parts.map((part) => [part.id, part]))
  const planned: Planned[] = []
  const ready = new Heap(parts.filter((part) => waitsFor.get(part.id)?.size === 0))
  const open = new Set(byId.keys())
  const stubbed = new Set<string>()
  const release = (id: string): void => {
    for (const next of neededBy.get(id) ?? []) {
      const waiting = waitsFor.get(next)
      if (waiting?.delete(id) && waiting.size === 0 && open.has(next)) ready.push(byId.get(next) as Part)
    }
  }
  while (open.size > 0) {
    const part = ready.pop()
    if (part !== undefined) {
      if (!open.delete(part.id)) continue
      planned.push({ part, sql: part.sql ?? '' })
      if (!stubbed.has(part.id)) release(part.id)
      continue
    }
    // All that is left waits in a circle, or for one.
    const left = [...open].map((id) => byId.get(id) as Part).toSorted(before)
    // A view's stub needs its columns' types only, a function's still needs the rows it returns: so views first.
    const stubs = left.filter(({ id, stub }) => stub !== null && !stubbed.has(id)).toSorted((a, b) => b.rank - a.rank)
    const breakable = stubs.find(({ id }) => inCycle(id, waitsFor, open))
    if (breakable === undefined) {
      // Nothing can be stubbed: made in rank order, what fails is reported by name.
      const first = left[0] as Part
      waitsFor.get(first.id)?.clear()
      ready.push(first)
      continue
    }
    stubbed.add(breakable.id)
    planned.push({ part: breakable, sql: breakable.stub as string })
    release(breakable.id)
  }
  return { planned, neededBy }
}

/** Whether `id` needs itself, by way of what is still open. */
function inCycle(id: string, waitsFor: ReadonlyMap<string, ReadonlySet<string>>, open: ReadonlySet<string>): boolean {
  const seen = new Set<string>()
  const look = [...(waitsFor.get(id) ?? [])]
  for (let next = look.pop(); next !== undefined; next = look.pop()) {
    if (next === id) return true
    if (seen.has(next) || !open.has(next)) continue
    seen.add(next)
    look.push(...(waitsFor.get(next) ?? []))
  }
  return false
}

/** A binary heap of parts: thousands of tables make tens of thousands of parts. */
class Heap {
  readonly #parts: Part[] = []

  constructor(parts: readonly Part[]) {
    for (const part of parts) this.push(part)
  }

  push(part: Part): void {
    const parts = this.#parts
    parts.push(part)
    for (let at = parts.length - 1; at > 0;) {
      const parent = (at - 1) >> 1
      if (before(parts[at] as Part, parts[parent] as Part) >= 0) return
      this.#swap(at, parent)
      at = parent
    }
  }

  pop(): Part | undefined {
    const parts = this.#parts
    const top = parts[0]
    const last = parts.pop()
    if (top === undefined || last === undefined || parts.length === 0) return top
    parts[0] = last
    for (let at = 0; ;) {
      const left = 2 * at + 1
      const right = left + 1
      let least = at
      if (left < parts.length && before(parts[left] as Part, parts[least] as Part) < 0) least = left
      if (right < parts.length && before(parts[right] as Part, parts[least] as Part) < 0) least = right
      if (least === at) return top
      this.#swap(at, least)
      at = least
    }
  }

  #swap(a: number, b: number): void {
    const parts = this.#parts
    ;[parts[a], parts[b]] = [parts[b] as Part, parts[a] as Part]
  }
}
