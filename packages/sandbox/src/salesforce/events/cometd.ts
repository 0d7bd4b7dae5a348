// The streaming API: CometD's Bayeux protocol over long polling, for change events. Owns sessions,
// subscriptions with replay, and holding a poll until there is something to say.
// https://developer.salesforce.com/docs/atlas.en-us.api_streaming.meta/api_streaming/using_streaming_api_client_connection.htm
import { Hono } from 'hono'
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { readJson } from '../../http/body.ts'
import type { Account } from '../../oauth/account.ts'
import type { Env, World } from '../../world.ts'
import type { Organization } from '../organization.ts'
import type { ChangeEvent } from './change-events.ts'
import { channelAccepts } from './channels.ts'
import { Sessions } from './sessions.ts'
import type { Session } from './sessions.ts'

/** A poll is held this long: https://developer.salesforce.com/docs/atlas.en-us.api_streaming.meta/api_streaming/limits.htm */
export const pollMs = 110_000
const bodyBytesMax = 1024 * 1024
/** https://developer.salesforce.com/docs/atlas.en-us.api_streaming.meta/api_streaming/streaming_error_codes.htm */
const browserCookie = 'BAYEUX_BROWSER'

interface Message {
  readonly channel?: string
  readonly id?: string
  readonly clientId?: string
  readonly subscription?: string | readonly string[]
  readonly ext?: { readonly replay?: Readonly<Record<string, number>> }
}

type Reply = Record<string, unknown>

export function cometdRoutes(world: World, organization: (account: Account) => Organization): Hono<Env> {
  const app = new Hono<Env>()
  const sessions = new Sessions(world)

  app.post('/cometd/:version', async (context) => {
    const body = await readJson(context, bodyBytesMax)
    if ('fault' in body) return context.json([{ successful: false, error: '400::The message is not JSON' }], 400)
    const messages = (Array.isArray(body.value) ? body.value : [body.value]) as (Message | null | undefined)[]
    const replies: Reply[] = []
    // What names the browser, set by the first answer; a client that does not keep it is known to no other server.
    const cookie = getCookie(context, browserCookie)
    if (cookie === undefined)
      setCookie(context, browserCookie, world.seeded.letters(`browser.${sessions.count}`, 24), { path: '/' })
    for (const message of messages) {
      if (typeof message?.channel !== 'string')
        replies.push({ successful: false, error: '400::A message needs a channel' })
      else replies.push(...(await answer(world, sessions, organization, context, message)))
    }
    return context.json(replies)
  })
  return app
}

async function answer(
  world: World,
  sessions: Sessions,
  organization: (account: Account) => Organization,
  context: Context<Env>,
  message: Message,
): Promise<Reply[]> {
  const { channel, id } = message
  const base: Reply = { channel, ...(id === undefined ? {} : { id }) }
  const account = accountOf(world, context)
  if (!account) {
    const error = channel === '/meta/handshake' ? '403::Handshake denied' : '401::Authentication invalid'
    const ext = { sfdc: { failureReason: '401::Authentication invalid' }, replay: true, 'payload.format': true }
    return [{ ...base, ext, advice: { reconnect: 'none' }, error, successful: false }]
  }
  if (channel === '/meta/handshake') {
    const { clientId } = sessions.open(account.id)
    return [
      {
        ...base,
        clientId,
        version: '1.0',
        minimumVersion: '1.0',
        supportedConnectionTypes: ['long-polling'],
        ext: { replay: true, 'payload.format': true },
        successful: true,
      },
    ]
  }
  const session = sessions.find(message.clientId ?? '', account.id)
  if (!session) {
    return [
      { ...base, error: '403::Unknown client', advice: { interval: 0, reconnect: 'handshake' }, successful: false },
    ]
  }
  if (getCookie(context, browserCookie) === undefined) {
    const error = `400::Client ${session.clientId} has established a session, but no ${browserCookie} cookie present`
    return [{ ...base, error, advice: { reconnect: 'handshake' }, successful: false }]
  }
  const replied = { ...base, clientId: session.clientId }
  switch (channel as string) {
    case '/meta/connect':
      return [
        ...(await poll(world, session)),
        { ...replied, successful: true, advice: { reconnect: 'retry', interval: 0, timeout: pollMs } },
      ]
    case '/meta/subscribe':
      return [message.subscription ?? []]
        .flat()
        .map((name) => ({ ...replied, ...subscribe(organization(account), session, name, message) }))
    case '/meta/unsubscribe':
      return [message.subscription ?? []].flat().map((subscription) => {
        session.unsubscribe(subscription)
        return { ...replied, subscription, successful: true }
      })
    case '/meta/disconnect':
      sessions.close(session)
      return [{ ...replied, successful: true }]
    default:
      return [{ ...replied, error: '403:denied_by_security_policy:publish_denied', successful: false }]
  }
}

// The first poll after a handshake answers at once; later ones wait for events, for a while.
async function poll(world: World, session: Session): Promise<Reply[]> {
  if (session.isConnected && session.waiting.length === 0) await session.wait(pollMs, world)
  session.isConnected = true
  return session.take().map(({ channel, event }) => render(world, channel, event))
}

function subscribe(organization: Organization, session: Session, channel: string, message: Message): Reply {
  const accepts = channelAccepts(organization, channel)
  if (!accepts) {
    return { subscription: channel, error: `404::Unknown channel {${channel}}`, successful: false }
  }
  const replayId = message.ext?.replay?.[channel] ?? -1
  const missed = Number.isInteger(replayId) ? organization.changeEvents.after(replayId) : undefined
  if (!missed) {
    const error = `400::The replayId {${replayId}} you provided was invalid.  Please provide a valid ID, -2 to replay all events, or -1 to replay only new events.`
    return { subscription: channel, error, successful: false }
  }
  session.subscribe(
    channel,
    missed.filter(({ object }) => accepts(object)),
    (listener) =>
      organization.changeEvents.listen((event) => {
        if (accepts(event.object)) listener(event)
      }),
  )
  return { subscription: channel, successful: true }
}

function render(world: World, channel: string, { payload, replayId, object }: ChangeEvent): Reply {
  const schema = world.seeded.letters(`schema.${object}`, 22)
  return { channel, data: { schema, payload, event: { replayId } } }
}

// Streaming counts no API calls, and a poll must see that its session was revoked meanwhile.
function accountOf(world: World, context: Context<Env>): Account | undefined {
  const value = /^(?:Bearer|OAuth) (.+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
  const token = value === undefined ? undefined : world.tokens.find(value, 'access', 'static')
  const account = token?.connector === 'salesforce' ? world.accounts.find(token.account) : undefined
  return token && world.tokens.state(token) === 'valid' ? account : undefined
}
