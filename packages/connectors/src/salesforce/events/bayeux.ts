// Bayeux over long polling, as Salesforce speaks it: one message a request, its reply, and what a refusal means. Owns
// the wire form and the cookies; must not know what an event is. Why it is not a library's client: docs/adr/0019.
// https://docs.cometd.org/current/reference/#_bayeux
// https://developer.salesforce.com/docs/atlas.en-us.api_streaming.meta/api_streaming/streaming_error_codes.htm
import { advise, failed, ok, refreshCredentials, resync, retry, transportFailure } from '../../kit/answers.ts'
import type { Answer, StreamSession } from '../../kit/connector.ts'
import type { Failure } from '../../kit/failure.ts'
import type { ConnectorHttp, HttpAnswer } from '../../kit/http.ts'
import { arrayOf, isObject, objectOf, textOf } from '../../kit/reading.ts'
import type { JsonObject } from '../../kit/reading.ts'
import { callHeaders } from '../soql.ts'

/** Salesforce holds a poll for 110 seconds; an answer later than this is none. */
export const holdMs = 110_000
const path = '/cometd/67.0'
/** The day's allocation of delivered events comes back bit by bit, as that of calls does. */
const limitPauseMs = 15 * 60_000

export interface Exchange {
  /** The reply to the message that was sent. */
  readonly reply: JsonObject
  /** Everything else that came with it. */
  readonly told: readonly JsonObject[]
  readonly session: StreamSession
}

/** Sends one message. Batches are refused by Salesforce's server, so each message is a request of its own. */
export async function exchange(
  http: ConnectorHttp,
  session: StreamSession,
  message: JsonObject,
  heldMs = 0,
): Promise<Answer<Exchange>> {
  const id = String(Number(session['id'] ?? 0) + 1)
  const { clientId, cookie } = session
  const answer = await http.request({
    method: 'POST',
    path,
    json: [{ ...message, id, ...(clientId === undefined ? {} : { clientId }) }],
    headers: { ...callHeaders, ...(cookie ? { cookie } : {}) },
    // Streaming is not counted among the day's calls.
    budget: null,
    holdMs: heldMs,
  })
  const messages = arrayOf(answer.body).map((entry) => objectOf(entry))
  const channel = message['channel']
  const reply = messages.find((entry) => entry['channel'] === channel && 'successful' in entry)
  if (reply === undefined) return failed(failureOfHttp(answer))
  if (reply['successful'] !== true) return failed(failureOf(reply))
  return ok({
    reply,
    told: messages.filter((entry) => entry !== reply && isObject(entry['data'])),
    session: { ...session, id, ...cookiesOf(session, answer) },
  })
}

/** An answer without a reply: none, a page, an error of the platform below the protocol. */
function failureOfHttp(answer: HttpAnswer): Failure {
  if (answer.status === 401) return refreshCredentials('Salesforce refused the token of the event stream.')
  return transportFailure(answer) ?? retry(`Salesforce answered ${answer.status} to the event stream, and no reply.`)
}

function failureOf(reply: JsonObject): Failure {
  const failureReason = textOf(objectOf(objectOf(reply['ext'])['sfdc'])['failureReason']) ?? ''
  const error = textOf(reply['error']) ?? ''
  const reason = `${error || 'The event stream was refused'}${failureReason ? ` (${failureReason})` : ''}`
  if (/^401\b/.test(error) || /^401\b/.test(failureReason)) return refreshCredentials(reason)
  if (/replayId/i.test(error)) return resync(reason)
  if (/limit/i.test(error)) return retry(reason, limitPauseMs)
  // The session is unknown: it idled, or its server is gone.
  if (objectOf(reply['advice'])['reconnect'] === 'handshake' || /^(?:402|403)::Unknown client/.test(error))
    return retry(reason, 0)
  if (/^(?:408|5\d\d)\b/.test(error)) return retry(reason)
  const subscription = textOf(reply['subscription'])
  if (/^40[0349]\b/.test(error) && subscription !== null) return advise(adviceOf(subscription))
  return retry(reason)
}

const adviceOf = (channel: string): string =>
  `Salesforce refuses ${channel.replace(/[^\w/]/g, '').slice(0, 100)}: select the object under Setup › Change Data Capture, and let the connected user view all of its records.`

/** What the server wants back; a client without its cookies is not known to the next server it meets. */
function cookiesOf(session: StreamSession, { headers }: HttpAnswer): { readonly cookie?: string } {
  const given = headers['set-cookie']
  if (given === undefined) return {}
  const jar = new Map((session['cookie'] ?? '').split('; ').flatMap((pair) => cookieOf(pair)))
  for (const line of given.split('\n'))
    for (const [name, value] of cookieOf(line.split(';')[0] ?? '')) jar.set(name, value)
  return { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }
}

function cookieOf(pair: string): [string, string][] {
  const at = pair.indexOf('=')
  return at < 1 ? [] : [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()]]
}
