// The channels of change events: all objects, one standard object, one custom object. Owns their names.
// https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture/cdc_subscribe_channels.htm
import type { Organization } from '../organization.ts'

/** Which objects the channel tells of; undefined when there is no such channel. */
export function channelAccepts({ schema }: Organization, channel: string): ((object: string) => boolean) | undefined {
  if (channel === '/data/ChangeEvents') return () => true
  const name = /^\/data\/(\w+?)(__)?ChangeEvent$/.exec(channel)
  if (!name) return undefined
  const wanted = schema.parse(name[2] === undefined ? name[1]! : `${name[1]!}__c`)
  return wanted === undefined || wanted === 'User' ? undefined : (object) => object === wanted
}
