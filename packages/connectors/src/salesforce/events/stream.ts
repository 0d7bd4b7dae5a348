// Listens to change events: one session, a channel for each object, each after the position it had. Keeps nothing: the
// session is handed back and forth. https://developer.salesforce.com/docs/atlas.en-us.api_streaming.meta/api_streaming/using_streaming_api_durability.htm
import { failed, ok, retry } from '../../kit/answers.ts'
import { exactNumber } from '../../kit/body.ts'
import type { ChangeStream, StreamSession } from '../../kit/connector.ts'
import type { Failure } from '../../kit/failure.ts'
import { textOf } from '../../kit/reading.ts'
import { exchange, holdMs } from './bayeux.ts'
import { channelOf, readEvents } from './change-events.ts'

/** Only what happens from now on. */
const fromNow = '-1'

export const stream: ChangeStream = {
  holdMs,

  async open(http, objects) {
    const shaken = await exchange(
      http,
      {},
      {
        channel: '/meta/handshake',
        version: '1.0',
        minimumVersion: '1.0',
        supportedConnectionTypes: ['long-polling'],
        ext: { replay: true },
      },
    )
    if (!shaken.ok) return shaken
    const clientId = textOf(shaken.value.reply['clientId'])
    if (clientId === null) return failed(retry('Salesforce opened an event stream without naming it.'))
    let session: StreamSession = { ...shaken.value.session, clientId }
    const refused: { object: string; failure: Failure }[] = []
    for (const { object, position } of objects) {
      const subscription = channelOf(object)
      const subscribed = await exchange(http, session, {
        channel: '/meta/subscribe',
        subscription,
        ext: { replay: { [subscription]: exactNumber(isPosition(position) ? position : fromNow) } },
      })
      if (subscribed.ok) ({ session } = subscribed.value)
      // Of one object: its position, its channel. Anything else is the stream's.
      else if (subscribed.failure.action === 'resync' || subscribed.failure.action === 'pause')
        refused.push({ object, failure: subscribed.failure })
      else return subscribed
    }
    return ok({ session, refused })
  },

  async next(http, session) {
    const answer = await exchange(http, session, { channel: '/meta/connect', connectionType: 'long-polling' }, holdMs)
    return answer.ok ? ok({ ...readEvents(answer.value.told), session: answer.value.session }) : answer
  },

  async close(http, session) {
    await exchange(http, session, { channel: '/meta/disconnect' })
  },
}

const isPosition = (position: string | null): position is string => position !== null && /^\d{1,30}$/.test(position)
