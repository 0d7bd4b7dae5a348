// Whose turn it is: waiters of each organization in the order they came, and the organizations one after the other, so
// that one with a thousand queries waits behind itself and not in front of the others.

export class Turns<Item extends { readonly organization: string | null }> {
  readonly #queues = new Map<string | null, Item[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** What waits, by organization; the first organization is the one whose turn it is. Never an empty list. */
  get queues(): Iterable<readonly Item[]> {
    return this.#queues.values()
  }

  /** Whether somebody of this organization waits. */
  has(organization: string | null): boolean {
    return this.#queues.has(organization)
  }

  /** Those of this organization, in order. */
  of(organization: string | null): readonly Item[] {
    return this.#queues.get(organization) ?? []
  }

  /** Those of the organization that has most waiting, in order. */
  get longest(): readonly Item[] {
    let longest: readonly Item[] = []
    for (const queue of this.#queues.values()) if (queue.length > longest.length) longest = queue
    return longest
  }

  add(item: Item): void {
    const queue = this.#queues.get(item.organization)
    if (queue === undefined) this.#queues.set(item.organization, [item])
    else queue.push(item)
    this.#size += 1
  }

  remove(item: Item): void {
    const queue = this.#queues.get(item.organization)
    const index = queue?.indexOf(item) ?? -1
    if (queue === undefined || index < 0) return
    queue.splice(index, 1)
    if (queue.length === 0) this.#queues.delete(item.organization)
    this.#size -= 1
  }

  /** The first item that `may` accepts. Of each organization only the first is asked: within one, order stays. */
  peek(may: (item: Item) => boolean): Item | undefined {
    for (const queue of this.#queues.values()) {
      const item = queue[0]
      if (item !== undefined && may(item)) return item
    }
    return undefined
  }

  /** Takes an item out; what else its organization has goes behind all others. */
  serve(item: Item): void {
    this.remove(item)
    const rest = this.#queues.get(item.organization)
    if (rest === undefined) return
    this.#queues.delete(item.organization)
    this.#queues.set(item.organization, rest)
  }

  /** All of them, each organization's in order. */
  takeAll(): Item[] {
    const all = [...this.#queues.values()].flat()
    this.#queues.clear()
    this.#size = 0
    return all
  }
}
