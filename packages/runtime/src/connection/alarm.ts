// Something that is to be done after a while, and sooner where somebody asks for sooner. It keeps no process alive.

export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | null = null
  #ms = 0

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** @param ms 0: never */
  set(ms: number): void {
    if (ms === 0 || (this.#timer !== null && ms >= this.#ms)) return
    this.clear()
    this.#ms = ms
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#ring()
    }, ms)
    this.#timer.unref()
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
