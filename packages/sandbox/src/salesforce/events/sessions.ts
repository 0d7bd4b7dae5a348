// Sessions of streaming clients: what each subscribed to, what waits for it, who waits for that. Owns the
// bounds; must not know the protocol.
import type { World } from '../../world.ts'
import type { ChangeEvent } from './change-events.ts'

const sessionsMax = 1000
/** Events that wait for one client at most; a slow one loses the oldest and can replay them. */
const waitingMax = 10_000

export interface Waiting {
  readonly channel: string
  readonly event: ChangeEvent
}

export class Session {
  readonly clientId: string
  readonly account: string
  isConnected = false
  waiting: Waiting[] = []
  readonly #subscriptions = new Map<string, () => void>()
  #wake: (() => void) | undefined

  constructor(clientId: string, account: string) {
    this.clientId = clientId
    this.account = account
  }

  subscribe(
    channel: string,
    missed: readonly ChangeEvent[],
    listen: (listener: (event: ChangeEvent) => void) => () => void,
  ): void {
    this.unsubscribe(channel)
    const add = (event: ChangeEvent): void => {
      this.waiting.push({ channel, event })
      if (this.waiting.length > waitingMax) this.waiting.shift()
      this.#wake?.()
    }
    this.#subscriptions.set(channel, listen(add))
    for (const event of missed) add(event)
  }

  unsubscribe(channel: string): void {
    this.#subscriptions.get(channel)?.()
    this.#subscriptions.delete(channel)
  }

  take(): Waiting[] {
    return this.waiting.splice(0)
  }

  /** Resolves when something waits, when the time is over, or when another poll takes this one's place. */
  async wait(durationMs: number, { sleep, signal }: Pick<World, 'sleep' | 'signal'>): Promise<void> {
    this.#wake?.()
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    await sleep(durationMs, AbortSignal.any([signal, woken.signal]))
  }

  end(): void {
    for (const stop of this.#subscriptions.values()) stop()
    this.#subscriptions.clear()
    this.#wake?.()
  }
}

export class Sessions {
  readonly #sessions = new Map<string, Session>()
  readonly #world: World
  #ordinal = 0

  constructor(world: World) {
    this.#world = world
  }

  open(account: string): Session {
    const session = new Session(this.#world.seeded.letters(`bayeux.${this.#ordinal++}`, 24), account)
    this.#sessions.set(session.clientId, session)
    if (this.#sessions.size > sessionsMax) this.close(this.#sessions.values().next().value!)
    return session
  }

  /** How many were opened. */
  get count(): number {
    return this.#ordinal
  }

  find(clientId: string, account: string): Session | undefined {
    const session = this.#sessions.get(clientId)
    return session?.account === account ? session : undefined
  }

  close(session: Session): void {
    session.end()
    this.#sessions.delete(session.clientId)
  }
}
