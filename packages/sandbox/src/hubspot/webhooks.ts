// Delivering webhooks: who subscribed to what, batches of events, signatures, retries. Owns the queue
// of every target, in memory and bounded; a restart loses what was not delivered (webhooks are hints).
// Signature: https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
import { createHash, createHmac } from 'node:crypto'
import type { Shelf } from '../store/store.ts'
import type { World } from '../world.ts'
import type { WebhookEvent } from './webhook-events.ts'

export interface Subscription {
  readonly id: number
  readonly eventType: string
  readonly propertyName?: string
  readonly active: boolean
  readonly createdAt: number
}

export interface WebhookTarget {
  readonly appId: number
  /** The one account it hears of; null hears every account that installed the app. */
  readonly account: string | null
  readonly targetUrl: string
  readonly secret: string
  readonly maxConcurrentRequests: number
  readonly subscriptions: readonly Subscription[]
}

interface Addressed extends WebhookEvent {
  readonly eventId: number
  readonly subscriptionId: number
  readonly portalId: number
  readonly appId: number
}

export const eventsPerRequestMax = 100
export const retriesMax = 10
const queueMax = 50_000
/** How long events gather before they are sent. */
const gatherMs = 15
const answerTimeoutMs = 5000

/** How deliveries go wrong: events twice, in another order, late. */
export interface WebhookTrouble {
  readonly duplicateRate?: number | undefined
  readonly shuffle?: boolean | undefined
  readonly delayMs?: number | undefined
}

interface Queue {
  readonly events: Addressed[]
  gathering: boolean
  underWay: number
}

export class Webhooks {
  readonly #targets: Shelf<WebhookTarget>
  readonly #queues = new Map<string, Queue>()
  readonly #world: World
  readonly #trouble = new Map<string, WebhookTrouble>()
  #pending = 0
  #settled: (() => void)[] = []

  constructor(world: World) {
    this.#world = world
    this.#targets = world.store.shelf('', 'webhook')
  }

  target(appId: number, account: string | null): WebhookTarget | undefined {
    return this.#targets.get(keyOf(appId, account))
  }

  /** Creates or replaces the target of an app, for all its accounts or for one. */
  setTarget(target: WebhookTarget): void {
    this.#targets.set(keyOf(target.appId, target.account), target)
  }

  removeTarget(appId: number, account: string | null): void {
    this.#targets.delete(keyOf(appId, account))
  }

  /** Replaces the trouble of an account; what is not named is off. */
  setTrouble(account: string, trouble: WebhookTrouble): void {
    this.#trouble.set(account, trouble)
  }

  publish(account: string, events: readonly WebhookEvent[]): void {
    for (const [key, target] of this.#targets.entries()) {
      if (!this.#hears(target, account)) continue
      for (const event of events) {
        const subscription = target.subscriptions.find((candidate) => subscribes(candidate, event))
        if (!subscription) continue
        this.#enqueue(key, {
          ...event,
          eventId: this.#world.store.next(account, 'event'),
          subscriptionId: subscription.id,
          portalId: Number(account),
          appId: target.appId,
        })
      }
    }
  }

  /** Resolves when nothing is queued, under way or waiting for a retry. */
  settled(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve()
    return new Promise((resolve) => this.#settled.push(resolve))
  }

  #hears(target: WebhookTarget, account: string): boolean {
    return (
      target.account === account || (target.account === null && this.#world.tokens.installed(account, target.appId))
    )
  }

  // Duplicates come as separate deliveries in reality, which a receiver cannot tell from ones in a batch.
  #disturb(events: readonly Addressed[]): Addressed[] {
    const disturbed = events.flatMap((event) => {
      const { duplicateRate = 0 } = this.#trouble.get(String(event.portalId)) ?? {}
      return duplicateRate > 0 && this.#world.seeded.chance() < duplicateRate ? [event, event] : [event]
    })
    if (!events.some(({ portalId }) => this.#trouble.get(String(portalId))?.shuffle)) return disturbed
    return disturbed
      .map((event) => ({ event, at: this.#world.seeded.chance() }))
      .sort((a, b) => a.at - b.at)
      .map(({ event }) => event)
  }

  #enqueue(key: string, event: Addressed): void {
    const queue = this.#queues.get(key) ?? { events: [], gathering: false, underWay: 0 }
    this.#queues.set(key, queue)
    if (queue.events.length >= queueMax) {
      this.#world.log(`webhook queue of ${key} is full: an event was dropped`)
      return
    }
    queue.events.push(event)
    this.#pending++
    if (queue.gathering) return
    queue.gathering = true
    void this.#gather(key, queue)
  }

  async #gather(key: string, queue: Queue): Promise<void> {
    await this.#world.sleep(gatherMs, this.#world.signal)
    queue.gathering = false
    this.#drain(key, queue)
  }

  #drain(key: string, queue: Queue): void {
    const target = this.#targets.get(key)
    const concurrencyMax = target?.maxConcurrentRequests ?? 1
    while (queue.events.length > 0 && queue.underWay < concurrencyMax) {
      const batch = queue.events.splice(0, eventsPerRequestMax)
      queue.underWay++
      void this.#deliver(key, batch).finally(() => {
        queue.underWay--
        this.#pending -= batch.length
        this.#drain(key, queue)
        if (this.#pending === 0) for (const resolve of this.#settled.splice(0)) resolve()
      })
    }
  }

  async #deliver(key: string, batch: readonly Addressed[]): Promise<void> {
    const delays = batch.map(({ portalId }) => this.#trouble.get(String(portalId))?.delayMs ?? 0)
    const delayMs = Math.max(...delays)
    if (delayMs > 0) await this.#world.sleep(delayMs, this.#world.signal)
    const disturbed = this.#disturb(batch)
    for (let attempt = 0; attempt <= retriesMax && !this.#world.signal.aborted; attempt++) {
      const target = this.#targets.get(key)
      if (!target || (await this.#post(target, disturbed, attempt))) return
      await this.#world.sleep(Math.min(100 * 2 ** attempt, 30_000), this.#world.signal)
    }
    this.#world.log(`webhook target ${key} did not take ${batch.length} events`)
  }

  async #post(target: WebhookTarget, batch: readonly Addressed[], attemptNumber: number): Promise<boolean> {
    const body = JSON.stringify(batch.map((event) => ({ ...event, attemptNumber })))
    try {
      const response = await fetch(target.targetUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signatures(target, body, this.#world.now()) },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([this.#world.signal, AbortSignal.timeout(answerTimeoutMs)]),
      })
      await response.body?.cancel()
      return response.ok
    } catch {
      return false
    }
  }
}

function signatures(target: WebhookTarget, body: string, timestamp: number): Record<string, string> {
  const signed = `POST${target.targetUrl}${body}${timestamp}`
  return {
    'x-hubspot-signature-v3': createHmac('sha256', target.secret).update(signed).digest('base64'),
    'x-hubspot-request-timestamp': String(timestamp),
    'x-hubspot-signature': createHash('sha256')
      .update(target.secret + body)
      .digest('hex'),
    'x-hubspot-signature-version': 'v1',
  }
}

function subscribes(subscription: Subscription, event: WebhookEvent): boolean {
  if (!subscription.active || subscription.eventType !== event.subscriptionType) return false
  return subscription.propertyName === undefined || subscription.propertyName === event.propertyName
}

function keyOf(appId: number, account: string | null): string {
  return account === null ? String(appId) : `${appId} ${account}`
}
