// The way of every API request, the same for all CRMs: who is it, what does chaos do to it, may it
// pass the limits, work, commit, log. The order matters: a request is committed before chaos may hide
// its answer, and refused requests leave no trace but the log line. Must not know any route.
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context, MiddlewareHandler } from 'hono'
import type { Caller, Env, World } from '../world.ts'
import type { LoggedRequest } from './request-log.ts'
import { Refusal } from './refusal.ts'

/** What the pipeline must ask the CRM for. */
export interface Dialect {
  /** The caller of the request; throws the CRM's own 401. */
  identify(context: Context<Env>): Caller
  /** Notes that a request is under way, before any delay; what it returns notes the end. */
  enter?(caller: Caller): () => void
  /** Counts the request against the limits; throws the CRM's own refusal. Headers go on every answer. */
  admit(context: Context<Env>, caller: Caller): Readonly<Record<string, string>>
  /** The CRM's own answer when chaos refuses. */
  refused(context: Context<Env>, caller: Caller): Refusal
  /** The CRM's own answer when chaos fails. */
  failed(context: Context<Env>): Refusal
}

export function pipeline(world: World, dialect: Dialect): MiddlewareHandler<Env> {
  return async (context, next) => {
    const arrivedAt = world.now()
    let caller: Caller | undefined
    let leave: (() => void) | undefined
    let chaos: LoggedRequest['chaos']

    const silence = async (held: Caller): Promise<Response> => {
      await world.sleep(world.chaos.settings(held.account.id).timeoutHoldMs, world.signal)
      context.env.outgoing.destroy()
      return RESPONSE_ALREADY_SENT
    }
    const callOptions = context.req.header('sforce-call-options')
    const logged = (status: number): void =>
      world.requests.add({
        method: context.req.method,
        path: context.req.path,
        status,
        at: new Date(arrivedAt).toISOString(),
        account: caller?.account.id ?? '',
        clientId: caller?.token.clientId ?? '',
        durationMs: world.now() - arrivedAt,
        written: context.get('written') ?? 0,
        ...(callOptions === undefined ? {} : { callOptions }),
        ...(chaos === undefined ? {} : { chaos }),
      })

    try {
      caller = dialect.identify(context)
      leave = dialect.enter?.(caller)
      const account = caller.account.id
      const { latencyMs } = world.chaos.settings(account)
      if (latencyMs > 0) await world.sleep(latencyMs, world.signal)
      const fate = world.chaos.before(account)
      if (fate === 'silence') {
        chaos = 'not answered, not done'
        logged(0)
        return await silence(caller)
      }
      chaos = fate === 'refuse' ? 'refused' : fate === 'fail' ? 'failed' : undefined
      if (fate === 'refuse') throw dialect.refused(context, caller)
      if (fate === 'fail') throw dialect.failed(context)
      context.set('caller', caller)
      context.set('written', 0)
      const headers = dialect.admit(context, caller)
      // Hono turns what a handler throws into an answer before next() returns: see answer() in sandbox.ts.
      await next()
      world.store.commit()
      if (world.chaos.after(account) === 'silence') {
        chaos = 'not answered, done'
        logged(0)
        return await silence(caller)
      }
      for (const [name, value] of Object.entries(headers)) context.header(name, value)
      const spoilt = await world.chaos.spoil(account, context.req.method, context.req.url, context.res, world)
      if (spoilt) {
        chaos = spoilt.how
        // Whatever it replaces leaves no header behind either, such as where a new record is.
        context.res = undefined
        context.res = spoilt.response
      }
      logged(context.res.status)
      return undefined
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      logged(error.status)
      throw error
    } finally {
      leave?.()
    }
  }
}

/** Counts records written by this request, for the request log. */
export function countWritten(context: Context<Env>, count: number): void {
  context.set('written', context.get('written') + count)
}
