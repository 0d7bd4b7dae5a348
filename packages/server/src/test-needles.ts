// Looks for many texts in a large one, all at once: files of a database are tens of megabytes, and asking for each of some
// hundred texts by itself took longer than everything else that a test of secrets does.

/** Characters that a place is recognised by before it is compared. */
const WINDOW = 4
const SLOTS = 1 << 16

export interface Needles<Name> {
  /** The names whose text is in it, each once. */
  readonly in: (text: string) => Set<Name>
}

/** @param texts what is looked for; a name may have several texts, each of at least four characters */
export function needles<Name>(texts: Iterable<readonly [Name, string]>): Needles<Name> {
  const bySlot = new Map<number, [Name, string][]>()
  const isTaken = new Uint8Array(SLOTS)
  for (const [name, text] of texts) {
    if (text.length < WINDOW) throw new RangeError(`${JSON.stringify(text)} is too short to be looked for.`)
    const slot = slotOf(text, 0)
    isTaken[slot] = 1
    const others = bySlot.get(slot)
    if (others === undefined) bySlot.set(slot, [[name, text]])
    else others.push([name, text])
  }
  return {
    in: (text) => {
      const found = new Set<Name>()
      for (let at = 0; at + WINDOW <= text.length; at += 1) {
        const slot = slotOf(text, at)
        if (isTaken[slot] === 0) continue
        for (const [name, wanted] of bySlot.get(slot) ?? [])
          if (!found.has(name) && text.startsWith(wanted, at)) found.add(name)
      }
      return found
    },
  }
}

const slotOf = (text: string, at: number): number =>
  (text.charCodeAt(at) ^
    (text.charCodeAt(at + 1) << 4) ^
    (text.charCodeAt(at + 2) << 8) ^
    (text.charCodeAt(at + 3) << 11)) &
  (SLOTS - 1)
