// What change events say: which records may have changed, and of which objects more changed than is told. Pure. No value
// of an event is used: compound fields are nested in it, long texts come as differences, and a gap has none.
// https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture/cdc_event_fields_header.htm
import type { StreamRead, StreamedChange } from '../../kit/connector.ts'
import { arrayOf, objectOf, textOf } from '../../kit/reading.ts'
import type { JsonObject } from '../../kit/reading.ts'
import { objects } from '../description.ts'
import { isId, longId } from '../objects.ts'

/** Stands in an overflow event in the place of the ids it does not tell. */
const noRecord = '000000000000000AAA'

/** The channel of an object by its name here; a custom one's has its name without the __c. */
export function channelOf(name: string): string {
  const remoteName = objects.find((known) => known.name === name)?.remoteName ?? name
  const custom = /^(\w+)__c$/.exec(remoteName)
  return custom ? `/data/${custom[1]}__ChangeEvent` : `/data/${remoteName}ChangeEvent`
}

/** The name of a channel's object; null when it is no channel of one. */
function objectOfChannel(channel: string): string | null {
  const custom = /^\/data\/(\w+)__ChangeEvent$/.exec(channel)
  if (custom) return `${custom[1]}__c`
  return objects.find(({ name }) => channelOf(name) === channel)?.name ?? null
}

export function readEvents(told: readonly JsonObject[]): Omit<StreamRead, 'session'> {
  const changes = new Map<string, StreamedChange>()
  const untold = new Set<string>()
  const positions: Record<string, string> = {}
  let committedAtMs: number | null = null
  for (const message of told) {
    const object = objectOfChannel(textOf(message['channel']) ?? '')
    if (object === null) continue
    const data = objectOf(message['data'])
    const replayId = textOf(objectOf(data['event'])['replayId'])
    if (replayId !== null) positions[object] = replayId
    const header = objectOf(objectOf(data['payload'])['ChangeEventHeader'])
    const atMs = Number(textOf(header['commitTimestamp']) ?? Number.NaN)
    if (Number.isFinite(atMs)) committedAtMs = Math.max(committedAtMs ?? atMs, atMs)
    const ids = arrayOf(header['recordIds']).flatMap((id) => textOf(id) ?? [])
    // More than could be told, every record at once (the prefix of an object), or a form that is not known here.
    const changeType = textOf(header['changeType']) ?? ''
    if (isUntold(changeType, ids)) untold.add(object)
    for (const id of ids.filter((each) => isId(each) && each !== noRecord).map(longId)) {
      const own = isOwn(textOf(header['changeOrigin']) ?? '')
      const before = changes.get(`${object} ${id}`)
      changes.set(`${object} ${id}`, {
        object,
        id,
        deleted: changeType === 'DELETE' || changeType === 'GAP_DELETE',
        own: own && before?.own !== false,
      })
    }
  }
  return { changes: [...changes.values()], untold: [...untold], positions, committedAtMs }
}

function isUntold(changeType: string, ids: readonly string[]): boolean {
  return changeType === 'GAP_OVERFLOW' || ids.length === 0 || ids.some((id) => !isId(id) || id === noRecord)
}

/** `com/salesforce/api/rest/67.0;client=rowhouse`: the tag that every call carries. */
const isOwn = (origin: string): boolean => /(?:^|;)client=rowhouse(?:[;/]|$)/.test(origin)
